"""Money that comes in from outside: deposits through payment providers, and what they tell us.

A provider's signed event is stored once and handled in one transaction: the amount that was
settled is posted to the client's wallet and, for a trading account, held until the server has
booked it. What does not match is held for a person and never credited by itself.
"""
