"""MON6 in a simulated world: the product's own protocol meets thousands of lost answers, late
bookings, wrong clocks and deaths, and nothing is doubled, lost or left open.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from kernel.actor import TenantRef
from kernel.ids import comment_token, uuid7
from tests.trading.desk import Desk
from tests.trading.simulation.clock import VirtualLoop
from tests.trading.simulation.store import Certainty, FakeDatabase, Store
from tests.trading.simulation.world import ALL, Damage, Protections, installed, simulate
from trading import claims, outcomes, queries, rules
from trading.models import PlatformOperation
from trading.rules import Transition, Windows

FAILPOINTS = {
    *("trading.before_claim_commit", "trading.after_claim", "trading.before_call"),
    *("trading.after_call", "trading.before_done_commit", "trading.after_search"),
}
CORES = 2


def play(first: int, beyond: int, protections: Protections = ALL) -> Damage:
    """Play seeds one after the other and add up what went wrong."""
    loop, total = VirtualLoop(), Damage()
    try:
        with installed(loop, protections):
            for seed in range(first, beyond):
                total.add(simulate(loop, seed, protections))
    finally:
        loop.close()
    return total


def played(seeds: int, protections: Protections = ALL) -> Damage:
    """Play many seeds in processes beside each other."""
    total, size = Damage(), max(1, seeds // 20)
    starts = range(0, seeds, size)
    # Forked from a process with threads, a child may stand still.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, mp_context=context) as pool:
        parts = [
            pool.submit(play, start, min(start + size, seeds), protections) for start in starts
        ]
        for part in parts:
            total.add(part.result())
    return total


def test_nothing_is_doubled_lost_or_left_open() -> None:
    """Five hundred seeds of eight movements each end with every one booked exactly once."""
    damage = played(500)
    assert damage == Damage()
    # The world is as hard as it claims to be: everything happened, to both directions.
    assert set(damage.kills) >= FAILPOINTS
    assert min(damage.seen[kind] for kind in ("deposit", "withdrawal")) > 1000
    assert min(damage.seen[end] for end in ("done", "failed", "attempt 2", "attempt 3")) > 100


BROKEN = {
    "a quiet window of nothing": Protections(windows=Windows(quiet=0.0, call=20.0, slack=10.0)),
    "a window shorter than the gateway's delay": Protections(
        windows=Windows(quiet=8.0, call=20.0, slack=2.0)
    ),
    "a search that trusts the server's clock": Protections(skew_seconds=0.0, true_clock=False),
    "claims that read and then write": Protections(naive_claims=True),
}


@pytest.mark.parametrize("protections", BROKEN.values(), ids=BROKEN.keys())
def test_without_one_protection_money_doubles(protections: Protections) -> None:
    """The proof can go red: the same world, one protection less, and the servers book twice."""
    assert play(0, 40, replace(protections, hours=1.0)).double > 0


def test_a_token_that_the_server_cuts_off_is_never_found() -> None:
    """Put after 31 letters of text, the token is lost and with it every answer's proof."""
    damage = play(0, 10, Protections(token_first=False, hours=1.0))
    assert damage.lost + damage.unfinished > 0


def test_a_seed_plays_the_same_twice() -> None:
    """What goes wrong in a seed can be looked at again."""
    first, second = play(7, 12), play(7, 12)
    assert (first.kills, first.seen) == (second.kills, second.seen)


OFFSETS = (-300, -5, 60, 600)
_STATES = ("ready", "ready", "ready", "sending", "unknown", "done")


async def _facts(database: Any, tenant: TenantRef, ids: list[UUID], server_id: UUID) -> list[Any]:
    """Ask everything that the protocol asks of its rows, and claim and book on the way."""
    async with database.tenant_read(tenant) as session:
        due = await queries.due_operations(session, limit=50)
        following = await queries.next_ready(session, server_id=server_id, logins=[1, 2, 3])
        seen: list[Any] = [sorted((ids.index(one), state) for one, state in due)]
        seen.append([ids.index(one) for one in following])
    taken = []
    for asked in (ids[::2], ids[:1], ids, ids):
        claimed = await claims.take(database, tenant, operation_ids=asked, limits=rules.windows(90))
        seen.append([(ids.index(one.operation_id), one.attempt, one.login) for one in claimed])
        taken += claimed
        async with database.tenant(tenant) as session:
            for one in asked[:3]:
                found = await queries.unknown_operation(session, one)
                seen.append(found and [ids.index(found.id), found.state])
            some = [(one, Transition("done", ticket=5), "applied") for one in taken[::2]]
            await outcomes.record_batch(session, some)
    async with database.tenant_read(tenant) as session:
        due = await queries.due_operations(session, limit=50)
        seen.append(sorted((ids.index(one), state) for one, state in due))
    return seen


@pytest.mark.parametrize("seed", range(6))
async def test_the_simulated_rows_answer_as_postgresql_does(desk: Desk, seed: int) -> None:
    """Claims, bookings and what is due: the same rows, the same answers, in both."""
    dice, loop, server_id = random.Random(seed), VirtualLoop(), uuid7()
    store, busy, ids = Store(loop), set(), sorted(uuid7() for _ in range(14))
    async with desk.database.tenant(desk.tenant) as session:
        moment = await queries.database_time(session)
        for operation_id in ids:
            login, state = dice.randint(1, 4), dice.choice(_STATES)
            if state in ("sending", "unknown") and login in busy:
                state = "ready"
            busy |= {login} if state in ("sending", "unknown") else set()
            kept = _row(
                operation_id, server_id, login=login, state=state, attempt=dice.randint(0, 2)
            )
            wait, lease = (timedelta(seconds=dice.choice(OFFSETS)) for _ in range(2))
            session.add(
                PlatformOperation(**kept, next_at=moment + wait, lease_until=moment + lease)
            )
            now = loop.moment()
            kept |= {"next_at": now + wait, "lease_until": now + lease, "finished_at": None}
            store.rows[operation_id] = kept
    real = await _facts(desk.database, desk.tenant, ids, server_id)
    with installed(loop):
        simulated = await _facts(FakeDatabase(store, Certainty()), desk.tenant, ids, server_id)
    loop.close()
    assert simulated == real
    assert any(real[2:])


def _row(operation_id: UUID, server_id: UUID, **given: Any) -> dict[str, Any]:
    return {
        "id": operation_id,
        "kind": "deposit",
        "server_id": server_id,
        "account_id": uuid7(),
        "amount": Decimal(10),
        "currency": "USD",
        "token": comment_token(),
        "hold_id": None,
        "reference": "DEP-1",
        "searches": 0,
        "missed_at": None,
        "attempted_at": None,
        "external_ticket": 4,
        "error": "",
        **given,
    }


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_five_thousand_seeds_double_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The long proof: 40,000 movements in and out."""
    started = time.monotonic()
    damage = played(5000)
    seconds = time.monotonic() - started
    counts = f"double={damage.double} lost={damage.lost} unfinished={damage.unfinished}"
    with capsys.disabled():
        sys.stdout.write(f"\nmon6: seeds=5000 {counts} seconds={seconds:.0f}\n")
    assert damage == Damage()
    assert seconds <= 120
