"""Paying: once, whatever is lost; parts stand alone; what is refused comes back; hands are two."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from approvals.events import ApprovalGranted
from connectors.payments.engine.port import Notice
from kernel.ids import uuid7
from kernel.money import Money
from tests.factories import trading
from tests.treasury.withdrawals.till import Server, Till, gathered
from trading import queries as trading_queries
from trading.events import CashDone, CashFailed
from treasury import queries as deposit_queries
from treasury import settlements
from treasury.rules import Fact
from treasury.withdrawals import debits, orders, payouts, queries, requests, wires
from treasury.withdrawals.facts import Wish
from treasury.withdrawals.models import Withdrawal, WithdrawalPart
from treasury.withdrawals.requests import WithdrawalBlocked


async def paying(till: Till, amount: str = "300") -> Withdrawal:
    """Bring a withdrawal back to a card to where it may be paid."""
    card = await till.connect("stripe", "Card")
    await till.deposited(card, "300")
    made = await till.ask(amount)
    if made.state == "requested":
        made = await till.approve(made)
    return await till.advance(made)


async def steps(till: Till, withdrawal: Withdrawal) -> list[str]:
    """Return what happened to its payouts."""
    async with till.database.tenant_read(till.tenant) as session:
        return [step.fact for step, _ in await queries.steps(session, withdrawal.id)]


def said(part: WithdrawalPart, withdrawal: Withdrawal, **changed: object) -> Notice:
    """Return a provider's word about a part."""
    values: dict[str, object] = {
        "event_id": "evt_1",
        "state": "succeeded",
        "claims": "succeeded",
        "status": "paid",
        "reference": orders.reference_of(withdrawal, part),
        "session_ref": "",
        "provider_ref": "po_1",
        "amount": part.payable,
        "settled": None,
        "fee": None,
        "must_ask": False,
        "is_live": False,
        **changed,
    }
    return Notice(**values)  # type: ignore[arg-type]


async def test_a_payout_is_called_once_and_booked(till: Till) -> None:
    """From the wallet to withdrawals on their way, and out through the provider."""
    made = await paying(till)
    assert await till.on_the_way() == Decimal(300)
    done = await till.pay(made)

    assert (done.state, done.reason_code) == ("paid", "paid")
    [part] = await till.parts(made)
    assert till.gateways.server.paid == [(f"{made.reference}-1", Money.of("300", "USD"))]
    assert (part.state, part.provider_reference) == ("paid", f"po_{made.reference}-1")
    assert await till.on_the_way() == Decimal(0)
    assert (await till.wallet()).amount == Decimal(0)
    assert await steps(till, made) == ["called", "answered"]
    await till.pay(made)
    assert len(till.gateways.server.calls) == 1


@pytest.mark.parametrize("keeps", ["header", "merchant_reference", "none"])
@pytest.mark.parametrize("lost", ["answer", "request"])
async def test_after_a_lost_reply_there_is_one_payout(till: Till, keeps: str, lost: str) -> None:
    """A provider that keeps keys is called again; another one is asked, twice, before it is."""
    server = Server(
        keeps=keeps == "header",
        lose=1 if lost == "answer" else 0,
        drop=1 if lost == "request" else 0,
    )
    till.gateways.server = server
    till.gateways.idempotency = keeps
    made = await paying(till)
    for _ in range(5):
        await till.pay(made)

    done = await till.seen(made)
    if (keeps, lost) == ("none", "request"):
        # Nobody can tell whether the request is still on its way: people look there.
        assert (done.state, server.paid) == ("paying", [])
        assert "needs a person" in await steps(till, made)
    else:
        assert done.state == "paid"
        assert server.paid == [(f"{made.reference}-1", Money.of("300", "USD"))]
    sends = [call for call in server.calls if call.startswith("pay")]
    asked = [call for call in server.calls if call.startswith("ask")]
    if keeps == "merchant_reference":
        assert len(sends) == (1 if lost == "answer" else 2)
        assert len(asked) == (1 if lost == "answer" else 2)
    assert (await till.wallet()).amount == Decimal(0)


async def test_nothing_is_sent_again_before_a_question_was_answered(till: Till) -> None:
    """The provider is away for long: it is only ever asked."""
    server = Server(keeps=False, lose=1, blind=True)
    till.gateways.server = server
    made = await paying(till)
    for _ in range(6):
        await till.pay(made)

    assert server.calls.count(f"pay {made.reference}-1") == 1
    assert (await till.seen(made)).state == "paying"
    server.blind = False
    assert (await till.pay(made)).state == "paid"
    assert len(server.paid) == 1


async def test_a_definite_refusal_returns_the_money_to_the_wallet(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """By a reversal that is linked to the entry it undoes."""
    till.gateways.server.refuse = "card_closed"
    made = await paying(till)
    done = await till.pay(made)

    assert (done.state, done.reason_code) == ("failed", "payout_refused")
    assert (await till.wallet()).available == Decimal(300)
    assert await till.on_the_way() == Decimal(0)
    [part] = await till.parts(made)
    reversal = await superuser.fetchval(
        "SELECT key FROM t_alpha.entry WHERE reverses_id = $1", part.entry_id
    )
    assert reversal == f"withdrawal-return:{part.id}"


async def test_the_parts_of_a_split_stand_alone(till: Till) -> None:
    """One is refused and comes back; the other is paid."""
    first, second = await till.connect("stripe", "Card"), await till.connect("paypal", "Wallet")
    await till.deposited(first, "100")
    await till.deposited(second, "200")
    made = await till.ask("300")
    made = await till.advance(made if made.state == "approved" else await till.approve(made))
    one, other = await till.parts(made)
    till.gateways.server.refuse = "closed"
    await _pay_one(till, one)
    till.gateways.server.refuse = ""
    await _pay_one(till, other)

    done = await till.seen(made)
    assert (done.state, done.reason_code) == ("paid", "paid_in_part")
    assert [part.state for part in await till.parts(made)] == ["failed", "paid"]
    assert (await till.wallet()).available == Decimal(100)
    assert await till.on_the_way() == Decimal(0)


async def _pay_one(till: Till, part: WithdrawalPart) -> None:
    await payouts.pay(
        till.database,
        till.tenant,
        part_id=part.id,
        gateways=till.gateways,
        vault=till.vault,
        settings=till.settings,
    )


async def test_twenty_workers_at_once_pay_once(till: Till) -> None:
    """The claim is committed before the call, and it is one worker's."""
    made = await paying(till)
    [part] = await till.parts(made)
    till.gateways.server.keeps = False
    await gathered(*(_pay_one(till, part) for _ in range(20)))

    assert len(till.gateways.server.paid) == 1
    assert (await till.seen(made)).state == "paid"


async def test_whoever_died_between_commit_and_call_is_followed_without_paying_twice(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """The attempt stands in the book of steps; nobody knows whether it went out, so it is asked."""
    till.gateways.server.keeps = False
    made = await paying(till)
    await superuser.execute("UPDATE t_alpha.withdrawal_part SET state = 'paying', attempt = 1")
    till.gateways.server.paid.append((f"{made.reference}-1", Money.of("300", "USD")))
    done = await till.pay(made)

    assert done.state == "paid"
    assert till.gateways.server.calls == [f"ask {made.reference}-1"]


async def test_a_word_that_was_faster_than_the_answer_changes_it_once(till: Till) -> None:
    """The callback books it; the answer finds it done; the same word again says nothing new."""
    till.gateways.server.state = "pending"
    made = await till.pay(await paying(till))
    [part] = await till.parts(made)
    assert (made.state, part.state) == ("paying", "paying")
    assert part.connection_id is not None
    outcomes = []
    for _ in range(2):
        async with till.database.tenant(till.tenant) as session:
            outcomes.append(await payouts.notice(session, part.connection_id, said(part, made)))

    assert outcomes == ["paid", "already known"]
    assert (await till.seen(made)).state == "paid"
    assert await till.on_the_way() == Decimal(0)


async def test_words_that_prove_nothing_change_nothing(till: Till) -> None:
    """Another connection's, an unsigned claim, another amount, and a failure after the success."""
    till.gateways.server.state = "pending"
    made = await till.pay(await paying(till))
    [part] = await till.parts(made)
    assert part.connection_id is not None

    async def hear(connection_id: UUID, **changed: object) -> str:
        async with till.database.tenant(till.tenant) as session:
            return await payouts.notice(session, connection_id, said(part, made, **changed))

    assert "no payout" in await hear(uuid7())
    assert "asked" in await hear(part.connection_id, must_ask=True)
    assert "person" in await hear(part.connection_id, amount=Money.of("30", "USD"))
    assert (await till.seen(made)).state == "paying"
    assert await hear(part.connection_id) == "paid"
    assert "person" in await hear(part.connection_id, state="failed")
    assert (await till.seen(made)).state == "paid"
    assert (await till.wallet()).amount == Decimal(0)


async def test_a_bank_transfer_is_said_by_one_and_confirmed_by_another(till: Till) -> None:
    """With the bank's reference; the fee stays with the brokerage."""
    await till.fund("1000")
    async with till.database.tenant(till.tenant) as session:
        session.add(_fee("25"))
    made = await till.approve(await till.ask("900", payee=await till.payee()))
    made = await till.advance(made)
    [part] = await till.parts(made)
    assert part.payable == Money.of("875", "USD")
    async with till.by(till.staff[1]) as session:
        asked = await wires.report(session, part_id=part.id, outcome="paid", reference="SEPA 4711")
    with pytest.raises(Exception, match="Somebody else has to decide"):
        await till.decide(asked.id, till.staff[1])
    assert (await till.seen(made)).state == "paying"
    await till.decide(asked.id, till.staff[3])
    async with till.database.tenant(till.tenant) as session:
        about = (asked.id, asked.kind, asked.subject_kind, asked.subject_id)
        for _ in range(2):
            await wires.confirmed(session, ApprovalGranted(*about))

    assert (await till.seen(made)).state == "paid"
    assert (await till.wallet()).amount == Decimal(100)
    assert await till.on_the_way() == Decimal(0)


def _fee(amount: str) -> object:
    from treasury.withdrawals.models import WithdrawalFee

    return WithdrawalFee(kind="bank", currency="USD", amount=Decimal(amount))


async def account(till: Till, superuser: asyncpg.Connection, *, free: str, credit: str) -> UUID:
    """Give the client a trading account with free margin and credit, and an open position."""
    server_id = uuid7()
    account_id = await trading.open_account(
        till.database,
        till.tenant,
        server_id=server_id,
        login=700123,
        group_name="real\\STD",
        client_id=till.client.id,
    )
    await superuser.execute(
        "UPDATE t_alpha.trading_account SET margin_free = $1::numeric, credit = $2::numeric,"
        " balance = 1000, equity = 1000",
        Decimal(free),
        Decimal(credit),
    )
    return account_id


async def test_a_trading_account_is_debited_before_anything_is_paid(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """The server books first; its refusal ends it with nothing taken."""
    account_id = await account(till, superuser, free="1000", credit="200")
    payee = await till.payee()
    with pytest.raises(WithdrawalBlocked):
        await till.ask("801", payee=payee, account_id=account_id)
    made = await till.approve(await till.ask("700", payee=payee, account_id=account_id))
    with pytest.raises(WithdrawalBlocked):  # 700 of the 800 are asked for already
        await till.ask("101", payee=payee, account_id=account_id)
    made = await till.advance(made)
    assert made.state == "debiting"
    assert made.operation_id is not None
    async with till.database.tenant_read(till.tenant) as session:
        operation = await trading_queries.operation(session, made.operation_id)
    assert operation is not None
    assert (operation.kind, operation.amount) == ("withdrawal", Decimal(700))
    done = CashDone(
        operation.id, account_id, 991, "withdrawal", Decimal(700), "USD", None, made.reference
    )
    for _ in range(2):
        async with till.database.tenant(till.tenant) as session:
            await debits.booked(session, [done])

    assert (await till.seen(made)).state == "paying"
    assert await till.on_the_way() == Decimal(700)
    second = await till.approve(await till.ask("90", payee=payee, account_id=account_id))
    second = await till.advance(second)
    assert second.operation_id is not None
    failed = CashFailed(
        second.operation_id,
        account_id,
        "withdrawal",
        Decimal(90),
        "USD",
        None,
        second.reference,
        "no money",
    )
    async with till.database.tenant(till.tenant) as session:
        await debits.refused(session, failed)
    assert ((await till.seen(second)).state, await till.on_the_way()) == ("failed", Decimal(700))


async def test_free_margin_counts_when_it_is_paid_not_when_it_is_asked(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """Positions were opened meanwhile: a person looks, and the server is not asked."""
    account_id = await account(till, superuser, free="1000", credit="0")
    made = await till.approve(
        await till.ask("700", payee=await till.payee(), account_id=account_id)
    )
    await superuser.execute("UPDATE t_alpha.trading_account SET margin_free = 400")
    held = await till.advance(made)

    assert (held.state, held.reason_code) == ("held", "free_margin")
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.platform_operation") == 0


async def test_asking_shows_the_plan_and_does_nothing(till: Till) -> None:
    """The check before the request only reads."""
    await till.fund("100")
    async with till.database.tenant_read(till.tenant) as session:
        plan = await requests.check(
            session, client=till.client, wish=Wish(Money.of("50", "USD"), None, None)
        )

    assert [problem.code for problem in plan.problems] == ["method"]
    assert plan.parts == []


async def test_what_we_pay_back_ourselves_is_not_claimed_from_the_client_again(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """Providers tell of our own refunds as of any other: only what is beyond them is disputed."""
    connection = await till.connect("stripe", "Cards")
    deposit = await till.deposited(connection, "400.00")
    made = await till.ask("100.00")
    await till.advance(made)
    assert (await till.pay(made)).state == "paid"

    decisions = []
    for amount in ("100.00", "150.00"):
        fact = Fact("refunded", deposit.provider_reference or "", Money.of(amount, "USD"), None)
        async with till.database.tenant(till.tenant) as session:
            locked = await deposit_queries.locked_deposit(session, deposit.id)
            assert locked is not None
            decisions += await settlements.apply(session, [(locked, fact)])

    disputed = await superuser.fetch(
        "SELECT payload ->> 'amount' FROM t_alpha.outbox WHERE topic = 'treasury.deposit_disputed'"
    )
    assert [one.action for one in decisions] == ["nothing", "dispute"]
    assert [Decimal(row[0]) for row in disputed] == [50]


async def test_an_answer_about_the_payment_that_came_in_pays_nothing_out(till: Till) -> None:
    """A provider that answers with the deposit's own success is asked again, and believed never."""
    server = Server(keeps=False, drop=1)
    till.gateways.server = server
    made = await till.pay(await paying(till))
    server.echo = "DEP-OFTHEPAST"
    for _ in range(3):
        made = await till.pay(made)

    assert made.state == "paying"
    assert server.paid == []
    assert [call for call in server.calls if call.startswith("pay")] == [f"pay {made.reference}-1"]
