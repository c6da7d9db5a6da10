"""Who may do what: people, sessions, roles, permissions, API keys and the audit trail.

The same tables stand in each tenant's schema, for its staff, clients and partners, and in
control, for the vendor's staff.
"""
