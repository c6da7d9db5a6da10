"""A payment provider in one process that speaks Stripe's HTTP API, hosted page and webhooks.

It exists for demo tenants and tests: a caller can't tell it from test mode of the real
provider through the parts of the API that a brokerage's cashier uses. It shares no code with
the adapter that talks to it. Start it with
`python -m connectors.payments.simulator --data DIR --port 0`.
"""
