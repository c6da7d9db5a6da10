"""The brokerages themselves: registry, hosts, schemas, provisioning and trading servers.

Everything here lives in the control schema; nothing here reads a tenant's own rows.
"""
