"""Money that leaves: asked for, checked before it is asked for, approved, given up, paid out.

A request sets the money aside. When it is approved the book moves it to withdrawals on their
way, after the trading server has booked it where it comes from an account. Only then is each part
paid, under one key for ever: an answer that got lost is asked for and never paid again.
"""
