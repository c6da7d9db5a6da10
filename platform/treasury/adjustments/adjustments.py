"""Adjustments: asked for by staff, agreed to by somebody else above the limit, carried out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from approvals import requests
from approvals.events import ApprovalGranted, ApprovalRejected
from clients import queries as client_queries
from identity import audit
from kernel.database import TenantSession, write
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.failpoints import reach
from kernel.ids import reference, uuid7
from kernel.money import Money
from ledger import entries, holds
from ledger.errors import InsufficientFunds, KeyReused
from trading import operations
from trading import queries as trading_queries
from trading.operations import CashRequest
from treasury.adjustments import queries, rules, transitions, write_offs
from treasury.adjustments.models import Adjustment, AdjustmentPolicy
from treasury.rates import queries as rate_queries
from treasury.rates.rules import RateMissing, RateStale

APPROVAL = "adjustment"
PERMISSION = "treasury.adjustment.approve"
# What staff may ask for by themselves; bonuses are taken back and accounts written off by name.
ASKED = ("goodwill", "correction_in", "correction_out", "fee", "bonus")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to adjust: no account is the wallet.

    `key` is the request's own: the same key again is the same adjustment. `burns` says whether a
    bonus ends when money is withdrawn; `bonus_id` is the bonus that is taken back.
    """

    key: str
    client_id: UUID
    kind: str
    amount: Money
    reason: str
    account_id: UUID | None = None
    burns: bool = True
    bonus_id: UUID | None = None
    bonus_used: Decimal = Decimal(0)


async def request(session: TenantSession, wish: Wish) -> Adjustment:
    """Ask for an adjustment; it is carried out at once up to the limit, else when agreed to.

    A repeated key returns the first one. Raises NotFound, InvalidInput beside the field that is
    wrong, and KeyReused for a key with another content.
    """
    if wish.kind not in ASKED:
        raise InvalidInput({"kind": "Choose what kind of adjustment it is."})
    return await open_request(session, wish)


async def open_request(session: TenantSession, wish: Wish, *, alone: bool = False) -> Adjustment:
    """Write an adjustment of any kind down and carry it out, or wait for somebody else.

    `alone` is for what follows from a rule by itself, such as a bonus that burns.
    """
    client = await client_queries.client_for_update(session, wish.client_id)
    if client is None:
        raise NotFound
    known = await queries.of_key(session, wish.key[:120])
    if known is not None:
        if (known.client_id, known.kind, known.amount, known.currency, known.account_id) != (
            wish.client_id,
            wish.kind,
            wish.amount.amount,
            wish.amount.currency,
            wish.account_id,
        ):
            raise KeyReused
        return known
    await _check(session, wish)
    made = Adjustment(
        id=uuid7(),
        reference=reference("ADJ"),
        request_key=wish.key[:120],
        client_id=wish.client_id,
        account_id=wish.account_id,
        kind=wish.kind,
        amount=wish.amount.amount,
        currency=wish.amount.currency,
        bonus_used=wish.bonus_used,
        bonus_id=wish.bonus_id,
        burns=wish.burns,
        reason=wish.reason.strip()[:200],
        state="",
        four_eyes=not alone and await _needs_another(session, wish.amount),
        created_by=session.info["actor"].label[:120],
    )
    if made.four_eyes:
        transitions.move(session, made, "waiting", reason="Waits for somebody else to agree.")
        session.add(made)
        await session.flush()
        await requests.open(
            session,
            kind=APPROVAL,
            subject=("adjustment", made.id),
            content=content(made),
            summary=f"{wish.kind.replace('_', ' ').capitalize()} {wish.amount}: {made.reason}",
            permission=PERMISSION,
            barred=[client.user_id] if client.user_id is not None else [],
        )
        return made
    transitions.move(session, made, "moving", reason="Asked for; nobody else has to agree.")
    session.add(made)
    await session.flush()
    await carry_out(session, made)
    return made


def content(one: Adjustment) -> Mapping[str, Any]:
    """Return what somebody agrees to: all that decides where how much goes."""
    return {
        "kind": one.kind,
        "client_id": one.client_id,
        "account_id": one.account_id,
        "amount": f"{one.amount.normalize():f}",
        "currency": one.currency,
        "bonus_id": one.bonus_id,
        "reason": one.reason,
    }


async def on_granted(session: TenantSession, event: ApprovalGranted) -> None:
    """Carry an adjustment out that somebody else has agreed to, exactly as it stands."""
    if event.approval_kind != APPROVAL:
        return
    one = await queries.locked(session, event.subject_id)
    if one is None or one.state != "waiting":
        return
    await requests.require_granted(
        session, kind=APPROVAL, subject=("adjustment", one.id), content=content(one)
    )
    await carry_out(session, one)


async def on_rejected(session: TenantSession, event: ApprovalRejected) -> None:
    """End an adjustment that somebody has refused."""
    if event.approval_kind != APPROVAL:
        return
    one = await queries.locked(session, event.subject_id)
    if one is not None and one.state == "waiting":
        transitions.move(session, one, "rejected", reason=f"Refused. {event.reason}")


async def carry_out(session: TenantSession, one: Adjustment) -> None:
    """Do it: post at once in the wallet, or ask the trading server first.

    What can't be done any more (nothing left to take, the account closed) ends it as failed.
    """
    if one.kind == "write_off":
        await write_offs.begin(session, one)
        return
    if not rules.gives(one.kind) and not await set_aside(session, one):
        return
    if one.account_id is not None:
        await ask(session, one, rules.asked_of_server(one.kind), Money(one.amount, one.currency))
        return
    await post(session, one)
    transitions.move(session, one, "done", reason="Booked.")
    # Everything is sent, so that a kill here is a kill right before the commit.
    await session.flush()
    await write(session)
    reach("treasury.adjustment_before_commit")


async def set_aside(session: TenantSession, one: Adjustment) -> bool:
    """Set the amount aside where it is taken from; what is not there ends the adjustment."""
    code, owner = rules.theirs(one)
    try:
        one.hold_id = await holds.reserve(
            session,
            key=f"adjustment-hold:{one.id}",
            code=code,
            currency=one.currency,
            owner=owner,
            amount=one.amount,
            reference=one.reference,
        )
    except InsufficientFunds as error:
        transitions.move(session, one, "failed", reason=error.text)
        return False
    return True


async def ask(
    session: TenantSession, one: Adjustment, kind: str, amount: Money, state: str = "moving"
) -> None:
    """Ask the account's server to book something; what can't be asked ends the adjustment."""
    assert one.account_id is not None
    asked = CashRequest(one.account_id, kind, amount, one.reference, one.hold_id)
    [answer] = await operations.request_cash_batch(session, [asked])
    if isinstance(answer, ProductError):
        await release(session, one, answer.text)
        transitions.move(session, one, "failed", reason=answer.text)
        return
    transitions.move(session, one, state, reason="The trading server is asked.")


async def post(
    session: TenantSession, one: Adjustment, external_reference: str | None = None
) -> None:
    """Post an adjustment once, using up what was set aside for it."""
    await entries.post(
        session,
        key=f"adjustment:{one.id}",
        kind=one.kind,
        lines=rules.lines(one),
        reference=one.reference,
        external_reference=external_reference,
        hold_id=one.hold_id,
    )


async def release(session: TenantSession, one: Adjustment, reason: str) -> None:
    """Free what was set aside for an adjustment."""
    if one.hold_id is not None:
        await holds.void(session, hold_id=one.hold_id, reason=reason[:200])


async def set_policy(session: TenantSession, *, alone_max: Decimal) -> None:
    """Set how much one person may adjust alone, in base money; raises InvalidInput."""
    if not alone_max.is_finite() or not 0 <= alone_max < Decimal(10) ** 12:
        raise InvalidInput({"alone_max": "Enter an amount such as 100, or 0 for never."})
    before = await queries.alone_max(session)
    row = await queries.policy_row(session)
    if row is None:
        session.add(AdjustmentPolicy(id=1, alone_max=alone_max))
    else:
        row.alone_max = alone_max
    audit.record(
        session,
        "treasury.adjustment_policy_changed",
        subject=("tenant", session.info["tenant"].id),
        before={"alone_max": f"{before:f}"},
        after={"alone_max": f"{alone_max:f}"},
    )


async def _check(session: TenantSession, wish: Wish) -> None:
    errors: dict[str, str] = {}
    if wish.amount != wish.amount.rounded() or wish.amount.amount <= 0:
        errors["amount"] = "Enter a positive amount without fractions of a cent."
    if not wish.reason.strip():
        errors["reason"] = "Say why, for whoever agrees and for the trail."
    if wish.kind == "bonus" and wish.account_id is None:
        errors["account"] = "A bonus stands on a trading account. Choose one."
    if wish.account_id is not None:
        account = await trading_queries.account(session, wish.account_id)
        if account is None or account.client_id != wish.client_id:
            raise NotFound
        if account.state != "open":
            errors["account"] = "This account is not open. Choose another one."
        elif account.currency != wish.amount.currency:
            errors["currency"] = f"This account is kept in {account.currency}."
    if errors:
        raise InvalidInput(errors)


async def _needs_another(session: TenantSession, amount: Money) -> bool:
    base = session.info["tenant"].base_currency
    worth: Decimal | None = amount.amount
    if amount.currency != base:
        try:
            worth = amount.amount * (await rate_queries.rate(session, amount.currency, base)).mid
        except (RateMissing, RateStale):
            worth = None
    return rules.needs_another(worth, await queries.alone_max(session))
