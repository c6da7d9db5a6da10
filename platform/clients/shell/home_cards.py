"""What clients show on home pages: how many stand where."""

from __future__ import annotations

from clients.shell import queries
from identity.shell.home_cards import Ask, Figures, Offer, figure
from kernel.database import TenantSession

_READ = "clients.client.read"
_LIST = "/crm/clients"


async def clients(session: TenantSession, ask: Ask) -> Figures:
    """Return clients by status, within the viewer's scope."""
    found = await queries.by_status(session, owner_id=ask.viewer.owner(_READ))
    return {
        "registered": figure(
            "Not verified yet",
            found.get("registered", 0),
            f"{_LIST}?status=registered",
            basis="clients without verification",
        ),
        "active": figure(
            "Active clients",
            found.get("active", 0),
            f"{_LIST}?status=active",
            basis=f"of {sum(found.values()):,}",
        ),
        "all": figure("Clients", sum(found.values()), _LIST, basis="in all"),
    }


OFFERS = [Offer("clients.people", _READ, clients)]
