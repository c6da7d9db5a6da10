"""A provider's word is believed when it is signed, and counts once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import islice, permutations
from typing import Any

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import NotFound
from tests.treasury.desk import Desk, open_desk, sign, word
from treasury import queries, webhooks


async def test_a_settled_deposit_is_posted_once_and_is_in_the_wallet(desk: Desk) -> None:
    """The book balances, the wallet has the money, the trail has every step."""
    deposit = await desk.start("100.00")
    outcomes = await desk.say(deposit, "completed")

    found = await desk.seen(deposit)
    assert outcomes == ["settle: The provider confirmed the payment."]
    assert (found.state, found.settled_amount) == ("credited", Decimal(100))
    assert (await desk.wallet()).available == Decimal(100)
    assert await desk.entries() == 1
    async with desk.database.tenant_read(desk.tenant) as session:
        trail = await queries.trail(session, deposit_id=deposit.id)
    assert [step.to_state for step in trail] == ["created", "settled", "credited"]


async def test_the_same_webhook_seven_times_is_one_posting(desk: Desk) -> None:
    """All seven are answered well, one is stored."""
    deposit = await desk.start()
    body = word(deposit, event_id="evt_1")

    receipts = [await desk.receive(body) for _ in range(7)]
    await desk.work()

    assert [receipt.outcome for receipt in receipts] == ["stored", *["repeated"] * 6]
    assert {receipt.status for receipt in receipts} == {200}
    assert await desk.entries() == 1


async def test_identical_webhooks_at_once_are_one_posting(desk: Desk) -> None:
    """Storing and handling may both run beside themselves."""
    deposit = await desk.start()
    body = word(deposit, event_id="evt_1")

    receipts = await asyncio.gather(*(desk.receive(body) for _ in range(12)))
    async with desk.database.tenant_read(desk.tenant) as session:
        [event_id] = await queries.unhandled_events(session)

    async def handle() -> None:
        async with desk.database.tenant(desk.tenant) as session:
            await webhooks.handle(session, webhook_event_ids=[event_id])

    await asyncio.gather(*(handle() for _ in range(12)))

    assert sorted(receipt.outcome for receipt in receipts) == [*["repeated"] * 11, "stored"]
    assert await desk.outcomes([event_id]) == ["settle: The provider confirmed the payment."]
    assert await desk.entries() == 1


async def test_different_events_about_one_payment_at_once_are_one_posting(desk: Desk) -> None:
    """Two words of success with different ids credit once."""
    deposit = await desk.start()
    for kind in ("completed", "paid later", "completed", "paid later"):
        await desk.receive(word(deposit, kind))
    async with desk.database.tenant_read(desk.tenant) as session:
        waiting = await queries.unhandled_events(session)

    await asyncio.gather(*(desk.handle([event_id]) for event_id in waiting))

    assert len(waiting) == 4
    assert (await desk.wallet()).available == Decimal(100)
    assert await desk.entries() == 1


@pytest.mark.parametrize("order", list(islice(permutations(range(4)), 0, 24, 5)))
async def test_words_in_any_order_credit_once(desk: Desk, order: tuple[int, ...]) -> None:
    """Pending after paid and expired after paid change nothing."""
    deposit = await desk.start()
    words = [
        word(deposit, "completed", status="unpaid", event_id="evt_pending"),
        word(deposit, "paid later", event_id="evt_paid"),
        word(deposit, "paid later", event_id="evt_paid_again"),
        word(deposit, "completed", status="unpaid", event_id="evt_pending_again"),
    ]
    for number in order:
        await desk.receive(words[number])
        await desk.work()
    await desk.say(deposit, "expired")

    found = await desk.seen(deposit)
    assert (found.state, found.disputed_at) == ("credited", None)
    assert await desk.entries() == 1


@pytest.mark.parametrize("position", [0, 40, -2])
async def test_one_changed_byte_is_refused_and_leaves_only_the_refusal(
    desk: Desk, position: int
) -> None:
    """The signature covers the raw bytes, whatever JSON they still are."""
    deposit = await desk.start()
    body = bytearray(word(deposit))
    signature = sign(bytes(body))
    body[position] ^= 1

    receipt = await desk.receive(bytes(body), signature)

    assert (receipt.outcome, receipt.status) == ("refused", 400)
    assert await desk.work() == []
    assert (await desk.seen(deposit)).state == "created"
    async with desk.database.tenant_read(desk.tenant) as session:
        refusals = await queries.refusals(session, connection_id=desk.connection_id)
    assert len(refusals) == 1


@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "nonsense"])
async def test_a_missing_or_foreign_signature_is_refused(desk: Desk, signature: str) -> None:
    """Whatever stands in the header."""
    body = word(await desk.start())

    assert (await desk.receive(body, signature)).outcome == "refused"


async def test_a_replay_after_the_tolerance_is_refused(desk: Desk) -> None:
    """A right signature of fifteen minutes ago is too old; one of a minute ago is not."""
    body = word(await desk.start())

    assert (await desk.receive(body, sign(body, age_seconds=900))).outcome == "refused"
    assert (await desk.receive(body, sign(body, age_seconds=60))).outcome == "stored"


async def test_another_brokerages_signed_event_means_nothing_here(
    desk: Desk, database: Database, other_tenant: TenantRef, vault: Vault
) -> None:
    """The secret and the deposits come from the address's own connection."""
    other = await open_desk(database, other_tenant, vault)
    deposit = await desk.start()

    with pytest.raises(NotFound):
        await other.receive(word(deposit), hook_token=desk.hook_token)
    await other.receive(word(deposit))

    assert await other.work() == ["ignored: no deposit of this connection has this reference"]
    assert (await desk.seen(deposit)).state == "created"


@pytest.mark.parametrize(
    "fields", [{"cents": 9999}, {"cents": 10001}, {"currency": "EUR"}, {"currency": "XXX"}]
)
async def test_a_payment_that_differs_is_held_and_nothing_is_credited(
    desk: Desk, fields: dict[str, object]
) -> None:
    """What was paid is kept for the person who decides."""
    deposit = await desk.start("100.00")
    await desk.say(deposit, "completed", **fields)

    found = await desk.seen(deposit)
    assert found.state == "held"
    assert found.reason
    assert (await desk.wallet()).amount == 0
    assert await desk.entries() == 0
    if "cents" in fields:
        assert found.settled_amount == Decimal(str(fields["cents"])) / 100


@pytest.mark.parametrize("kind", ["failed", "disputed", "refunded"])
async def test_a_late_failure_after_success_is_a_dispute_and_never_a_debit(
    desk: Desk, kind: str
) -> None:
    """The wallet keeps the money until a person decides."""
    deposit = await desk.start()
    await desk.say(deposit, "completed")
    await desk.say(deposit, kind)

    found = await desk.seen(deposit)
    assert found.state == "credited"
    assert found.disputed_at is not None
    assert (await desk.wallet()).available == Decimal(100)


async def test_a_payment_that_expired_is_cancelled(desk: Desk) -> None:
    """And one that comes after all is held."""
    deposit = await desk.start()
    await desk.say(deposit, "expired")
    assert (await desk.seen(deposit)).state == "cancelled"

    await desk.say(deposit, "completed")
    assert (await desk.seen(deposit)).state == "held"
    assert await desk.entries() == 0


async def test_an_unknown_address_is_not_found(desk: Desk) -> None:
    """Nothing is stored for a token nobody has."""
    with pytest.raises(NotFound):
        await desk.receive(b"{}", hook_token="nobody")


async def test_a_batch_settles_every_deposit_once_and_in_one_transaction(
    desk: Desk, superuser: asyncpg.Connection[Any]
) -> None:
    """Paid, paid twice, failed after paid, another amount, unknown and ignored, all together."""
    paid = [await desk.start(f"{number + 20}.00") for number in range(5)]
    twice, late, other = await desk.start(), await desk.start(), await desk.start()
    for deposit in paid:
        await desk.receive(word(deposit))
    for kind in ("completed", "paid later"):
        await desk.receive(word(twice, kind))
    for kind in ("completed", "failed"):
        await desk.receive(word(late, kind))
    await desk.receive(word(other, cents=9_999))
    async with desk.database.tenant_read(desk.tenant) as session:
        waiting = await queries.unhandled_events(session)

    await desk.handle(waiting)
    await desk.handle(waiting)

    outcomes = await desk.outcomes(waiting)
    assert [one.partition(":")[0] for one in outcomes] == [
        *["settle"] * 6,
        *("nothing", "settle", "dispute", "move"),
    ]
    states = [(await desk.seen(one)).state for one in (*paid, twice, late, other)]
    assert states == [*["credited"] * 7, "held"]
    assert (await desk.seen(late)).disputed_at is not None
    assert (await desk.wallet()).amount == Decimal(20 + 21 + 22 + 23 + 24 + 100 + 100)
    assert await desk.entries() == 7
    writers = await superuser.fetchval("SELECT count(DISTINCT xmin::text) FROM t_alpha.entry")
    assert writers == 1
