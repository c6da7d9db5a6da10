"""The double-entry book of a brokerage: entries, postings, holds and balances per currency.

Everything is written by functions inside PostgreSQL, which the tenant's role may call while it
may not touch the tables. Line amounts are signed, debit positive, in major units.
"""
