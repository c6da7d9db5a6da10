"""The brokerage's bank accounts, their statements, and what each line of them is for.

A file is read once and a line counts once. A line that names a deposit, agrees with its amount and
comes from its client settles it; a provider's settlement clears what the provider owes; the rest
waits in suspense, from where two people release it.
"""
