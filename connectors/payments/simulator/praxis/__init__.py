"""A counterpart that speaks Praxis' Cashier API 1.3 and its notifications."""
