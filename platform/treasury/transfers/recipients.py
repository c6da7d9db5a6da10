"""Whom a client may send money to: found by e-mail address or public number, shown masked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clients import queries as client_queries
from clients import restrictions
from clients.models import Client
from clients.restrictions import ClientRestricted
from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput, ProductError
from kernel.language import gettext, marked
from kernel.money import Money
from themes.formats import money_text
from treasury.rates import queries as rate_queries
from treasury.transfers import queries
from treasury.transfers.models import TransferPolicy

_MAY = ("verified", "active")


class SendingIsOff(ProductError):
    """The brokerage does not let clients send each other money, or not this one."""

    code = "sending_is_off"
    status = 409
    message = marked("Sending money to another client is not possible here.")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A client who can receive; `shown` is the name with all but the first letters hidden."""

    client_id: UUID
    shown: str


async def find(session: TenantSession, *, sender_id: UUID, text: str) -> Recipient:
    """Return whom an e-mail address or a public number belongs to.

    Whatever the reason that nobody is found (no such client, oneself, somebody who may not
    receive), the answer is the same InvalidInput. Raises SendingIsOff before anything is looked
    up. Whoever calls limits how often one client may ask.
    """
    sender = await client_queries.client(session, sender_id)
    policy = await queries.policy(session)
    if not policy.between_clients or sender is None or sender.status not in _MAY:
        raise SendingIsOff
    found = await queries.client_like(session, text[:254]) if text.strip() else None
    if found is None or not await _may_receive(session, sender_id, found):
        raise InvalidInput(
            {"recipient": gettext("Nobody can receive money here. Check address or number.")}
        )
    return Recipient(found.id, masked(found.name))


async def check(
    session: TenantSession, *, sender_id: UUID, recipient_id: UUID, amount: Money
) -> None:
    """Raise what `find` would for this recipient, and InvalidInput beyond the day's cap.

    The cap is in the brokerage's base currency; other currencies count at the middle rate. The
    sender's row must be locked, so that two transfers at once can't both fit under it.
    """
    found = await client_queries.client(session, recipient_id)
    text = found.reference if found is not None else ""
    await find(session, sender_id=sender_id, text=text)
    base = session.info["tenant"].base_currency
    cap = Money((await queries.policy(session)).day_max, base)
    sent = await queries.sent_to_others(session, client_id=sender_id)
    total = Decimal(0)
    for one in (*sent, amount):
        total += one.amount * await _in_base(session, one.currency, base)
    if total > cap.amount:
        raise InvalidInput(
            {
                "amount": gettext("You can send other clients %s in 24 hours. Enter less.")
                % money_text(cap)
            }
        )


async def set_policy(session: TenantSession, *, between_clients: bool, day_max: Decimal) -> None:
    """Say whether clients may send each other money and how much in 24 hours; InvalidInput."""
    base = session.info["tenant"].base_currency
    if not day_max.is_finite() or day_max < 0 or day_max >= Decimal(10) ** 12:
        raise InvalidInput({"day_max": "Enter an amount such as 1,000, or 0 for nothing."})
    before = await queries.policy(session)
    row = await queries.policy_row(session)
    if row is None:
        session.add(TransferPolicy(id=1, between_clients=between_clients, day_max=day_max))
    else:
        row.between_clients, row.day_max = between_clients, day_max
    audit.record(
        session,
        "treasury.transfer_policy_changed",
        subject=("tenant", session.info["tenant"].id),
        before={"between_clients": before.between_clients, "day_max": f"{before.day_max:f}"},
        after={"between_clients": between_clients, "day_max": f"{day_max:f} {base}"},
    )


def masked(name: str) -> str:
    """Return a name of which everything but the first letter of each word is hidden."""
    return " ".join(f"{word[0]}•••" for word in name.split())


async def _may_receive(session: TenantSession, sender_id: UUID, found: Client) -> bool:
    if found.id == sender_id or found.status not in _MAY:
        return False
    try:
        await restrictions.require_free(session, client_id=found.id, kind="deposit")
    except ClientRestricted:
        return False
    return True


async def _in_base(session: TenantSession, currency: str, base: str) -> Decimal:
    if currency == base:
        return Decimal(1)
    return (await rate_queries.rate(session, currency, base)).mid
