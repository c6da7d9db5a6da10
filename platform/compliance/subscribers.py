"""What compliance does when clients appear."""

from __future__ import annotations

from clients.events import ClientCreated
from compliance import cases
from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from tenants.ports import Ports


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind this room's subscribers."""
    del ports
    made.on(ClientCreated, "compliance.open_case", on_client_created)


async def on_client_created(session: TenantSession, event: ClientCreated) -> None:
    """Open the case of every new client, however they came; a second time changes nothing."""
    await cases.open_for(session, client_id=event.client_id)
