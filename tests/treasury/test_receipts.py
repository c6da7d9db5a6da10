"""A provider's calls are remembered for a moment who they are for, and never wrongly."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from kernel.actor import VISITOR
from kernel.database import driver
from kernel.errors import NotFound
from tests.treasury.desk import Desk, sign, word
from treasury import connections, queries, receipts
from treasury.receipts import Receivers


@pytest.fixture
def receivers(desk: Desk) -> Receivers:
    """What a web process remembers."""
    return Receivers(desk.payments, desk.vault)


async def _refusals(desk: Desk) -> int:
    async with desk.database.tenant_read(desk.tenant) as session:
        return len(await queries.refusals(session, connection_id=desk.connection_id))


async def test_a_replaced_secret_works_at_once_and_ends_the_old_one(
    desk: Desk, receivers: Receivers
) -> None:
    """What the process remembers refuses nothing that the row accepts."""
    deposit = await desk.start()
    assert (await desk.receive(word(deposit), receivers=receivers)).outcome == "stored"
    async with desk.database.tenant(desk.tenant) as session:
        await connections.keep_webhook_secret(
            session, connection_id=desk.connection_id, secret="whsec_new", vault=desk.vault
        )

    body = word(deposit)
    with_new = await desk.receive(body, sign(body, "whsec_new"), receivers=receivers)
    body = word(deposit)
    with_old = await desk.receive(body, sign(body), receivers=receivers)

    assert (with_new.outcome, with_old.outcome) == ("stored", "refused")
    assert await _refusals(desk) == 1


async def test_a_refused_signature_spoils_nothing_for_the_next_call(
    desk: Desk, receivers: Receivers
) -> None:
    """Wrong calls before and between right ones leave a refusal each and nothing else."""
    deposit = await desk.start()
    outcomes = [
        (await desk.receive(word(deposit), signature, receivers=receivers)).outcome
        for signature in ("", None, "t=1,v1=00", "nonsense", None)
    ]

    assert outcomes == ["refused", "stored", "refused", "refused", "stored"]
    assert await _refusals(desk) == 3


async def test_an_event_of_several_senders_at_once_is_stored_once(
    desk: Desk, receivers: Receivers, superuser: asyncpg.Connection[Any]
) -> None:
    """One row, one line in the outbox that says what `record` would, however many send it."""
    deposit = await desk.start()
    before = await superuser.fetchval("SELECT count(*) FROM t_alpha.outbox")
    body = word(deposit, event_id="evt_1")

    found = await asyncio.gather(*(desk.receive(body, receivers=receivers) for _ in range(6)))

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
        ("treasury.webhook_stored", {"webhook_event_id": str(event["id"])}, "Marque")
    ]


async def test_an_ordinary_call_is_one_statement(desk: Desk, receivers: Receivers) -> None:
    """The connection is read for the first call only; a commit with news rings the bell."""
    deposit = await desk.start()
    said: list[list[str]] = []
    known = []
    for _ in range(3):
        body = word(deposit)
        async with desk.database.tenant(desk.tenant, actor=VISITOR) as session:
            said.append([])
            raw = await driver(session)
            with raw.query_logger(lambda record: said[-1].append(record.query)):
                await receipts.receive(
                    session,
                    token=desk.hook_token,
                    body=body,
                    headers={"Stripe-Signature": sign(body)},
                    receivers=receivers,
                )
            assert session.info["events"] == 1
        known.append(receivers.kept(desk.tenant, desk.hook_token))

    assert [len(one) for one in said[1:]] == [1, 1]
    assert "INTO webhook_event" in said[1][0]
    # Whoever reads the connection again makes another receiver of it.
    assert known[0] is not None
    assert known[1] is known[2] is known[0]


async def test_what_one_brokerage_has_is_not_remembered_for_another(
    desk: Desk, receivers: Receivers, other_tenant: Any
) -> None:
    """A process serves every brokerage; an address belongs to one."""
    body = word(await desk.start())
    await desk.receive(body, receivers=receivers)

    async with desk.database.tenant(other_tenant) as session:
        with pytest.raises(NotFound):
            await receipts.receive(
                session,
                token=desk.hook_token,
                body=body,
                headers={"Stripe-Signature": sign(body)},
                receivers=receivers,
            )
