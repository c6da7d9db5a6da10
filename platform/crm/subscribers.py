"""What sales learn from the rooms below."""

from __future__ import annotations

from clients.events import ClientCreated
from crm import leads
from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from tenants.ports import Ports


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind this room's subscribers."""
    made.on(ClientCreated, "crm.adopt", on_client_created)


async def on_client_created(session: TenantSession, event: ClientCreated) -> None:
    """Tie a client who registered by themselves to their lead."""
    if event.lead_id is None:
        await leads.adopt(session, client_id=event.client_id)
