"""The book as finance and auditors read it: trial balance, accounts, statements, entries, periods.

Nothing here writes entries; only periods are closed and opened from these screens.
"""
