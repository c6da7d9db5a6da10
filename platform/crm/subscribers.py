"""What sales learn from the rooms below."""

from __future__ import annotations

from clients.events import ClientRegistered
from crm import leads
from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from tenants.ports import Ports


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind this room's subscribers."""
    made.on(ClientRegistered, "crm.adopt", on_client_registered)


async def on_client_registered(session: TenantSession, event: ClientRegistered) -> None:
    """Tie somebody who registered by themselves to their lead, or make one."""
    await leads.adopt(session, client_id=event.client_id, referral_code=event.referral_code)
