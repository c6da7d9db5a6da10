"""Rates of currencies: what the market says, what a brokerage adds, and what a client is quoted."""
