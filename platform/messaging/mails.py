"""Mails: queued with the change that caused them, sent afterwards, each of them once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import formataddr
from uuid import UUID

import msgspec
from markupsafe import Markup

from connectors.mail.port import Mail, MailDeferred, Mailer, MailRefused
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import uuid7
from messaging import queries, templates, texts
from messaging.events import MailQueued
from messaging.liquid import variables
from messaging.liquid.renderer import Renderer
from messaging.models import Message
from themes.loader import render_mail
from themes.page import Brand

BrandOf = Callable[[TenantRef], Awaitable[Brand]]
_PURPOSE = "messaging.letter"
# Longer than a mail server takes to answer; whoever dies in between is followed after this.
_LEASE = timedelta(seconds=90)


async def queue(
    session: TenantSession, *, to: str, template: str, context: texts.Context, vault: Vault
) -> Message:
    """Queue a mail of a template to one address; it leaves after this transaction's commit.

    The letter is written now, so that a missing value fails here (texts.ContextMissing), and
    is kept sealed with its values; the brand dresses it when it is sent, in the words of the
    tenant's own templates where it has published some.
    """
    tenant: TenantRef = session.info["tenant"]
    letter = texts.write(template, brand=tenant.name, context=context)
    if template in variables.EVENTS:
        letter = replace(letter, values=variables.offered(template, context))
    message = Message(
        id=uuid7(),
        channel="mail",
        recipient=to,
        template=template,
        subject=letter.subject[:200],
        body_sealed=vault.seal(tenant.id, msgspec.json.encode(letter), purpose=_PURPOSE),
        state="queued",
        attempts=0,
    )
    session.add(message)
    record(session, MailQueued(message.id))
    return message


async def queue_written(
    session: TenantSession,
    *,
    to: str,
    template: str,
    subject: str,
    html: str,
    text: str,
    vault: Vault,
) -> Message:
    """Queue a mail whose parts a renderer has written already; the brand dresses them.

    For the test of a template: what is sent is what its author has just seen.
    """
    tenant: TenantRef = session.info["tenant"]
    letter = texts.Letter(subject=subject, heading="", paragraphs=[], html=html, text=text)
    message = Message(
        id=uuid7(),
        channel="mail",
        recipient=to,
        template=template,
        subject=subject[:200],
        body_sealed=vault.seal(tenant.id, msgspec.json.encode(letter), purpose=_PURPOSE),
        state="queued",
        attempts=0,
    )
    session.add(message)
    record(session, MailQueued(message.id))
    return message


async def deliver(
    database: Database,
    tenant: TenantRef,
    event: MailQueued,
    *,
    mailer: Mailer,
    vault: Vault,
    brand_of: BrandOf,
    renderer: Renderer | None = None,
) -> None:
    """Send a queued mail; a second call for the same mail sends nothing.

    Raises MailDeferred when it must be tried again. A mail the server refuses for good becomes
    failed. Should the process die after the server took the mail, the next attempt repeats it
    under the same Message-ID, by which servers and readers know it as the same. Without a
    renderer the built-in texts are sent.
    """
    claimed = await _claim(database, tenant, event.message_id)
    if claimed is None:
        return
    recipient, sealed, template = claimed
    letter = msgspec.json.decode(vault.open(tenant.id, sealed, purpose=_PURPOSE), type=texts.Letter)
    brand = await brand_of(tenant)
    own = None
    if letter.html is not None:
        own = templates.Written(html=letter.html, text=letter.text)
    elif renderer is not None:
        own = await templates.write(
            database,
            tenant,
            event=template,
            language=brand.language,
            values={**(letter.values or {}), "brand": templates.told(brand)},
            renderer=renderer,
        )
    mail = _dressed(
        letter, own or templates.Written(), brand, to=recipient, message_id=event.message_id
    )
    try:
        await mailer.send(mail)
    except MailRefused as refused:
        await _close(database, tenant, event.message_id, state="failed", error=str(refused))
        return
    except MailDeferred as deferred:
        await _close(database, tenant, event.message_id, state="queued", error=str(deferred))
        raise
    reach("messaging.after_send")
    await _close(database, tenant, event.message_id, state="sent", error="")


async def _claim(
    database: Database, tenant: TenantRef, message_id: UUID
) -> tuple[str, bytes, str] | None:
    """Return recipient, sealed letter and template of a mail that is ours to send, else None."""
    async with database.tenant(tenant) as session:
        message = await queries.message_for_update(session, message_id)
        if message is None or message.state != "queued" or message.body_sealed is None:
            return None
        if message.lease_until is not None and message.lease_until > now():
            raise MailDeferred("Another worker is sending this mail.")
        message.lease_until = now() + _LEASE
        message.attempts += 1
        return message.recipient, message.body_sealed, message.template


async def _close(
    database: Database, tenant: TenantRef, message_id: UUID, *, state: str, error: str
) -> None:
    async with database.tenant(tenant) as session:
        message = await queries.message_for_update(session, message_id)
        assert message is not None
        message.state, message.error, message.lease_until = state, error[:200], None
        if state == "sent":
            message.sent_at = now()
        if state != "queued":
            message.body_sealed = None  # links and passwords are kept no longer than needed


def _dressed(
    letter: texts.Letter, own: templates.Written, brand: Brand, *, to: str, message_id: UUID
) -> Mail:
    html, text = render_mail(
        brand,
        heading=letter.heading,
        paragraphs=letter.paragraphs,
        action_label=letter.action_label,
        action_href=letter.action_href,
        facts=letter.facts or (),
        footer=letter.footer,
    )
    if own.html is not None:  # cleaned by the renderer: the only HTML that is let through
        html, _ = render_mail(brand, heading="", paragraphs=[Markup(own.html)])  # noqa: S704
    if own.text is not None:
        _, text = render_mail(brand, heading="", paragraphs=[own.text])
    host = brand.support_email.rpartition("@")[2] or f"{brand.slug}.example"
    sender = brand.support_email or f"noreply@{host}"
    return Mail(
        sender=formataddr((brand.name, sender)),
        to=to,
        subject=own.subject if own.subject is not None else letter.subject,
        text=text,
        html=html,
        message_id=f"{message_id}@{host}",
    )
