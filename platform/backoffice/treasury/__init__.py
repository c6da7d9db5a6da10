"""Finance's own screens: the book, payment providers, withdrawals, banks and reconciliation."""
