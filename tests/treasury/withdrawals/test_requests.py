"""Asking for money: checked, proved, set aside, approved by other eyes; and what is refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import asyncpg
import pytest

from approvals import queries as approval_queries
from approvals.requests import SamePerson
from clients import restrictions
from kernel.clock import now
from kernel.errors import InvalidInput, NotFound
from kernel.money import Money
from tests.factories import people
from tests.treasury.withdrawals.till import Till, gathered
from treasury.withdrawals import codes, decisions, destinations, queries, requests, rules
from treasury.withdrawals.codes import Proof
from treasury.withdrawals.facts import Wish
from treasury.withdrawals.models import Withdrawal
from treasury.withdrawals.requests import ProofMissing, WithdrawalBlocked, WithdrawalUnderWay


async def test_a_request_is_split_over_its_sources_and_its_money_set_aside(till: Till) -> None:
    """features.md 6.10 item 13: card 300, wallet 200, balance 1,400; 900 are 300, 200 and 400."""
    card = await till.connect("stripe", "Card")
    skrill = await till.connect("paypal", "Wallet")
    await till.deposited(card, "300")
    await till.deposited(skrill, "200")
    await till.fund("900")
    made = await till.ask("900", payee=await till.payee())

    parts = await till.parts(made)
    assert [(part.way, part.amount) for part in parts] == [
        ("refund", Decimal(300)),
        ("refund", Decimal(200)),
        ("manual", Decimal(400)),
    ]
    assert (await till.wallet()).available == Decimal(500)
    assert made.state == "requested"


async def test_what_went_back_is_not_returned_again(till: Till) -> None:
    """The second withdrawal finds less of the card's 300."""
    card = await till.connect("stripe", "Card")
    await till.deposited(card, "300")
    await till.fund("700")
    payee = await till.payee()
    await till.ask("250", payee=payee)
    second = await till.ask("100", payee=payee)

    assert [part.amount for part in await till.parts(second)] == [Decimal(50), Decimal(50)]


async def test_a_deposit_of_more_than_180_days_ago_is_no_source(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """It goes to the bank like profit."""
    card = await till.connect("stripe", "Card")
    await till.deposited(card, "300")
    await superuser.execute("UPDATE t_alpha.deposit SET settled_at = now() - interval '181 days'")
    made = await till.ask("100", payee=await till.payee())

    assert [part.way for part in await till.parts(made)] == ["manual"]


async def test_what_stands_in_the_way_stops_the_request(till: Till) -> None:
    """Nothing is written or set aside."""
    await till.fund("100")
    payee = await till.payee()
    async with till.by() as session:
        await restrictions.impose(
            session, client_id=till.client.id, kind="withdraw", reason="Under review."
        )
    with pytest.raises(WithdrawalBlocked) as blocked:
        await till.ask("101", payee=payee)

    assert [one.code for one in blocked.value.problems] == ["restricted", "free_margin"]
    assert (await till.wallet()).held == 0


async def test_three_withdrawals_may_be_under_way(till: Till) -> None:
    """The fourth waits until one of them is done or taken back."""
    await till.fund("1000")
    payee = await till.payee()
    first, *_ = [await till.ask("10", payee=payee) for _ in range(3)]
    with pytest.raises(WithdrawalBlocked):
        await till.ask("10", payee=payee)
    async with till.by() as session:
        await requests.cancel(session, client_id=till.client.id, withdrawal_id=first.id)

    assert (await till.ask("10", payee=payee)).state == "requested"


async def test_two_hundred_requests_at_once_never_take_more_than_there_is(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100.00 in the wallet, 200 times 1.00: a hundred are set aside and a hundred refused."""
    monkeypatch.setattr(rules, "PENDING_MAX", 1_000)
    await till.fund("100")
    payee = await till.payee()
    wish = Wish(Money.of("1", "USD"), None, payee)
    async with till.by() as session:
        binding = (await requests.check(session, client=till.client, wish=wish)).binding

    async def ask() -> Withdrawal:
        async with till.by() as session:
            proof = Proof(uuid4(), till.user.id, binding)
            return await requests.request(session, client=till.client, wish=wish, proof=proof)

    outcomes = await gathered(*(ask() for _ in range(200)))

    made = [one for one in outcomes if isinstance(one, Withdrawal)]
    refused = [one for one in outcomes if isinstance(one, WithdrawalBlocked)]
    assert (len(made), len(refused)) == (100, 100)
    wallet = await till.wallet()
    assert (wallet.available, wallet.held) == (Decimal(0), Decimal(100))


async def test_the_same_message_twice_is_one_withdrawal(till: Till) -> None:
    """The proof makes one withdrawal, also when both come at the same moment."""
    await till.fund("100")
    wish = Wish(Money.of("40", "USD"), None, await till.payee())
    proof = await till.prove(wish)

    async def ask() -> Withdrawal:
        async with till.by() as session:
            return await requests.request(session, client=till.client, wish=wish, proof=proof)

    outcomes = await gathered(*(ask() for _ in range(5)))

    assert len({one.id for one in outcomes}) == 1
    assert (await till.wallet()).held == Decimal(40)


async def test_a_code_for_another_amount_currency_or_payee_is_worthless(till: Till) -> None:
    """And so it is from then on, even for what it was asked for."""
    await till.fund("100")
    mine, other = await till.payee(), await till.payee(iban="GB82WEST12345698765432")
    wishes = [
        Wish(Money.of("41", "USD"), None, mine),
        Wish(Money.of("40", "USD"), None, other),
    ]
    for changed in wishes:
        proof = await till.prove(Wish(Money.of("40", "USD"), None, mine))
        with pytest.raises(ProofMissing):
            async with till.by() as session:
                await requests.request(session, client=till.client, wish=changed, proof=proof)
    async with till.by() as session:
        asked = await codes.ask(session, user_id=till.user.id, binding="a" * 64)
        for binding in ("b" * 64, "a" * 64):
            answer = await codes.accept(
                session,
                user_id=till.user.id,
                binding=binding,
                typed=asked.code,
                vault=till.vault,
            )
            assert isinstance(answer, str)


async def test_a_code_is_used_once_expires_and_bears_five_tries(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """Wrong ones count; the right one after five wrong ones is refused too."""

    async def typed(word: str) -> Proof | str:
        async with till.by() as session:
            return await codes.accept(
                session, user_id=till.user.id, binding="a" * 64, typed=word, vault=till.vault
            )

    async def asked() -> str:
        async with till.by() as session:
            return (await codes.ask(session, user_id=till.user.id, binding="a" * 64)).code

    first = await asked()
    assert isinstance(await typed(first), Proof)
    assert isinstance(await typed(first), str)
    second = await asked()
    wrong = f"{(int(second) + 1) % 1_000_000:06d}"
    assert [isinstance(await typed(wrong), str) for _ in range(5)] == [True] * 5
    assert "Too many" in str(await typed(second))
    third = await asked()
    await superuser.execute("UPDATE t_alpha.withdrawal_code SET expires_at = now()")
    assert "expired" in str(await typed(third))
    fourth, fifth = await asked(), await asked()
    assert isinstance(await typed(fourth), str)  # the newest one alone counts
    assert isinstance(await typed(fifth), Proof)


async def test_a_payee_in_another_name_is_not_saved(till: Till) -> None:
    """The message stands beside the field."""
    with pytest.raises(InvalidInput) as refused:
        async with till.by() as session:
            await destinations.save(
                session,
                client=till.client,
                kind="bank",
                holder="Jon Lindqvist",
                details={"iban": "DE89370400440532013001"},
                vault=till.vault,
            )
    assert set(refused.value.fields) == {"holder", "iban"}


async def test_another_clients_payee_and_withdrawal_are_not_there(till: Till) -> None:
    """Nothing tells them from what does not exist."""
    await till.fund("100")
    payee = await till.payee()
    made = await till.ask("40", payee=payee)
    async with till.by() as session:
        stranger = await people.client(session)
        with pytest.raises(NotFound):
            await requests.check(
                session, client=stranger, wish=Wish(Money.of("1", "USD"), None, payee)
            )
        with pytest.raises(NotFound):
            await requests.cancel(session, client_id=stranger.id, withdrawal_id=made.id)


async def test_a_small_one_to_a_known_payee_goes_out_by_itself(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """The ladder's first rung: up to 500, nothing odd."""
    await till.fund("600")
    payee = await till.payee()
    await superuser.execute("SET session_replication_role = replica")
    made = await till.ask("100", payee=payee)
    assert made.state == "requested"  # a new payee is looked at
    await superuser.execute(
        "UPDATE t_alpha.withdrawal_part SET state = 'paid'; "
        "UPDATE t_alpha.withdrawal SET state = 'paid'"
    )
    await superuser.execute("SET session_replication_role = DEFAULT")

    assert (await till.ask("100", payee=payee)).state == "approved"


async def test_every_step_of_the_chain_agrees_before_it_is_approved(till: Till) -> None:
    """Payments, finance and compliance, because the payee is new."""
    await till.fund("1000")
    made = await till.ask("900", payee=await till.payee())
    async with till.database.tenant_read(till.tenant) as session:
        [asked] = await approval_queries.of_subject(
            session, requests.KIND, (requests.KIND, made.id)
        )
    await till.decide(asked.id, till.staff[0])
    await till.decide(asked.id, till.staff[1])
    assert (await till.seen(made)).state == "requested"
    await till.decide(asked.id, till.staff[2])

    assert asked.permissions == [rules.CHECK, rules.APPROVE, rules.RISK]
    assert (await till.seen(made)).state == "approved"


async def test_staff_with_the_clients_address_do_not_approve(till: Till) -> None:
    """By person, whatever the login."""
    await till.fund("1000")
    owner = till.staff[3]
    async with till.database.tenant(till.tenant) as session:
        found = await session.get(type(owner), owner.id)
        assert found is not None
        found.email = till.client.email
    made = await till.ask("900", payee=await till.payee())
    async with till.database.tenant_read(till.tenant) as session:
        [asked] = await approval_queries.of_subject(
            session, requests.KIND, (requests.KIND, made.id)
        )

    with pytest.raises(SamePerson):
        await till.decide(asked.id, owner)


async def test_nothing_is_approved_past_the_approvals(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """The tenant's own role may write the row, and PostgreSQL refuses; red without the trigger."""
    await till.fund("1000")
    await till.ask("900", payee=await till.payee())
    approve = "UPDATE withdrawal SET state = 'approved'"
    with pytest.raises(asyncpg.PostgresError, match="nobody has approved exactly this"):
        async with superuser.transaction():
            await superuser.execute("SET LOCAL search_path = t_alpha; SET LOCAL ROLE t_alpha")
            await superuser.execute(approve)

    transaction = superuser.transaction()
    await transaction.start()
    await superuser.execute("SET LOCAL search_path = t_alpha")
    await superuser.execute("DROP TRIGGER withdrawal_checked ON withdrawal")
    await superuser.execute(approve)
    assert await superuser.fetchval("SELECT state FROM withdrawal") == "approved"
    await transaction.rollback()


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE withdrawal SET amount = 901",
        "UPDATE withdrawal_part SET amount = 901",
        "UPDATE withdrawal_part SET destination_id = NULL",
        "DELETE FROM withdrawal_part",
    ],
)
async def test_an_edit_after_the_approval_voids_it(
    till: Till, superuser: asyncpg.Connection, edit: str
) -> None:
    """Whoever edits, and however: what was agreed on was something else."""
    await till.fund("1000")
    made = await till.ask("900", payee=await till.payee())
    async with till.database.tenant(till.tenant) as session:
        await decisions.hold(session, withdrawal_id=made.id, reason="A look.")
    await till.approve(made)
    async with superuser.transaction():
        await superuser.execute("SET LOCAL search_path = t_alpha; SET LOCAL ROLE t_alpha")
        await superuser.execute(edit)

    state = await superuser.fetchval("SELECT state FROM t_alpha.approval")
    assert state == "voided"
    with pytest.raises(asyncpg.PostgresError, match="nobody has approved exactly this"):
        await superuser.execute("SET search_path = t_alpha; UPDATE withdrawal SET state='approved'")


async def test_an_approved_one_is_not_edited_at_all(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """Neither it nor its parts."""
    await till.fund("1000")
    await till.approve(await till.ask("900", payee=await till.payee()))
    for edit in (
        "UPDATE t_alpha.withdrawal SET amount = 1",
        "UPDATE t_alpha.withdrawal_part SET amount = 1",
        "DELETE FROM t_alpha.withdrawal_part",
        "DELETE FROM t_alpha.withdrawal",
        "UPDATE t_alpha.withdrawal_part SET state = 'paying'",
        "UPDATE t_alpha.withdrawal SET state = 'paid'",
    ):
        with pytest.raises(asyncpg.PostgresError):
            await superuser.execute(edit)


async def test_two_approvers_at_once_are_one_step(till: Till) -> None:
    """Both hold the first step's permission; one word is taken."""
    await till.fund("1000")
    made = await till.ask("900", payee=await till.payee())
    async with till.database.tenant_read(till.tenant) as session:
        [asked] = await approval_queries.of_subject(
            session, requests.KIND, (requests.KIND, made.id)
        )

    await gathered(*(till.decide(asked.id, one) for one in till.staff[:2]))

    async with till.database.tenant_read(till.tenant) as session:
        given = await approval_queries.decisions(session, asked.id)
    assert [one.step for one in given] in ([1], [1, 2])
    assert len({one.user_id for one in given}) == len(given)


async def test_a_rejection_gives_the_money_back_and_says_why(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """The client is told the reason."""
    await till.fund("1000")
    made = await till.ask("900", payee=await till.payee())
    async with till.by(till.staff[1]) as session:
        await decisions.reject(session, withdrawal_id=made.id, reason="The statement is missing.")

    closed = await till.seen(made)
    assert (closed.state, closed.reason) == ("rejected", "The statement is missing.")
    assert (await till.wallet()).available == Decimal(1000)
    told = "SELECT payload->>'reason' FROM t_alpha.outbox WHERE topic = $1"
    assert await superuser.fetchval(told, "treasury.withdrawal_closed") == closed.reason


async def test_the_client_takes_back_only_what_nobody_has_approved(till: Till) -> None:
    """Afterwards it is under way."""
    await till.fund("1000")
    made = await till.ask("100", payee=await till.payee())
    async with till.by() as session:
        await requests.cancel(session, client_id=till.client.id, withdrawal_id=made.id)
    assert (await till.wallet()).available == Decimal(1000)
    second = await till.approve(await till.ask("100", payee=await till.payee()))
    assert second.state == "approved"
    with pytest.raises(WithdrawalUnderWay):
        async with till.by() as session:
            await requests.cancel(session, client_id=till.client.id, withdrawal_id=second.id)


async def test_the_payee_is_checked_again_when_it_is_paid(
    till: Till, superuser: asyncpg.Connection
) -> None:
    """Removed after the approval: a person has to look, and the money stays set aside."""
    await till.fund("1000")
    made = await till.approve(await till.ask("900", payee=await till.payee()))
    await superuser.execute("UPDATE t_alpha.withdrawal_destination SET removed_at = now()")
    held = await till.advance(made)

    assert (held.state, held.reason_code) == ("held", "method_gone")
    assert (await till.wallet()).held == Decimal(900)
    await superuser.execute("UPDATE t_alpha.withdrawal_destination SET removed_at = NULL")
    async with till.by(till.staff[1]) as session:
        await decisions.resume(session, withdrawal_id=made.id, reason="It is back.")
    assert (await till.advance(made)).state == "paying"


async def test_every_step_is_written_down_with_its_cause(till: Till) -> None:
    """Who, from where to where, and why."""
    await till.fund("1000")
    made = await till.approve(await till.ask("900", payee=await till.payee()))
    await till.advance(made)
    async with till.database.tenant_read(till.tenant) as session:
        trail = await queries.trail(session, made.id)

    assert [(one.from_state, one.to_state) for one in trail] == [
        (None, "requested"),
        ("requested", "approved"),
        ("approved", "paying"),
    ]
    assert all(one.reason and one.actor for one in trail)
    assert made.promised_at - made.created_at <= timedelta(hours=24, seconds=5)
    assert made.created_at <= now()
