"""Real processes killed at the worst moments: every credit and every login exactly once."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
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
    *("treasury.after_webhook_stored", "treasury.before_settle_commit"),
    *("outbox.before_delivery_commit", "trading.after_claim", *OPENING),
)


async def _kill_all(
    stack: Stack, failpoints: tuple[str, ...], feed: Callable[[], Awaitable[None]]
) -> None:
    """Let one worker die at each failpoint, by work that passes there."""
    names = tuple(f"worker@{failpoint}" for failpoint in failpoints)
    await stack.run(*names)
    for _ in range(3 * len(names) + 3):
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

    await _kill_all(stack, OPENING, lambda: _opening(desk))
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

    found = await desk.outcome(seconds=90)
    assert found == [], "\n".join(found)


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


@pytest.mark.prove
@pytest.mark.timeout(1800)
async def test_random_kills_over_and_over_leave_nothing_double_lost_or_stuck(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Processes die at random moments under load, a mail is repeated, Redis forgets; cycles."""
    stack = desk.stack
    dice = random.Random(seed := random.SystemRandom().randrange(10**6))
    await stack.run(*(name for name in EVERYONE if not stack.living(name)))
    opened = [await desk.open() for _ in range(4)]
    for account_id in opened:
        assert await desk.opened(account_id)
    kills, cycles = 0, 5
    for cycle in range(cycles):
        if cycle == 0:
            stack.kill("worker")
            await _kill_all(stack, ("messaging.after_send",), lambda: _opening(desk))
            await stack.run("worker")
        for _ in range(8):
            await desk.pay(dice.choice(opened), f"{dice.randint(50, 500)}.00")
            if dice.random() < 0.3:
                await desk.open()
            victim = dice.choice(EVERYONE)
            if stack.living(victim):
                await asyncio.sleep(dice.random())
                stack.kill(victim)
                kills += 1
                await stack.run(victim)
            if dice.random() < 0.2:
                await stack.ports.redis.flushall()
        found = await desk.outcome(seconds=240)
        assert found == [], f"seed {seed}\n" + "\n".join(found)
    with capsys.disabled():
        sys.stdout.write(f"\ncrash: cycles={cycles} kills={kills} seed={seed} double=0 lost=0\n")


async def _opening(desk: Desk) -> None:
    await desk.open()
