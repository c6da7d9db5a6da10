"""Whether the book, the trading servers and the payment providers and banks say the same.

Three sides are compared by our payment reference; what differs becomes a break with its kind, its
owner and the entry that would mend it. The same runs each night and on files that are given, and
says beside it whether clients' money is whole.
"""
