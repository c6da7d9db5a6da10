"""What messaging does when mails are queued."""

from __future__ import annotations

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.subscriptions import Subscriptions
from messaging import mails
from messaging.events import MailQueued
from messaging.liquid.renderer import Renderer
from tenants import brands
from tenants.ports import Ports
from themes.page import Brand


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind the delivery of mails to this process's mail server and its rendering children."""
    renderer = Renderer()  # starts children when a tenant's template is first used

    async def brand_of(tenant: TenantRef) -> Brand:
        return await brands.current(ports.database, tenant)

    async def deliver(database: Database, tenant: TenantRef, event: MailQueued) -> None:
        await mails.deliver(
            database,
            tenant,
            event,
            mailer=ports.mailer,
            vault=ports.vault,
            brand_of=brand_of,
            renderer=renderer,
        )

    made.job(MailQueued, "messaging.deliver", deliver, lane="mail")
