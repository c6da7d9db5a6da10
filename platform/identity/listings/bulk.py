"""Changes to many rows: chosen and frozen, tried dry, run in steps, and set back.

A change holds its rows by id from the moment they were chosen. The dry run writes down what each
row is; whatever is different when the change runs, or no longer within reach of whoever asked,
is left as it is and told with the reason. A step is one transaction, so that a process that
dies in the middle leaves no row half changed, and the next one goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from identity import audit
from identity.events import BulkStarted
from identity.listings import queries
from identity.listings.actions import Action, Record, Values
from identity.models import BulkItem, BulkRun
from kernel.actor import SYSTEM, TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound, ProductError
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import uuid7
from kernel.viewer import Viewer

ROWS_MAX = 10_000
UNDO_HOURS = 24
# So many rows are changed while the reader waits; more are left to the worker.
AT_ONCE = 50
_STEP = 100
_LOADED = 1000
_KEPT_DAYS = 7
Actions = Mapping[tuple[str, str], Action]
_GONE = "Gone, or not yours to change"
_FORBIDDEN = "Not allowed any more"
_CHANGED = "Changed since the dry run"
_CHANGED_LATER = "Changed since then"
_SAME = "Is so already"


class BulkStale(Conflict):
    """A change is not at the point where this can be done with it."""

    code = "bulk_stale"
    message = "This change is under way or finished. Its page tells how it went."


async def choose(
    session: TenantSession, *, viewer: Viewer, list_name: str, action: Action, ids: Sequence[UUID]
) -> BulkRun:
    """Freeze which rows are meant; raise InvalidInput for none or more than `ROWS_MAX`."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise InvalidInput({"id": "Choose at least one row."})
    if len(wanted) > ROWS_MAX:
        raise InvalidInput({"id": f"At most {ROWS_MAX:,} rows at once. Narrow the list."})
    run = BulkRun(
        id=uuid7(),
        list_name=list_name,
        action=action.name,
        owner_id=viewer.id,
        values={},
        state="chosen",
    )
    session.add(run)
    await session.flush()
    await _add(session, run, ({"subject_id": one, "label": ""} for one in wanted))
    return run


async def _add(session: TenantSession, run: BulkRun, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows of a change; each says what differs from a row that was just chosen."""
    usual = {"outcome": "chosen", "reason": "", "before": None, "after": None}
    made = [{**usual, "run_id": run.id, "position": at, **row} for at, row in enumerate(rows, 1)]
    await session.execute(insert(BulkItem), made)


async def check(
    session: TenantSession, *, viewer: Viewer, run_id: UUID, action: Action, values: Values
) -> BulkRun:
    """Try the change dry: write down what each row is, and why some would be left as they are."""
    run = await _locked(session, run_id, ("chosen", "checked"))
    if run.undo_of is None:
        await action.check(session, values)
        run.values = dict(values)
    target = action.target(run.values) if run.undo_of is None else {}
    items = await queries.bulk_items(session, run.id)
    found: list[dict[str, Any]] = []
    for start in range(0, len(items), _LOADED):
        part = items[start : start + _LOADED]
        records = await _records(session, viewer, action, part, lock=False)
        found.extend(
            _verdict(item, records.get(item.subject_id), target, undo=run.undo_of is not None)
            for item in part
        )
    await session.execute(update(BulkItem), found)
    run.state = "checked"
    await session.flush()
    return run


async def _records(
    session: TenantSession, viewer: Viewer | None, action: Action, items: Sequence[BulkItem], *,
    lock: bool,
) -> dict[UUID, Record]:  # fmt: skip
    if viewer is None or not viewer.may(action.permission):
        return {}
    ids = [item.subject_id for item in items]
    return {one.id: one for one in await action.load(session, viewer, ids, lock=lock)}


def _verdict(
    item: BulkItem, found: Record | None, target: Mapping[str, Any], *, undo: bool
) -> dict[str, Any]:
    """Return what the dry run writes of one row."""
    reason = ""
    if found is None:
        reason = _GONE
    elif undo and found.facts != item.before:
        reason = _CHANGED_LATER
    elif found.blocked:
        reason = found.blocked
    elif not undo and all(found.facts.get(key) == value for key, value in target.items()):
        reason = _SAME
    after = item.after if undo else None
    if found is not None and not undo:
        after = {**found.facts, **target}
    return {
        "run_id": item.run_id,
        "position": item.position,
        "label": found.label if found else item.label,
        "outcome": "skipped" if reason else "will",
        "reason": reason,
        "before": item.before if undo else (found.facts if found else None),
        "after": after,
    }


async def start(session: TenantSession, *, viewer: Viewer, run_id: UUID, action: Action) -> BulkRun:
    """Run a checked change: a small one now, a large one by the worker."""
    run = await _locked(session, run_id, ("checked",))
    run.state, run.started_at = "running", now()
    await session.flush()
    left = (await queries.bulk_outcomes(session, run.id)).get("will", 0)
    if left <= AT_ONCE:
        await advance(session, viewer=viewer, run_id=run.id, action=action)
    else:
        record(session, BulkStarted(run.id))
    return run


async def advance(
    session: TenantSession, *, viewer: Viewer | None, run_id: UUID, action: Action
) -> int:
    """Change the next rows of a running change and return how many it took; 0 when it is done.

    The change stays locked to the end of the transaction: two processes never take the same rows.
    """
    run = await queries.bulk_run_for_update(session, run_id)
    if run is None or run.state != "running":
        return 0
    items = await queries.bulk_items(session, run.id, outcome="will", limit=_STEP)
    records = await _records(session, viewer, action, items, lock=True)
    allowed = viewer is not None and viewer.may(action.permission)
    for item in items:
        found = records.get(item.subject_id)
        item.reason = _refusal(item, found, allowed=allowed)
        if not item.reason:
            try:
                await _one(session, run, action, item)
            except ProductError as error:
                item.reason = error.text[:200]
        item.outcome = "skipped" if item.reason else "done"
    await session.flush()
    reach("identity.bulk_before_commit")
    if len(items) < _STEP:
        await _finish(session, run)
    return len(items)


def _refusal(item: BulkItem, found: Record | None, *, allowed: bool) -> str:
    """Return why a row is left as it is at the time of the run."""
    if not allowed:
        return _FORBIDDEN
    if found is None:
        return _GONE
    if found.facts != item.before:
        return _CHANGED
    return found.blocked


async def _one(session: TenantSession, run: BulkRun, action: Action, item: BulkItem) -> None:
    if run.undo_of is None:
        await action.apply(session, item.subject_id, run.values)
    elif action.undo is not None:
        await action.undo(session, item.subject_id, item.after or {})


async def _finish(session: TenantSession, run: BulkRun) -> None:
    run.state, run.finished_at = "done", now()
    counts = await queries.bulk_outcomes(session, run.id)
    audit.record(
        session,
        "identity.bulk.run",
        subject=("bulk_run", run.id),
        after={
            "list": run.list_name,
            "action": run.action,
            "changed": counts.get("done", 0),
            "skipped": counts.get("skipped", 0),
            "undo_of": str(run.undo_of) if run.undo_of else None,
        },
    )


async def undo(session: TenantSession, *, viewer: Viewer, run_id: UUID, action: Action) -> BulkRun:
    """Choose the rows that a change has changed, to be set back, and try it dry."""
    run = await queries.bulk_run_for_update(session, run_id)
    if run is None or not await may_undo(session, run, action):
        raise BulkStale
    done = await queries.bulk_items(session, run.id, outcome="done")
    back = BulkRun(
        id=uuid7(),
        list_name=run.list_name,
        action=run.action,
        owner_id=viewer.id,
        values=run.values,
        state="chosen",
        undo_of=run.id,
    )
    session.add(back)
    await session.flush()
    await _add(
        session,
        back,
        (
            {
                "subject_id": item.subject_id,
                "label": item.label,
                "before": item.after,
                "after": item.before,
            }
            for item in done
        ),
    )
    return await check(session, viewer=viewer, run_id=back.id, action=action, values={})


async def may_undo(session: TenantSession, run: BulkRun, action: Action) -> bool:
    """Say whether a change can be set back now: it is done, recent, and nobody has done so."""
    if action.undo is None or run.state != "done" or run.undo_of is not None:
        return False
    if run.finished_at is None or now() - run.finished_at > timedelta(hours=UNDO_HOURS):
        return False
    changed = (await queries.bulk_outcomes(session, run.id)).get("done", 0)
    return changed > 0 and await queries.undo_of(session, run.id) is None


async def work(
    database: Database, tenant: TenantRef, event: BulkStarted, *, actions: Actions
) -> None:
    """Run a large change to its end, step by step, as whoever started it is allowed to now."""
    while True:
        async with database.tenant(tenant) as session:
            run = await queries.bulk_run(session, event.run_id)
            viewer = await queries.viewer(session, run.owner_id) if run else None
        if run is None:
            return
        actor = viewer.actor if viewer else SYSTEM
        # The trail of each row names the change it was part of.
        name = f"bulk-{run.id.hex}"
        async with database.tenant(tenant, actor=actor, request_id=name) as session:
            action = actions[run.list_name, run.action]
            taken = await advance(session, viewer=viewer, run_id=run.id, action=action)
        reach("identity.bulk_after_commit")
        if taken < _STEP:
            return


async def purge(session: TenantSession) -> None:
    """Forget changes some days after they were made; the trail keeps what they did."""
    await queries.drop_old_runs(session, before=now() - timedelta(days=_KEPT_DAYS))


async def _locked(session: TenantSession, run_id: UUID, states: Sequence[str]) -> BulkRun:
    run = await queries.bulk_run_for_update(session, run_id)
    if run is None:
        raise NotFound
    if run.state not in states:
        raise BulkStale
    return run
