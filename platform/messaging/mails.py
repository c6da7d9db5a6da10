"""Mails: queued with the change that caused them, sent afterwards, each of them once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import msgspec

from connectors.mail.port import (
    Mail,
    MailDeferred,
    Mailer,
    MailRefused,
    MailServers,
    RecipientRefused,
    ServerUnusable,
)
from identity import audit
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, NotFound
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import uuid7
from kernel.language import LANGUAGES, SOURCE, speaking
from messaging import dressing, notifications, queries, templates, texts
from messaging.delivery import addresses, bounces, reports, servers, suppressions
from messaging.delivery import queries as delivery_queries
from messaging.events import MailQueued
from messaging.liquid import variables
from messaging.liquid.renderer import Renderer
from messaging.mail_logos import LogoOf
from messaging.models import Message
from themes.page import Brand

BrandOf = Callable[[TenantRef], Awaitable[Brand]]
SiteOf = Callable[[TenantRef], Awaitable[str]]
_PURPOSE = "messaging.letter"
# Longer than a mail server takes to answer; whoever dies in between is followed after this.
_LEASE = timedelta(seconds=90)
# How long a letter that was refused or held back can be sent again.
_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class _Claimed:
    """A mail that is ours to send now."""

    id: UUID
    recipient: str
    sealed: bytes
    template: str
    category: str
    language: str


async def queue(
    session: TenantSession,
    *,
    to: str,
    template: str,
    context: texts.Context,
    vault: Vault,
    reader: UUID | None = None,
    language: str = "",
) -> Message:
    """Queue a mail of a template to one address; it leaves after this transaction's commit.

    It is written in the language that the `reader` (a person who signs in) chose, else in
    `language`, else in the brokerage's own. The letter is written now, so that a missing value
    fails here (texts.ContextMissing), and is kept sealed with its values; the brand dresses it
    when it is sent, in the words of the tenant's own templates where it has published some.
    """
    tenant: TenantRef = session.info["tenant"]
    chosen = await delivery_queries.language_of(session, reader) if reader else ""
    spoken = _spoken(chosen, language, tenant.language)
    letter = texts.write(template, brand=tenant.name, context=context, language=spoken)
    if template in variables.EVENTS:
        values = variables.offered(template, texts.told(context, spoken))
        letter = replace(letter, values=values)
    return _queued(session, letter, to=to, template=template, language=spoken, vault=vault)


def _spoken(*wanted: str) -> str:
    """Return the first language that the product speaks, two letters."""
    two = (one.partition("-")[0] for one in wanted)
    return next((one for one in two if one in LANGUAGES), SOURCE)


async def queue_written(
    session: TenantSession,
    *,
    to: str,
    template: str,
    subject: str,
    html: str,
    text: str,
    vault: Vault,
    language: str = "",
) -> Message:
    """Queue a mail whose parts a renderer has written already; the brand dresses them.

    For the test of a template: what is sent is what its author has just seen.
    """
    letter = texts.Letter(subject=subject, heading="", paragraphs=[], html=html, text=text)
    tenant: TenantRef = session.info["tenant"]
    spoken = _spoken(language, tenant.language)
    return _queued(session, letter, to=to, template=template, language=spoken, vault=vault)


def _queued(
    session: TenantSession,
    letter: texts.Letter,
    *,
    to: str,
    template: str,
    language: str,
    vault: Vault,
) -> Message:
    tenant: TenantRef = session.info["tenant"]
    message = Message(
        id=uuid7(),
        channel="mail",
        recipient=to,
        template=template,
        category=texts.category(template),
        language=language,
        subject=letter.subject[:200],
        body_sealed=vault.seal(tenant.id, msgspec.json.encode(letter), purpose=_PURPOSE),
        state="queued",
        attempts=0,
    )
    session.add(message)
    record(session, MailQueued(message.id))
    return message


async def send_again(session: TenantSession, *, message_id: UUID) -> Message:
    """Queue a mail once more that failed or was held back; its words are kept for a week.

    Raises NotFound, and Conflict for a mail that can't be sent again.
    """
    message = await queries.message_for_update(session, message_id)
    if message is None or message.channel != "mail":
        raise NotFound
    if message.state not in ("failed", "suppressed"):
        raise Conflict("Only a mail that failed or was held back can be sent again.")
    if message.body_sealed is None:
        raise Conflict("The words of this mail are not kept any more. Let it be made anew.")
    message.state, message.error, message.lease_until = "queued", "", None
    audit.record(
        session,
        "messaging.mail.send_again",
        subject=("message", message.id),
        after={"template": message.template},
    )
    record(session, MailQueued(message.id))
    return message


async def forget_old(session: TenantSession) -> int:
    """Remove the words of mails that were not sent and that nobody sent again within a week."""
    old = await delivery_queries.old_letters(session, before=now() - _KEPT)
    for message in old:
        message.body_sealed = None
    return len(old)


async def deliver(
    database: Database,
    tenant: TenantRef,
    event: MailQueued,
    *,
    mailer: Mailer,
    vault: Vault,
    brand_of: BrandOf,
    renderer: Renderer | None = None,
    own: MailServers | None = None,
    turns: servers.Turns | None = None,
    site_of: SiteOf | None = None,
    logo_of: LogoOf | None = None,
) -> None:
    """Send a queued mail; a second call for the same mail sends nothing.

    It leaves through the tenant's own server where there is one and `own` can reach it, else by
    `mailer`. Raises MailDeferred when it must be tried again. A mail the server refuses for
    good becomes failed, or bounced where the address was at fault. Should the process die after
    the server took the mail, the next attempt repeats it under the same Message-ID, by which
    servers and readers know it as the same. Without a renderer the built-in texts are sent.
    """
    way = servers.Route(None)
    if own is not None:
        way = await servers.route(database, tenant, vault=vault)
    if own is not None and way.address is not None:
        mailer = own.at(way.address)
    async with (turns or servers.Turns()).taken(tenant, way):
        claimed = await _claim(database, tenant, event.message_id, vault=vault)
        if claimed is None:
            return
        mail = await _made(
            database,
            tenant,
            claimed,
            vault=vault,
            brand_of=brand_of,
            renderer=renderer,
            site_of=site_of,
            logo_of=logo_of,
            way=way,
        )
        try:
            await mailer.send(mail)
        except RecipientRefused as refused:
            await _bounce(database, tenant, claimed.id, status=refused.status, vault=vault)
            return
        except MailRefused as refused:
            await _close(database, tenant, claimed.id, state="failed", error=str(refused))
            return
        except MailDeferred as deferred:
            failed = deferred if isinstance(deferred, ServerUnusable) and way.address else None
            await _close(
                database, tenant, claimed.id, state="queued", error=str(deferred), unusable=failed
            )
            raise
        reach("messaging.after_send")
        news = way.address is not None and servers.success_is_news(way)
        await _close(database, tenant, claimed.id, state="sent", error="", worked=news)


async def _made(
    database: Database,
    tenant: TenantRef,
    claimed: _Claimed,
    *,
    vault: Vault,
    brand_of: BrandOf,
    renderer: Renderer | None,
    site_of: SiteOf | None,
    logo_of: LogoOf | None,
    way: servers.Route,
) -> Mail:
    """Dress the letter in the brand, in the reader's language, and address it."""
    letter = msgspec.json.decode(
        vault.open(tenant.id, claimed.sealed, purpose=_PURPOSE), type=texts.Letter
    )
    language = claimed.language
    with speaking(language):
        brand = dressing.spoken(await brand_of(tenant), language)
    own = templates.Written(html=letter.html, text=letter.text) if letter.html else None
    if own is None and renderer is not None:
        own = await templates.write(
            database,
            tenant,
            event=claimed.template,
            language=language,
            values={**(letter.values or {}), "brand": templates.told(brand)},
            renderer=renderer,
        )
    leave = ""
    if claimed.category == "marketing" and site_of is not None:
        token = addresses.unsubscribe_token(
            vault,
            tenant.id,
            address_hash=addresses.hashed(vault, tenant.id, claimed.recipient),
            mail_list="marketing",
        )
        leave = f"{await site_of(tenant)}/unsubscribe/{token}"
    logo = await logo_of(tenant) if logo_of is not None else None
    mail = dressing.dressed(
        letter,
        own or templates.Written(),
        brand,
        to=claimed.recipient,
        unsubscribe_href=leave,
        logo=f"cid:{logo.content_id}" if logo else "",
    )
    mail = replace(mail, images=(logo,) if logo else ())
    return dressing.addressed(mail, way, brand, tenant=tenant, message_id=claimed.id, vault=vault)


async def _claim(
    database: Database, tenant: TenantRef, message_id: UUID, *, vault: Vault
) -> _Claimed | None:
    """Return a mail that is ours to send, else None; one that is held back is closed."""
    async with database.tenant(tenant) as session:
        message = await queries.message_for_update(session, message_id)
        if message is None or message.state != "queued" or message.body_sealed is None:
            return None
        moment = await queries.database_time(session)
        if message.lease_until is not None and message.lease_until > moment:
            raise MailDeferred("Another worker is sending this mail.")
        held_back = await suppressions.holds_back(
            session,
            address_hash=addresses.hashed(vault, tenant.id, message.recipient),
            category=message.category,
        )
        if held_back:
            message.state, message.error = "suppressed", "The address is on the suppression list."
            return None
        message.lease_until = moment + _LEASE
        message.attempts += 1
        return _Claimed(
            id=message.id,
            recipient=message.recipient,
            sealed=message.body_sealed,
            template=message.template,
            category=message.category,
            language=message.language,
        )


async def _close(
    database: Database,
    tenant: TenantRef,
    message_id: UUID,
    *,
    state: str,
    error: str,
    worked: bool = False,
    unusable: ServerUnusable | None = None,
) -> None:
    async with database.tenant(tenant) as session:
        message = await queries.message_for_update(session, message_id)
        assert message is not None
        message.state, message.error, message.lease_until = state, error[:200], None
        if state == "sent":
            message.sent_at = now()
            message.body_sealed = None  # links and passwords are kept no longer than needed
        if worked:
            await servers.note_success(session)
        if unusable is not None and await servers.note_failure(session, unusable):
            await _tell_admins(session)


async def _bounce(
    database: Database, tenant: TenantRef, message_id: UUID, *, status: str, vault: Vault
) -> None:
    """Close a mail whose recipient the server refused."""
    async with database.tenant(tenant) as session:
        message = await queries.message_for_update(session, message_id)
        assert message is not None
        message.lease_until, message.body_sealed = None, None
        await bounces.note(
            session, message, kind=reports.kind_of(status), status=status, vault=vault
        )


async def _tell_admins(session: TenantSession) -> None:
    for user_id in await delivery_queries.who_may(session, "messaging.server.change"):
        await notifications.notify(
            session,
            user_id=user_id,
            kind="mail",
            title="Your mail server does not take mails",
            body="They wait and are tried again. Look at what is wrong with it.",
            href="/settings/mail",
        )
