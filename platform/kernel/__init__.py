"""What every room stands on: money, ids, clock, errors, settings, database, events, storage, log.

Kernel knows no brokerage words beyond money and tenants, and imports nothing of ours.
"""
