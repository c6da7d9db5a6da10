"""Money moved between wallets, trading accounts and clients, and converted on the way.

What leaves a place is set aside first. A trading server is debited before another one is
credited (MON6), and whatever it refuses leaves the money where it was last.
"""
