"""The mirror of trading servers: accounts, balance operations, deals and positions.

Money on a server is moved by intent rows and a search before every retry, because the server's
own call knows no idempotency key (rule MON6). Deals come in as the bytes the server sent and are
kept with their earlier versions; every later room reads the mirror and never the server.
"""
