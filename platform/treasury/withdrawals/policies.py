"""Who approves withdrawals up to which amount: rows of a brokerage's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from kernel.money import Money, currencies
from treasury.withdrawals import queries, rules
from treasury.withdrawals.models import WithdrawalFee, WithdrawalRule

Ladder = Sequence[tuple[Decimal | None, Sequence[str]]]
_RUNGS_MAX = 8


async def ladder(session: TenantSession) -> Ladder:
    """Return the rules in force; the first ones are written when there are none yet."""
    rows = await queries.rows_of_rules(session)
    if not rows:
        values = [
            # The same ids for everybody who comes first, so that the rules are written once.
            {"id": UUID(int=number), "amount_to": limit, "permissions": list(steps)}
            for number, (limit, steps) in enumerate(rules.LADDER, start=1)
        ]
        await session.execute(insert(WithdrawalRule).on_conflict_do_nothing(), values)
        rows = await queries.rows_of_rules(session)
    return [(row.amount_to, row.permissions) for row in rows]


async def change(session: TenantSession, wanted: Ladder, *, known: Collection[str]) -> None:
    """Replace the rules; one without a limit must stand at the end and name people.

    Raises InvalidInput, one sentence a rung by its place.
    """
    problems: dict[str, str] = {}
    limits = [limit for limit, _ in wanted]
    if not 0 < len(wanted) <= _RUNGS_MAX:
        raise InvalidInput({"rules": f"Keep between one and {_RUNGS_MAX} rules."})
    if limits.count(None) != 1 or limits[-1] is not None or not wanted[-1][1]:
        problems["rules"] = "The last rule has no limit and names who approves."
    numbers = [limit for limit in limits if limit is not None]
    if any(limit <= 0 for limit in numbers) or sorted(set(numbers)) != numbers:
        problems["rules"] = "Enter rising amounts, each larger than nothing."
    if any(step not in known for _, steps in wanted for step in steps):
        problems["rules"] = "Choose steps from the list."
    if problems:
        raise InvalidInput(problems)
    before = [(row.amount_to, row.permissions) for row in await queries.rows_of_rules(session)]
    await session.execute(delete(WithdrawalRule))
    session.add_all(
        WithdrawalRule(id=uuid7(), amount_to=limit, permissions=list(steps))
        for limit, steps in wanted
    )
    audit.record(
        session,
        "treasury.withdrawal_rules_changed",
        subject=("withdrawal_rule", "all"),
        before={"rules": _as_json(before)},
        after={"rules": _as_json(wanted)},
    )


async def set_fee(session: TenantSession, *, kind: str, currency: str, amount: Decimal) -> None:
    """Set what a withdrawal to a kind of payee costs in a currency; 0 makes it free.

    Raises InvalidInput beside each field.
    """
    problems: dict[str, str] = {}
    if kind not in ("bank", "crypto"):
        problems["kind"] = "Choose bank transfer or crypto."
    if currency not in currencies():
        problems["currency"] = "Enter a currency code such as USD."
    elif amount < 0 or Money(amount, currency) != Money(amount, currency).rounded():
        problems["fee"] = "Enter an amount such as 25, or 0."
    if problems:
        raise InvalidInput(problems)
    row = await session.get(WithdrawalFee, (kind, currency), with_for_update=True)
    before = str(row.amount) if row is not None else "0"
    if amount == 0:
        if row is not None:
            await session.delete(row)
    elif row is None:
        session.add(WithdrawalFee(kind=kind, currency=currency, amount=amount))
    else:
        row.amount = amount
    audit.record(
        session,
        "treasury.withdrawal_fee_changed",
        subject=("withdrawal_fee", f"{kind}:{currency}"),
        before={"amount": before},
        after={"amount": str(amount)},
    )


def _as_json(wanted: Ladder) -> list[list[object]]:
    return [[None if limit is None else str(limit), list(steps)] for limit, steps in wanted]
