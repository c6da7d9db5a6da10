"""A synthetic person walks the running product, from a visit to a partner's commission.

The walk knows no code of the product: it reads pages as a browser does, mails as a person
does, asks the trading server with a client of its own, and does its own arithmetic.
"""
