"""Every permission of the product, and what each staff role is granted at first."""

from __future__ import annotations

import approvals.permissions
import backoffice.permissions
import clients.permissions
import compliance.permissions
import crm.permissions
import identity.permissions
import introducers.permissions
import ledger.permissions
import messaging.permissions
import revenue.permissions
import trading.permissions
import treasury.permissions
from identity.roles import Grants

_ROOMS = (
    identity.permissions,
    approvals.permissions,
    clients.permissions,
    ledger.permissions,
    messaging.permissions,
    trading.permissions,
    treasury.permissions,
    compliance.permissions,
    revenue.permissions,
    introducers.permissions,
    crm.permissions,
    backoffice.permissions,
)
VENDOR = {
    "console.tenant.read": "See brokerages, their state and their runs",
    "console.tenant.export": "Export the list of brokerages",
}


def permissions() -> dict[str, str]:
    """Return every permission of a brokerage with what it lets a person do."""
    return {name: words for room in _ROOMS for name, words in room.PERMISSIONS.items()}


def grants() -> Grants:
    """Return what each staff role is granted when a brokerage is made."""
    return {name: by_role for room in _ROOMS for name, by_role in room.GRANTS.items()}
