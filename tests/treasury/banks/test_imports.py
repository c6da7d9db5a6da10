"""Statements come in once, and their lines find the deposits they are for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import asyncpg
import pytest

from kernel.errors import InvalidInput
from kernel.money import Money
from ledger import chart, entries
from ledger.lines import credit, debit
from tests.treasury.banks.house import House
from tests.treasury.banks.statements import Wire, camt, mt940
from treasury.banks import accounts
from treasury.banks.documents import UnreadableStatement
from treasury.banks.imports import FileImportedBefore

EUR = Decimal("1000.00")


@pytest.mark.parametrize("write", [camt, mt940])
async def test_a_wire_that_names_its_deposit_settles_it(
    house: House, write: Callable[[Wire], bytes]
) -> None:
    """In either format: bank against wallet, and nothing is left in between."""
    deposit = await house.deposit()
    data = write(Wire("1000.00", f"Deposit {deposit.reference}", "Mara Lindqvist"))
    made = await house.take(data)

    assert (made.lines, made.lines_new, dict(made.outcomes)) == (1, 1, {"matched": 1})
    assert made.not_whole == 0
    assert await house.balances() == {"bank": EUR, "wallet": -EUR}
    settled = await house.seen(deposit)
    assert (settled.state, settled.settled_amount) == ("credited", EUR)
    line = await house.line()
    assert (line.score, line.deposit_id, line.party_name) == (100, deposit.id, "Mara Lindqvist")


@pytest.mark.parametrize(
    ("wire", "score", "reason", "third"),
    [
        (Wire("999.00", "{0}", "Mara Lindqvist"), 75, "1,000.00 EUR, and 999.00 EUR came", False),
        (Wire("1000.00", "{0}", "Peter Schmidt"), 85, "a third party may have paid", True),
        (Wire("1000.00", "Invoice 7", "LINDQVIST, MARA"), 40, "names no deposit", False),
        (Wire("1000.00", "Invoice 7", "Peter Schmidt"), 0, "names no deposit that waits", False),
    ],
)
async def test_what_is_not_certain_waits_in_suspense_with_its_reason(
    house: House,
    wire: Wire,
    score: int,
    reason: str,
    third: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """The client is credited by nobody yet, and the best guess is there for a person."""
    deposit = await house.deposit()
    named = Wire(wire.amount, wire.purpose.format(deposit.reference), wire.name)
    await house.take(camt(named))

    line = await house.line()
    assert (line.state, line.score, line.third_party) == ("suspense", score, third)
    assert reason in line.reason
    amount = Decimal(wire.amount)
    assert await house.balances() == {"bank": amount, "suspense": -amount}
    assert (await house.seen(deposit)).state == "pending"


async def test_two_deposits_alike_are_told_apart_by_nobody(house: House) -> None:
    """Amount and payer alone would be a guess."""
    await house.deposit()
    await house.deposit()
    await house.take(camt(Wire("1000.00", "Money", "Mara Lindqvist")))

    line = await house.line()
    assert (line.state, line.deposit_id, line.score) == ("suspense", None, 0)


async def test_the_second_payment_of_a_deposit_waits(house: House) -> None:
    """Also when both stand in one file."""
    deposit = await house.deposit()
    wire = Wire("1000.00", deposit.reference, "Mara Lindqvist")
    made = await house.take(camt(wire, wire))

    assert dict(made.outcomes) == {"matched": 1, "suspense": 1}
    assert await house.balances() == {"bank": 2 * EUR, "wallet": -EUR, "suspense": -EUR}


async def test_a_providers_settlement_clears_what_it_owes(house: House) -> None:
    """E12 row 3: 1,000.00 less a fee of 24.25 arrive as 975.75, and nothing is left."""
    async with house.by() as session:
        await accounts.know_sender(session, connection_id=house.cards_id, words="ACME PAYMENTS")
    made = await house.take(camt(Wire("975.75", "Payout 4711", "Acme  Payments Ltd")))

    assert dict(made.outcomes) == {"settlement": 1}
    assert await house.balances() == {"bank": Decimal("975.75"), "cards": Decimal("-975.75")}


async def _payout(house: House, account: tuple[str, tuple[str, object]], key: str) -> None:
    """Book a payout of 70.00 as withdrawals do, from a bank or a connection's clearing account."""
    money = Money.of("70.00", "EUR")
    async with house.by() as session:
        await entries.post(
            session,
            key=key,
            kind="withdrawal_paid",
            lines=[
                debit(chart.OPENING, chart.HOUSE, money),
                credit(account[0], account[1], money),  # type: ignore[arg-type]
            ],
            reference="WDR-7F3K2M9Q",
        )


async def test_a_payout_that_the_book_has_is_known_once(house: House) -> None:
    """A second transfer of it waits for a person: the bank may have paid twice."""
    await _payout(house, (chart.BANK, chart.MAIN_BANK), "payout")
    wire = Wire("-70.00", "Withdrawal WDR-7F3K2M9Q-1", "Mara Lindqvist")
    made = await house.take(camt(wire, wire))
    again = await house.take(camt(wire, statement="2", opening="5.00"))

    assert dict(made.outcomes) == {"known": 1, "suspense": 1}
    assert again.lines_new == 0
    assert await house.balances() == {"bank": Decimal(-140), "suspense": Decimal(70)}


async def test_a_payout_through_a_connection_is_cleared_by_the_banks_line(house: House) -> None:
    """What the connection was owed has left the bank."""
    await _payout(house, (chart.PSP_CLEARING, ("psp", house.wire_id)), "payout")
    made = await house.take(camt(Wire("-70.00", "WDR 7F3K2M9Q", "Mara Lindqvist")))

    assert dict(made.outcomes) == {"settlement": 1}
    assert await house.balances() == {"bank": Decimal(-70)}


async def test_the_same_file_is_imported_once(house: House) -> None:
    """The same bytes, whatever they are called."""
    data = camt(Wire("10.00"))
    await house.take(data, "one.xml")

    with pytest.raises(FileImportedBefore):
        await house.take(data, "two.xml")
    assert await house.balances() == {"bank": Decimal(10), "suspense": Decimal(-10)}


async def test_two_imports_of_one_file_at_once_are_one(house: House) -> None:
    """The second waits for the first and is refused by PostgreSQL."""
    data = camt(Wire("10.00"))
    made = await asyncio.gather(*(house.take(data) for _ in range(4)), return_exceptions=True)

    refused = [one for one in made if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [FileImportedBefore] * 3
    assert await house.balances() == {"bank": Decimal(10), "suspense": Decimal(-10)}


async def test_a_line_counts_once_in_statements_that_overlap(house: House) -> None:
    """By the bank's reference, in either format; lines that say the same are numbered."""
    same = Wire("10.00", "Rent", "Ann Lee", day="2026-11-26")
    named = Wire("20.00", "Other words", "Bo", bank_reference="4711-9")
    await house.take(camt(same, same, named))
    made = await house.take(camt(same, same, same, named, statement="S-2"))
    again = await house.take(mt940(Wire("20.00", "Mine", "Bo", bank_reference="4711-9")))

    assert (made.lines, made.lines_new) == (4, 1)
    assert (again.lines, again.lines_new) == (1, 0)
    assert len(await house.lines()) == 4
    assert await house.balances() == {"bank": Decimal(50), "suspense": Decimal(-50)}


async def test_a_statement_of_a_strange_account_is_refused(house: House) -> None:
    """With the end of its number, and nothing is kept; the same in another currency."""
    for data in (
        camt(Wire("10.00"), number="DE75512108001245126199"),
        camt(Wire("10.00"), currency="USD"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await house.take(data)
        assert "not among your bank accounts" in refused.value.fields["file"]
    assert await house.lines() == []


async def test_a_statement_that_does_not_add_up_is_said_to_be_not_whole(house: House) -> None:
    """Its lines count all the same: the bank has booked them."""
    balance = b">%s</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt>"
    made = await house.take(camt(Wire("10.00")).replace(balance % b"10.00", balance % b"11.00"))

    assert (made.lines_new, made.not_whole) == (1, 1)


async def test_what_the_bank_said_can_not_be_changed(
    house: House, superuser: asyncpg.Connection
) -> None:
    """Not even by who owns the tables; nor can a line leave suspense by itself."""
    await house.take(camt(Wire("10.00")))

    for change, code in (
        ("amount = 11", "MQ050"),
        ("purpose = 'x'", "MQ050"),
        ("state = 'released'", "MQ052"),
        ("state = 'returning'", "MQ052"),
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await superuser.execute(f"SET search_path = t_alpha; UPDATE bank_line SET {change}")
        assert refused.value.sqlstate == code
    for table in ("statement_file", "bank_statement", "bank_line_step", "bank_line"):
        with pytest.raises(asyncpg.PostgresError):
            await superuser.execute(f"DELETE FROM t_alpha.{table}")
    await superuser.execute("RESET search_path")


async def test_what_a_file_holds_never_reaches_the_log(
    house: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The library would write the field that it can't read, with whatever names stand in it."""
    broken = mt940(Wire("10.00", "Rent", "Mara Lindqvist")).replace(b":28C:231/1", b":28C:Mara X")
    with pytest.raises(UnreadableStatement) as refused:
        await house.take(broken)

    out, err = capfd.readouterr()
    assert "Mara" not in f"{out}{err}{caplog.text}{refused.value.text}"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">&c;</Document>"""
FILE = b"""<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">&x;</Document>"""
DTD = b"""<?xml version="1.0"?><!DOCTYPE Document SYSTEM "http://127.0.0.1:1/x.dtd">
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>"""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"%PDF-1.7 hello", "no camt.053 or MT940"),
        (b"<" + b"a" * (8 * 1024 * 1024), "larger than 8 MB"),
        (BOMB, "declares entities"),
        (FILE, "declares entities"),
        (DTD, "declares entities"),
        (b"<a>" * 200, "nested deeper"),
        (camt(Wire("10.00"))[:-9], "not well-formed"),
        (b"<html><body/></html>", "no camt.053 document"),
        (camt(Wire("10.00")).replace(b"camt.053", b"camt.052"), "no camt.053 document"),
        (camt(Wire("1e3")), "no amount in EUR"),
        (camt(Wire("NaN")).replace(b"NaN", b"10,00"), "no amount in EUR"),
        (camt(Wire("10.001")), "no amount in EUR"),
        (camt(Wire("10.00"), currency="XXX"), "'XXX' is not known"),
        (camt(Wire("10.00", day="2026-13-01")), "is no date"),
        (camt(Wire("10.00")).replace(b"CRDT", b"XXXX"), "credit or a debit"),
        (b":20:X\r\n" + b"9" * 600, "A line is longer than 500"),
        (b":20:X\r\n:86:" + b"?20EREF+\r\n" * 400, "A field is longer than 3,000"),
        (b":20:X\r\n" * 2001, "more than 2,000 statements"),
        (b":20:X\r\n" + b":61:2611271127C1,00NTRF\r\n" * 10_001, "more than 10,000 lines"),
        (b"hello :20: there", "no line begins with :20:"),
        (mt940(Wire("10.00")).replace(b"2611271127C", b"2699991127C"), "can't be read"),
    ],
)
async def test_hostile_files_are_refused_and_leave_nothing(
    house: House, data: bytes, said: str
) -> None:
    """In words that say what is wrong."""
    with pytest.raises(UnreadableStatement) as refused:
        await house.take(data)

    assert said in refused.value.text
    assert await house.lines() == []
