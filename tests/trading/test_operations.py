"""Money on a real server is booked exactly once, whatever happens between the two of us (MON6)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from decimal import Decimal

import pytest

from connectors.trading.port import CashKind
from kernel.errors import InvalidInput
from kernel.money import CurrencyMismatch, Money
from kernel.settings import Settings
from tests.trading.conftest import connect
from tests.trading.desk import QUIET, Desk
from trading import operations, queries


async def test_a_deposit_is_booked_once_and_says_so(desk: Desk) -> None:
    """The plain way: sent, seen on the server, done, and CashDone recorded with the ticket."""
    asked = await desk.ask("250.00")
    await desk.send(asked.id)
    await desk.send(asked.id)

    done = await desk.read(asked.id)
    assert done.state == "done"
    assert desk.booked(asked.token) == ["250.00"]
    assert done.external_ticket == desk.server.records(comment=asked.token)["tickets"][0]
    assert await desk.facts(asked.id) == ["requested", "claimed", "applied"]
    assert await desk.topics() == ["trading.platform_operation_ready", "trading.cash_done"]


async def test_a_withdrawal_is_booked_with_the_opposite_sign(desk: Desk) -> None:
    """What is asked as a positive amount leaves the account."""
    await desk.send((await desk.ask("300.00")).id)
    asked = await desk.ask("120.50", kind="withdrawal")
    await desk.send(asked.id)

    assert (await desk.read(asked.id)).state == "done"
    assert desk.booked(asked.token) == ["-120.50"]


async def test_a_definite_refusal_fails_the_operation(desk: Desk) -> None:
    """Too little money on the account: nothing is booked, and CashFailed frees the hold."""
    asked = await desk.ask("1000.00", kind="withdrawal")
    await desk.send(asked.id)

    failed = await desk.read(asked.id)
    assert failed.state == "failed"
    assert failed.error.startswith("10019")
    assert desk.booked(asked.token) == []
    assert (await desk.topics())[-1] == "trading.cash_failed"


async def test_a_lost_answer_is_found_and_never_sent_again(desk: Desk) -> None:
    """The server booked it and the line broke: the search finds it under its token."""
    asked = await desk.ask("75.00")
    desk.fault(drop_reply=1, times=1)
    await desk.send(asked.id)
    assert (await desk.read(asked.id)).state == "unknown"

    done = await desk.settled(asked.id)
    assert desk.booked(asked.token) == ["75.00"]
    assert done.attempt == 1


async def test_a_lost_request_is_sent_again_under_the_same_token(desk: Desk) -> None:
    """The server never saw it: after two searches a quiet window apart it goes out once more."""
    asked = await desk.ask("60.00")
    desk.fault(drop_request=1, times=1)
    await desk.send(asked.id)
    assert (await desk.read(asked.id)).state == "unknown"

    done = await desk.settled(asked.id)
    assert (done.attempt, done.token) == (2, asked.token)
    assert desk.booked(asked.token) == ["60.00"]
    facts = await desk.facts(asked.id)
    assert facts.count("searched") == 2
    assert facts.count("claimed") == 2


async def test_a_request_applied_after_the_answer_was_given_up_is_booked_once(desk: Desk) -> None:
    """The gateway holds the request and books it later, within the quiet window."""
    asked = await desk.ask("90.00")
    desk.fault(late_apply_ms=1200, times=1)
    await desk.send(asked.id)
    assert (await desk.read(asked.id)).state == "unknown"

    done = await desk.settled(asked.id)
    await asyncio.sleep(0.5)
    assert desk.booked(asked.token) == ["90.00"]
    assert done.attempt == 1


async def test_an_answer_later_than_the_limit_is_unknown_and_then_found(desk: Desk) -> None:
    """A slow server books it while we have stopped waiting."""
    asked = await desk.ask("45.00")
    desk.fault(delay_ms=1500, times=1)
    await desk.send(asked.id)
    assert (await desk.read(asked.id)).state == "unknown"

    await desk.settled(asked.id)
    assert desk.booked(asked.token) == ["45.00"]


async def test_two_executors_at_once_book_once(desk: Desk) -> None:
    """Many processes get the same event: one holds the claim, the others do nothing."""
    others = [connect(desk.server) for _ in range(3)]
    asked = await desk.ask("31.00")
    await asyncio.gather(*(desk.send(asked.id, other) for other in others))

    assert (await desk.read(asked.id)).state == "done"
    assert desk.booked(asked.token) == ["31.00"]
    for other in others:
        await other.connection.close()


async def test_operations_of_one_login_go_one_after_the_other(desk: Desk) -> None:
    """Two operations of a login are never in flight together, and both are done in the end."""
    desk.fault(delay_ms=300, times=1)
    first, second = await desk.ask("10.00"), await desk.ask("11.00")
    other = connect(desk.server)
    await asyncio.gather(desk.send(first.id), desk.send(second.id, other))
    await other.connection.close()

    await desk.settled(first.id)
    await desk.settled(second.id)
    async with desk.database.tenant_read(desk.tenant) as session:
        one = await queries.operation_steps(session, first.id)
        two = await queries.operation_steps(session, second.id)
    spans = sorted((steps[1].at, steps[-1].at) for steps in (one, two))
    assert spans[0][1] <= spans[1][0]
    assert desk.booked(first.token) + desk.booked(second.token) == ["10.00", "11.00"]


async def test_an_executor_killed_in_the_call_books_once(desk: Desk) -> None:
    """The process dies after the request left: the lease runs out and the search finds it."""
    asked = await desk.ask("66.00")
    desk.fault(delay_ms=400, times=1)
    dying = asyncio.create_task(desk.send(asked.id))
    await asyncio.sleep(0.25)
    dying.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await dying
    assert (await desk.read(asked.id)).state == "sending"

    done = await desk.settled(asked.id)
    assert desk.booked(asked.token) == ["66.00"]
    assert "abandoned" in await desk.facts(asked.id)
    assert done.external_ticket is not None


@pytest.mark.parametrize(
    "point",
    [
        "trading.after_claim",
        "trading.before_call",
        "trading.after_call",
        "trading.before_done_commit",
    ],
)
async def test_a_process_killed_at_a_failpoint_books_once(
    desk: Desk, settings: Settings, point: str
) -> None:
    """Whatever the moment of its death, another process brings the operation to its one end."""
    asked = await desk.ask("33.00")
    told = {
        "database": settings.database_url,
        "operations": [str(asked.id)],
        "address": f"{desk.server.host}:{desk.server.port}",
        "manager": desk.server.manager,
        "password": desk.server.password,
        "fingerprint": desk.server.fingerprint,
        "quiet_seconds": QUIET,
    }
    dying = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.trading.dying_executor",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "MARQUE_FAILPOINT": point},
    )
    await dying.communicate(json.dumps(told).encode())
    assert dying.returncode == 137
    assert (await desk.read(asked.id)).state == "sending"

    done = await desk.settled(asked.id)
    assert desk.booked(asked.token) == ["33.00"]
    sent_before_death = point in {"trading.after_call", "trading.before_done_commit"}
    assert done.attempt == (1 if sent_before_death else 2)


async def test_a_server_that_can_not_be_reached_delays_without_doubt(desk: Desk) -> None:
    """Nothing was sent: the operation stays ready, backs off, and goes out when all is well."""
    nowhere = connect(desk.server)
    nowhere.connection = type(nowhere.connection)(
        "127.0.0.1:1", login=1, password="x", fingerprint=None
    )
    asked = await desk.ask("12.00")
    await desk.send(asked.id, nowhere)
    waiting = await desk.read(asked.id)
    assert (waiting.state, waiting.attempt) == ("ready", 1)

    await desk.settled(asked.id)
    assert desk.booked(asked.token) == ["12.00"]


async def test_a_different_booking_under_the_token_is_frozen(desk: Desk) -> None:
    """Somebody booked another amount under our token: a person has to look, nothing is sent."""
    asked = await desk.ask("500.00")
    desk.fault(drop_request=1, times=1)
    await desk.send(asked.id)
    await desk.connections.connection.cash(desk.login, "deposit", Decimal(5), asked.token)

    frozen = await desk.settled(asked.id, "frozen")
    assert "differs" in frozen.error
    assert desk.booked(asked.token) == ["5.00"]
    assert (await desk.topics())[-1] == "trading.operation_frozen"


async def test_a_booking_found_twice_is_frozen_until_a_person_decides(desk: Desk) -> None:
    """Two bookings under one token are nobody's success; the decision is recorded."""
    asked = await desk.ask("20.00")
    desk.fault(drop_request=1, times=1)
    await desk.send(asked.id)
    kind: CashKind = "deposit"
    for _ in range(2):
        ticket = await desk.connections.connection.cash(desk.login, kind, Decimal(20), asked.token)
    await desk.settled(asked.id, "frozen")

    async with desk.database.tenant(desk.tenant) as session:
        with pytest.raises(InvalidInput):
            await operations.decide(
                session, operation_id=asked.id, done=True, ticket=ticket, reason=" "
            )
    async with desk.database.tenant(desk.tenant) as session:
        await operations.decide(
            session, operation_id=asked.id, done=True, ticket=ticket, reason="second one reversed"
        )
    assert (await desk.read(asked.id)).state == "done"
    assert (await desk.topics())[-1] == "trading.cash_done"


@pytest.mark.parametrize("amount", ["0", "-5", "1.001"])
async def test_an_amount_that_can_not_be_booked_is_refused_at_the_door(
    desk: Desk, amount: str
) -> None:
    """Zero, negative and finer than a cent never become an intent."""
    with pytest.raises(InvalidInput):
        await desk.ask(amount)


async def test_another_currency_than_the_accounts_is_refused(desk: Desk) -> None:
    """An amount in another currency is not silently booked as the account's."""
    async with desk.database.tenant(desk.tenant) as session:
        with pytest.raises(CurrencyMismatch):
            await operations.request_cash(
                session,
                operations.CashRequest(
                    account_id=desk.account_id,
                    kind="deposit",
                    amount=Money.of("5", "EUR"),
                    reference="DEP-1",
                ),
            )
