"""A trading server of our own that speaks the MT5 Web API in its REST form over HTTPS.

It runs as a process of its own (``python -m connectors.trading.simulator``), keeps its
accounts, deals and positions in one SQLite file, and shares no code with the adapters:
demo tenants and tests meet a real protocol on a real socket. Amounts of money, lots and
rates are integers in units of 1e-8 inside; prices are integers in points.
"""
