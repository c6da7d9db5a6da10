"""What staff does with clients' money: adjustments, fees, bonuses, write-offs and disputes.

Above the brokerage's limit somebody else has to agree. Where a trading server is concerned it is
asked first and the book follows it.
"""
