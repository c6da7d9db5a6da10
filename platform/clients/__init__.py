"""The people a brokerage serves: their profile, what they may not do for now, their timeline.

Every room above reads who somebody is from here; leads live in the crm until they become
clients. Money, accounts and documents belong to the rooms of those names.
"""
