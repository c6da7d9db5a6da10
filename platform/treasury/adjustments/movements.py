"""What trading servers say of adjustments: the next step, the end, or that nothing was done."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.database import TenantSession, write
from kernel.failpoints import reach
from trading.events import CashDone, CashFailed
from treasury.adjustments import adjustments, bonuses, queries, rules, transitions, write_offs
from treasury.adjustments.models import Adjustment

_PREFIX = "ADJ-"


async def done(session: TenantSession, events: Sequence[CashDone]) -> None:
    """The servers booked: post what they did; a withdrawal burns the bonuses that say so.

    An event that comes again finds an adjustment that waits for nothing, and changes nothing.
    """
    told = {(event.reference, event.kind): event for event in events}
    named = {event.reference for event in events if event.reference.startswith(_PREFIX)}
    for one in await queries.locked_of_references(session, named) if named else ():
        for kind in ("deposit", "withdrawal", "credit", "credit_out"):
            event = told.get((one.reference, kind))
            if event is not None:
                await _heard(session, one, event)
    for event in events:
        if not event.reference.startswith(_PREFIX):
            await bonuses.burn(session, event)


async def failed(session: TenantSession, event: CashFailed) -> None:
    """A server refused for certain: what was set aside is free again."""
    if not event.reference.startswith(_PREFIX):
        return
    for one in await queries.locked_of_references(session, [event.reference]):
        if one.state not in ("moving", "crediting"):
            continue
        if one.state == "crediting":
            await write_offs.give_up(session, one)
        else:
            await adjustments.release(session, one, "refused by the trading server")
        transitions.move(
            session, one, "failed", reason=f"The trading server refused. {event.reason}"
        )


async def _heard(session: TenantSession, one: Adjustment, event: CashDone) -> None:
    if one.kind == "write_off":
        if one.state == "moving" and event.kind == "credit_out":
            await write_offs.pay_in(session, one)
        elif one.state == "crediting" and event.kind == "deposit":
            await _end(session, one, event)
        return
    if one.state == "moving" and event.kind == rules.asked_of_server(one.kind):
        await _end(session, one, event)


async def _end(session: TenantSession, one: Adjustment, event: CashDone) -> None:
    await adjustments.post(session, one, f"{event.account_id}:{event.ticket}")
    if one.kind == "bonus":
        bonuses.granted(session, one)
    elif one.kind == "bonus_off":
        await bonuses.taken_back(session, one)
    elif one.kind == "write_off":
        await bonuses.used(session, event.account_id, one.bonus_used)
    transitions.move(session, one, "done", reason=f"Booked on the server, {event.ticket}.")
    await session.flush()
    await write(session)
    reach("treasury.adjustment_before_done_commit")
