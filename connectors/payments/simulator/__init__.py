"""Payment providers in one process: their HTTP APIs, hosted pages and signed callbacks.

It exists for demo tenants and tests. Stripe stands in the modules of this package; Praxis, Skrill,
the white-label checkout dialect (vpg), NOWPayments (crypto) and CoinsPaid stand in packages of
their own over what `desk` shares. A caller can't tell it from test mode of the real provider
through the parts of the API that a brokerage's cashier uses. It shares no code with the adapters
that talk to it. Start it with `python -m connectors.payments.simulator --data DIR --port 0`.
"""
