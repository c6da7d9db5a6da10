"""How the product runs: the services it needs, started from wheels or met elsewhere.

`infra` knows ports, folders and processes; it knows nothing of brokers, tenants or money.
"""
