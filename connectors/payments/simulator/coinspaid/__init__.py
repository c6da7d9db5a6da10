"""A counterpart that speaks CoinsPaid's processing API: addresses, deposits, withdrawals."""
