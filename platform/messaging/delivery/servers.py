"""The tenant's own mail server: what is set, how mails leave through it, and when it rests.

A server that lets us down three times in a row is left alone, for a minute at first and half
an hour at most; its mails wait meanwhile and nobody else's do. One mail tries whether it works
again before others follow.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from connectors.mail.port import MailDeferred, ServerAddress, ServerUnusable
from identity import audit
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, ReadSession, TenantSession
from kernel.errors import InvalidInput
from kernel.ids import token
from messaging.delivery import addresses, queries
from messaging.models import SECURITY, MailServer

_PASSWORD = "messaging.mail_password"  # noqa: S105 - a purpose, no password
_HOOK = "messaging.mail_hook"
_HOST = re.compile(
    r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
)
_SELECTOR = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")
_LINE = re.compile(r"^[^\x00-\x1f\x7f<>\"@]*$")
_FREE_FAILURES = 3
_REST_FIRST = timedelta(minutes=1)
_REST_MOST = timedelta(minutes=30)
_NOTED_EVERY = timedelta(minutes=1)
# How many of a tenant's mails one process sends at once through its own server.
_ABREAST = 3
RESTING = "Your mail server let us down. Its mails wait and are tried again by themselves."


@dataclass(frozen=True)
class Route:
    """How one mail leaves: through `address`, or the product's own server when it is None."""

    address: ServerAddress | None
    sender_name: str = ""
    sender_address: str = ""
    reply_to: str = ""
    bounce_domain: str = ""
    failures: int = 0
    retry_at: datetime | None = None
    worked_at: datetime | None = None


async def route(database: Database, tenant: TenantRef, *, vault: Vault) -> Route:
    """Return how the tenant's mails leave now."""
    async with database.tenant_read(tenant) as session:
        found = await queries.server(session)
    if found is None:
        return Route(None)
    if not found.host:
        # Whoever sends through the product's server sends as the brand: its domain is checked
        # there, and nobody may write in another brokerage's name.
        return Route(None, sender_name=found.sender_name, reply_to=found.reply_to)
    return Route(
        address_of(found, tenant=tenant, vault=vault),
        sender_name=found.sender_name,
        sender_address=found.sender_address,
        reply_to=found.reply_to,
        bounce_domain=found.bounce_domain,
        failures=found.failures,
        retry_at=found.retry_at,
        worked_at=found.worked_at,
    )


def address_of(server: MailServer, *, tenant: TenantRef, vault: Vault) -> ServerAddress:
    """Return the address of a server with its password opened."""
    sealed = server.password_sealed
    return ServerAddress(
        host=server.host,
        port=server.port,
        security=server.security,
        user=server.username,
        password=vault.open(tenant.id, sealed, purpose=_PASSWORD).decode() if sealed else "",
    )


class Turns:
    """Lets few of a tenant's mails through at once, so that a slow server costs its own only."""

    def __init__(self) -> None:
        """Nobody is sending yet."""
        self._running: Counter[UUID] = Counter()

    @asynccontextmanager
    async def taken(self, tenant: TenantRef, way: Route) -> AsyncIterator[None]:
        """Hold a turn while a mail is sent; raises MailDeferred when there is none now."""
        if way.address is None:
            yield
            return
        if way.retry_at is not None and way.retry_at > now():
            raise MailDeferred(RESTING)
        most = 1 if way.failures else _ABREAST
        if self._running[tenant.id] >= most:
            raise MailDeferred("Other mails of this brokerage are being sent just now.")
        self._running[tenant.id] += 1
        try:
            yield
        finally:
            self._running[tenant.id] -= 1
            if not self._running[tenant.id]:
                del self._running[tenant.id]


async def note_failure(session: TenantSession, error: ServerUnusable) -> bool:
    """Count that the server let us down; say whether it is left alone from now on."""
    found = await queries.server(session, lock=True)
    if found is None or not found.host:
        return False
    found.failures += 1
    found.problem, found.problem_at = str(error)[:300], now()
    if found.failures < _FREE_FAILURES:
        return False
    doublings = min(found.failures - _FREE_FAILURES, 10)
    found.retry_at = now() + min(_REST_MOST, _REST_FIRST * 2**doublings)
    return found.failures == _FREE_FAILURES


async def note_success(session: TenantSession) -> None:
    """Note that the server took a mail; it need not rest any more."""
    found = await queries.server(session, lock=True)
    if found is not None and found.host:
        found.failures, found.retry_at, found.worked_at = 0, None, now()


def success_is_news(way: Route) -> bool:
    """Say whether a mail that was taken should be written down: once a minute is enough."""
    stale = way.worked_at is None or way.worked_at < now() - _NOTED_EVERY
    return bool(way.failures) or stale


async def current(session: TenantSession, *, tenant: TenantRef, vault: Vault) -> MailServer:
    """Return what is set, made with a hook of its own when nothing is."""
    found = await queries.server(session)
    if found is None:
        found = MailServer(
            id=1,
            host="",
            port=587,
            security="starttls",
            username="",
            sender_name="",
            sender_address="",
            reply_to="",
            bounce_domain="",
            dkim_selector="",
            spf_include="",
            hook_token=token(24),
            hook_secret_sealed=vault.seal(tenant.id, token(32).encode(), purpose=_HOOK),
            changed_at=now(),
            failures=0,
            problem="",
        )
        session.add(found)
        await session.flush()
    return found


def hook_secret(server: MailServer, *, tenant: TenantRef, vault: Vault) -> bytes:
    """Return what reports to the hook are signed with."""
    return vault.open(tenant.id, server.hook_secret_sealed, purpose=_HOOK)


async def renew_hook(session: TenantSession, server: MailServer, *, vault: Vault) -> str:
    """Replace the hook's address and secret; return the secret, which is shown this once."""
    tenant: TenantRef = session.info["tenant"]
    secret = token(32)
    server.hook_token = token(24)
    server.hook_secret_sealed = vault.seal(tenant.id, secret.encode(), purpose=_HOOK)
    audit.record(session, "messaging.mail_hook.renew", subject=("mail_server", "1"))
    return secret


async def save(
    session: TenantSession,
    *,
    values: Mapping[str, str],
    vault: Vault,
    allow: frozenset[str],
) -> MailServer:
    """Keep how mails leave from now on; an empty password keeps the one that is there.

    Raises InvalidInput with every field that needs another look. A changed server is taken for
    working until it proves otherwise.
    """
    tenant: TenantRef = session.info["tenant"]
    wanted = checked(values, allow=allow)
    found = await current(session, tenant=tenant, vault=vault)
    before = {"host": found.host, "port": found.port, "security": found.security}
    password = values.get("password", "")
    moved = (found.host, found.port, found.username) != (
        *(wanted["host"], wanted["port"], wanted["username"]),
    )
    if not wanted["username"]:
        found.password_sealed = None
    elif password:
        found.password_sealed = vault.seal(tenant.id, password.encode(), purpose=_PASSWORD)
    elif moved or found.password_sealed is None:
        # A password that was given for one server must not be sent to another one.
        raise InvalidInput({"password": "Type the password for this server and user."})
    for name, value in wanted.items():
        setattr(found, name, value)
    found.changed_at, found.failures, found.retry_at = now(), 0, None
    found.problem, found.problem_at, found.worked_at = "", None, None
    audit.record(
        session,
        "messaging.mail_server.change",
        subject=("mail_server", "1"),
        before=before,
        after={"host": found.host, "port": found.port, "security": found.security},
    )
    return found


def checked(values: Mapping[str, str], *, allow: frozenset[str]) -> dict[str, object]:
    """Return what was typed, tidied; raises InvalidInput with what to do for each field."""
    errors: dict[str, str] = {}
    host = values.get("host", "").strip().strip(".").lower()
    port = values.get("port", "").strip() or "587"
    security = values.get("security", "") or "starttls"
    if host and not _HOST.match(host):
        errors["host"] = "Enter the name alone, such as smtp.example.com."
    if not port.isdigit() or not 0 < int(port) < 65536:
        errors["port"] = "Enter 587 or 465, or what your provider names."
    if security not in SECURITY:
        errors["security"] = "Choose how the connection is encrypted."
    elif security == "none" and f"{host}:{port}" not in allow:
        errors["security"] = "Mail must travel encrypted. Choose STARTTLS or TLS."
    sender = values.get("sender_address", "").strip()
    if (host or sender) and not addresses.plausible(sender):
        errors["sender_address"] = "Enter an address such as hello@example.com."
    reply_to = values.get("reply_to", "").strip()
    if reply_to and not addresses.plausible(reply_to):
        errors["reply_to"] = "Enter an address such as help@example.com, or leave it empty."
    _check_words(values, errors)
    if errors:
        raise InvalidInput(errors)
    return {
        "host": host,
        "port": int(port),
        "security": security,
        "username": values.get("username", "").strip()[:254] if host else "",
        "sender_name": values.get("sender_name", "").strip(),
        "sender_address": sender,
        "reply_to": reply_to,
        "bounce_domain": values.get("bounce_domain", "").strip().lower(),
        "dkim_selector": values.get("dkim_selector", "").strip(),
        "spf_include": values.get("spf_include", "").strip().lower(),
    }


def _check_words(values: Mapping[str, str], errors: dict[str, str]) -> None:
    name = values.get("sender_name", "").strip()
    if len(name) > 80 or not _LINE.match(name):
        errors["sender_name"] = 'Up to 80 characters, without < > " or @.'
    for field in ("bounce_domain", "spf_include"):
        typed = values.get(field, "").strip().lower()
        if typed and not _HOST.match(typed.replace("_", "a")):
            errors[field] = "Enter a domain such as mail.example.com, or leave it empty."
    selector = values.get("dkim_selector", "").strip()
    if selector and not _SELECTOR.match(selector):
        errors["dkim_selector"] = "Enter the selector your provider names, such as s1."


async def of_hook(session: TenantSession | ReadSession, hook_token: str) -> MailServer | None:
    """Return the server whose hook has this token, else None."""
    found = await queries.server(session)
    if found is None or not hmac.compare_digest(found.hook_token.encode(), hook_token.encode()):
        return None
    return found
