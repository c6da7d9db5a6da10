"""The console's navigation."""

from __future__ import annotations

NAVIGATION = [("Tenants", [("Brokerages", "/tenants", "building", "console.tenant.read")])]
