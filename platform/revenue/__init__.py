"""What the brokerage earned: lines per deal and kind, days, and the arithmetic behind each.

Amounts are kept in the deal's, the account's and the brokerage's base currency.
"""
