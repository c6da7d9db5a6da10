"""Bonuses: a liability from the moment they stand on the server until used or taken back."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import Conflict, NotFound
from kernel.money import Money
from trading.events import CashDone
from treasury.adjustments import adjustments, queries
from treasury.adjustments.models import Adjustment, Bonus


class BonusEnded(Conflict):
    """The bonus is used up or taken back already."""

    code = "bonus_ended"
    message = "This bonus has ended. Reload the page."


def granted(session: TenantSession, one: Adjustment) -> None:
    """Remember a bonus that the server has booked as credit."""
    assert one.account_id is not None
    session.add(
        Bonus(
            id=one.id,
            client_id=one.client_id,
            account_id=one.account_id,
            amount=one.amount,
            remaining=one.amount,
            currency=one.currency,
            burns=one.burns,
            state="active",
        )
    )


async def cancel(session: TenantSession, *, key: str, bonus_id: UUID, reason: str) -> Adjustment:
    """Ask to take back what remains of a bonus; raises NotFound, BonusEnded and InvalidInput."""
    bonus = await queries.bonus(session, bonus_id)
    if bonus is None:
        raise NotFound
    known = await queries.of_key(session, key)
    if known is not None:
        return known
    if bonus.state != "active":
        raise BonusEnded
    return await adjustments.open_request(session, _taking_back(bonus, key, reason))


async def burn(session: TenantSession, event: CashDone) -> None:
    """Take back the bonuses of an account from which money was withdrawn, by their own terms."""
    if event.kind != "withdrawal":
        return
    for bonus in await queries.locked_bonuses(session, event.account_id):
        if bonus.burns:
            wish = _taking_back(
                bonus, f"burn:{bonus.id}:{event.operation_id}", "Burned by a withdrawal."
            )
            await adjustments.open_request(session, wish, alone=True)


async def taken_back(session: TenantSession, one: Adjustment) -> None:
    """End the bonus that an adjustment took back."""
    bonus = await session.get(Bonus, one.bonus_id, with_for_update=True)
    assert bonus is not None
    bonus.remaining = Decimal(0)
    bonus.state = "burned" if one.request_key.startswith("burn:") else "cancelled"
    bonus.ended_at = now()


async def used(session: TenantSession, account_id: UUID, amount: Decimal) -> None:
    """Take an amount off an account's bonuses, the oldest first."""
    for bonus in await queries.locked_bonuses(session, account_id):
        part = min(bonus.remaining, amount)
        bonus.remaining -= part
        amount -= part
        if not bonus.remaining:
            bonus.state = "used"
            bonus.ended_at = now()


def _taking_back(bonus: Bonus, key: str, reason: str) -> adjustments.Wish:
    return adjustments.Wish(
        key=key,
        client_id=bonus.client_id,
        kind="bonus_off",
        amount=Money(bonus.remaining, bonus.currency),
        reason=reason,
        account_id=bonus.account_id,
        bonus_id=bonus.id,
    )
