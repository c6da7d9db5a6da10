"""What messaging does when mails and SMS are queued, and when somebody was told something."""

from __future__ import annotations

from functools import partial

from identity.events import SecurityChanged
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.subscriptions import Subscriptions
from messaging import mails, pushes, security_notices, sms
from messaging.delivery import links, servers
from messaging.events import MailQueued, NotificationsRead, Notified, PushQueued, SmsQueued
from messaging.liquid.renderer import Renderer
from messaging.mail_logos import Logos
from tenants import brands
from tenants.ports import Ports
from themes.page import Brand

_TOLD_AT_ONCE = 100


def subscribe(made: Subscriptions, ports: Ports, renderer: Renderer) -> None:
    """Bind the deliveries to this process's servers and to its rendering children."""

    async def brand_of(tenant: TenantRef) -> Brand:
        return await brands.current(ports.database, tenant)

    turns = servers.Turns()
    logos = Logos(ports.database, ports.store)

    async def site_of(tenant: TenantRef) -> str:
        return await links.origin(ports.database, ports.settings, tenant, surface="public")

    async def deliver(database: Database, tenant: TenantRef, event: MailQueued) -> None:
        await mails.deliver(
            database,
            tenant,
            event,
            mailer=ports.mailer,
            vault=ports.vault,
            brand_of=brand_of,
            renderer=renderer,
            own=ports.mail_servers,
            turns=turns,
            site_of=site_of,
            logo_of=logos.of,
        )

    async def text(database: Database, tenant: TenantRef, event: SmsQueued) -> None:
        if ports.sms is None:
            return  # the operator has taken the gateway away; nobody waits for an old SMS
        await sms.deliver(
            database,
            tenant,
            event,
            gateway=ports.sms,
            vault=ports.vault,
            brand_of=brand_of,
            renderer=renderer,
        )

    made.job(MailQueued, "messaging.deliver", deliver, lane="mail")
    made.job(SmsQueued, "messaging.text", text, lane="mail")
    made.on(
        SecurityChanged,
        "messaging.security_changed",
        partial(security_notices.on_security_changed, vault=ports.vault),
        lane="mail",
    )
    _tell(made, ports, brand_of)


def _tell(made: Subscriptions, ports: Ports, brand_of: mails.BrandOf) -> None:
    """Bind what follows a notification: bells for open windows, pushes for the others."""

    async def push(database: Database, tenant: TenantRef, event: PushQueued) -> None:
        brand = await brand_of(tenant)
        await pushes.deliver(
            database,
            tenant,
            event,
            pusher=ports.pusher,
            vault=ports.vault,
            contact=f"mailto:{brand.support_email}",
        )

    spread = partial(pushes.spread, client=ports.redis)
    made.job_batch(Notified, "messaging.spread", spread, size=_TOLD_AT_ONCE)
    read = partial(pushes.ring_after_reading, client=ports.redis)
    made.job(NotificationsRead, "messaging.ring", read)
    made.job(PushQueued, "messaging.push", push, lane="mail")
