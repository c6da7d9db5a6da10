"""Real processes killed at the worst moments: every credit and every login exactly once."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from tests.fixtures.stack import Stack
from tests.journeys.money import Desk

pytestmark = pytest.mark.timeout(400)
EVERYONE = ("web", "relay", "worker", "scheduler")
# Where a worker dies while it opens an account, and while it brings a deposit to one.
OPENING = ("trading.before_call", "trading.after_call", "trading.before_done_commit")
DEPOSIT = (
    *("treasury.after_webhook_stored", "treasury.before_settle_commit", "treasury.after_settle"),
    *("outbox.before_delivery_commit", "trading.after_claim", *OPENING),
)


async def _kill_all(
    stack: Stack, failpoints: tuple[str, ...], feed: Callable[[], Awaitable[None]]
) -> None:
    """Let one worker die at each failpoint, by work that passes there."""
    names = tuple(f"worker@{failpoint}" for failpoint in failpoints)
    await stack.run(*names)
    for _ in range(3 * len(names)):
        if not stack.living(*names):
            return
        await feed()
        await stack.wait_for_a_death(*names, seconds=3)
    assert stack.living(*names) == []


async def test_every_credit_and_every_login_is_made_once_whoever_is_killed(desk: Desk) -> None:
    """Web, workers, relay and scheduler die at every failpoint; Redis forgets; nothing is lost."""
    stack = desk.stack
    await stack.run(*EVERYONE)
    first = [await desk.open() for _ in range(6)]
    for account_id in first:
        assert await desk.opened(account_id)
    await desk.pay(first[0], "250.00")
    assert await desk.outcome(seconds=30) == []

    for process in ("web", "worker", "scheduler"):
        stack.kill(process)
    turns = itertools.cycle(first)
    amounts = itertools.count(100)

    async def deposit() -> None:
        await desk.pay(next(turns), f"{next(amounts)}.00")

    async def opening() -> None:
        await desk.open()

    await _kill_all(stack, OPENING, opening)
    # The web process dies with the event stored but not committed; the provider sends again.
    await stack.run("web@treasury.after_webhook_stored")
    await deposit()
    assert await stack.wait_for_a_death("web@treasury.after_webhook_stored", seconds=10)
    await stack.run("web")
    await _kill_all(stack, DEPOSIT, deposit)

    # Nobody works now: what the queue holds is forgotten, and the relay dies as well.
    await deposit()
    stack.kill("relay")
    await stack.ports.redis.flushall()
    # What died before its call is sent again by the scheduler, which dies after that call.
    await stack.run("relay", "scheduler@trading.after_call")
    assert await stack.wait_for_a_death("scheduler@trading.after_call", seconds=40)
    await stack.run("scheduler", "worker")

    assert await desk.outcome(seconds=90) == []


FAULTS = (
    {"drop_reply": "trade/balance"},
    {"drop_request": "trade/balance"},
    {"late_apply_ms": 1200, "command": "trade/balance"},
    {"drop_reply": "user/add"},
    {"drop_request": "user/add"},
)


async def test_answers_that_get_lost_or_come_late_credit_and_open_once(desk: Desk) -> None:
    """The server applies without an answer, or later, or never; events come three times."""
    stack = desk.stack
    await stack.run(*(name for name in EVERYONE if not stack.living(name)))
    opened: list[UUID] = [await desk.open()]
    assert await desk.opened(opened[0])
    stack.psp.operator("POST", "/_simulator/webhooks", {"duplicate": 3, "shuffle": True})
    for fault in FAULTS:
        stack.mt5.operator("POST", "/_simulator/faults", fault)
        if "user/add" in fault.values():
            opened.append(await desk.open())
        else:
            await desk.pay(opened[0], "120.00")
        assert await stack.met_the_fault(seconds=15)

        assert await desk.settled(seconds=45) == []
    assert await desk.faults_of_the_world() == []
