"""A provider's calls are remembered for a moment who they are for, and never wrongly."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from connectors.payments.engine.port import Call
from kernel.errors import NotFound
from tests.treasury.desk import Desk, sign, word
from treasury import connections, queries
from treasury.receipts import Reception


@pytest.fixture
def reception(desk: Desk) -> Reception:
    """What a web process receives with, and remembers."""
    return desk.reception()


async def _refusals(desk: Desk) -> int:
    async with desk.database.tenant_read(desk.tenant) as session:
        return len(await queries.refusals(session, connection_id=desk.connection_id))


async def test_a_replaced_secret_works_at_once_and_ends_the_old_one(
    desk: Desk, reception: Reception
) -> None:
    """What the process remembers refuses nothing that the row accepts."""
    deposit = await desk.start()
    assert (await desk.receive(word(deposit), reception=reception)).outcome == "stored"
    async with desk.database.tenant(desk.tenant) as session:
        await connections.keep(
            session,
            connection_id=desk.connection_id,
            credentials={"webhook_secret": "whsec_new"},
            vault=desk.vault,
        )

    body = word(deposit)
    with_new = await desk.receive(body, sign(body, "whsec_new"), reception=reception)
    body = word(deposit)
    with_old = await desk.receive(body, sign(body), reception=reception)

    assert (with_new.outcome, with_old.outcome) == ("stored", "refused")
    assert await _refusals(desk) == 1


async def test_a_refused_signature_spoils_nothing_for_the_next_call(
    desk: Desk, reception: Reception
) -> None:
    """Wrong calls before and between right ones leave a refusal each and nothing else."""
    deposit = await desk.start()
    outcomes = [
        (await desk.receive(word(deposit), signature, reception=reception)).outcome
        for signature in ("", None, "t=1,v1=00", "nonsense", None)
    ]

    assert outcomes == ["refused", "stored", "refused", "refused", "stored"]
    assert await _refusals(desk) == 3


async def test_an_event_of_several_senders_at_once_is_stored_once(
    desk: Desk, reception: Reception, superuser: asyncpg.Connection[Any]
) -> None:
    """One row, one line in the outbox that says what `record` would, however many send it."""
    deposit = await desk.start()
    before = await superuser.fetchval("SELECT count(*) FROM t_alpha.outbox")
    body = word(deposit, event_id="evt_1")

    found = await asyncio.gather(*(desk.receive(body, reception=reception) for _ in range(6)))

    [event] = await superuser.fetch("SELECT * FROM t_alpha.webhook_event")
    lines = await superuser.fetch(
        "SELECT * FROM t_alpha.outbox ORDER BY recorded_at, id OFFSET $1", before
    )
    assert sorted(one.outcome for one in found) == [*["repeated"] * 5, "stored"]
    assert (event["body"], event["event_id"], event["reference"]) == (
        body,
        "evt_1",
        deposit.reference,
    )
    assert [(line["topic"], json.loads(line["payload"]), line["actor"]) for line in lines] == [
        ("treasury.webhook_stored", {"webhook_event_id": str(event["id"])}, "Visitor")
    ]


async def test_events_that_come_together_are_stored_together(
    desk: Desk, reception: Reception, superuser: asyncpg.Connection[Any]
) -> None:
    """The connection is read for the first call only; what waits shares a transaction."""
    deposit = await desk.start()
    await desk.receive(word(deposit), reception=reception)
    known = reception.kept(desk.tenant, desk.hook_token)
    bodies = [word(deposit) for _ in range(30)]

    found = await asyncio.gather(*(desk.receive(body, reception=reception) for body in bodies))

    rows = await superuser.fetch("SELECT xmin::text AS mark, body FROM t_alpha.webhook_event")
    assert {one.outcome for one in found} == {"stored"}
    assert {row["body"] for row in rows} >= set(bodies)
    assert len({row["mark"] for row in rows}) <= 3
    # Whoever reads the connection again makes another receiver of it.
    assert known is not None
    assert reception.kept(desk.tenant, desk.hook_token) is known


async def test_an_event_that_cannot_be_stored_spoils_none_beside_it(
    desk: Desk, reception: Reception, superuser: asyncpg.Connection[Any]
) -> None:
    """The failure is told to the one who sent it."""
    deposit = await desk.start()
    bodies = [word(deposit, event_id=f"evt_{number}") for number in range(6)]
    table = "ALTER TABLE t_alpha.webhook_event"
    await superuser.execute(f"{table} ADD CONSTRAINT planted CHECK (event_id <> 'evt_3')")
    try:
        found = await asyncio.gather(
            *(desk.receive(body, reception=reception) for body in bodies), return_exceptions=True
        )
    finally:
        await superuser.execute(f"{table} DROP CONSTRAINT planted")

    failed = [isinstance(one, BaseException) for one in found]
    assert failed == [False, False, False, True, False, False]
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.webhook_event") == 5
    assert (await desk.receive(bodies[3], reception=reception)).outcome == "stored"


async def test_a_caller_who_hangs_up_stops_nobody_elses_event(
    desk: Desk, reception: Reception, superuser: asyncpg.Connection[Any]
) -> None:
    """The first of those that wait together goes; all of them are stored."""
    deposit = await desk.start()
    await desk.receive(word(deposit), reception=reception)
    calls = [
        asyncio.create_task(desk.receive(word(deposit), reception=reception)) for _ in range(5)
    ]
    await asyncio.sleep(0)
    calls[0].cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.webhook_event") == 6


async def test_what_one_brokerage_has_is_not_remembered_for_another(
    desk: Desk, reception: Reception, other_tenant: Any
) -> None:
    """A process serves every brokerage; an address belongs to one."""
    body = word(await desk.start())
    await desk.receive(body, reception=reception)

    with pytest.raises(NotFound):
        await reception.receive(
            other_tenant,
            token=desk.hook_token,
            call=Call(body, {"Stripe-Signature": sign(body)}),
        )
