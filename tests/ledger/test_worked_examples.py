"""The worked finance examples, with exactly their numbers, beside an oracle of integers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from kernel.database import TenantSession
from kernel.money import Money, round_down, round_half_up
from ledger import bookings, chart, client_money, debts, entries, queries, trial_balance
from ledger.client_money import Holding
from ledger.conversions import convert
from ledger.lines import Line, Rate, credit, debit, split
from ledger.verification import verify
from tests.oracles import ledger_examples as oracle

CLIENT, PSP, MT5 = "c1", "p1", "mt5-1"
QUOTED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
RATE = Rate("EUR", "USD", Decimal("1.0832"), Decimal("1.0886432"), "ECB", QUOTED)


def eur(text: str) -> Money:
    """Return euros."""
    return Money.of(text, "EUR")


def usd(text: str) -> Money:
    """Return dollars."""
    return Money.of(text, "USD")


async def amount(
    session: TenantSession, account: tuple[str, tuple[str, object]], currency: str
) -> Decimal:
    """Return an account's balance in its natural sign."""
    code, (kind, owner) = account
    found = await queries.balance(session, code=code, currency=currency, owner=(kind, str(owner)))
    return found.amount


async def test_e12_a_card_deposit_is_settled_and_moved_to_mt5_in_seven_entries(
    tenant_session: TenantSession,
) -> None:
    """Each entry balances for itself, and what is left afterwards is what the example says."""
    session = tenant_session
    fee = Money(Decimal(1000) * Decimal("0.024") + Decimal("0.25"), "EUR").rounded()
    made = convert(eur("600.00"), RATE)
    net = eur("1000.00") - fee
    house = chart.HOUSE
    seven: list[list[Line]] = [
        bookings.deposit(PSP, CLIENT, eur("1000.00")),
        bookings.provider_fee(PSP, fee),
        bookings.settlement(PSP, net),
        bookings.top_up(fee),
        [debit(*bookings.wallet(CLIENT), made.sold), credit(chart.FX_CONVERSION, house, made.sold)],
        [
            debit(chart.FX_CONVERSION, house, made.bought),
            credit(*bookings.trading_account(MT5), made.bought),
        ],
        [
            debit(chart.FX_CONVERSION, house, made.markup),
            credit(chart.FX_MARKUP, house, made.markup),
        ],
    ]
    for number, lines in enumerate(seven, 1):
        await entries.post(session, key=f"e12:{number}", kind="example", lines=lines)

    assert (fee, net) == (eur("24.25"), eur("975.75"))
    assert (made.bought, made.markup) == (usd("649.92"), usd("3.27"))
    assert oracle.provider_fee("1000.00", "2.4", "0.25") == fee.minor_units() == 2425
    assert oracle.conversion("600.00", "1.0832", "1.0886432") == (64992, 327)
    left = {
        ("EUR", *bookings.clearing(PSP)): "0",
        ("EUR", chart.BANK, chart.MAIN_BANK): "1000.00",
        ("EUR", chart.BANK_OWN, chart.MAIN_BANK): "-24.25",
        ("EUR", *bookings.wallet(CLIENT)): "400.00",
        ("EUR", chart.PSP_FEE, house): "24.25",
        ("EUR", chart.FX_CONVERSION, house): "600.00",
        ("USD", chart.FX_CONVERSION, house): "-653.19",
        ("USD", *bookings.trading_account(MT5)): "649.92",
        ("USD", chart.FX_MARKUP, house): "3.27",
    }
    for (currency, code, owner), expected in left.items():
        assert await amount(session, (code, owner), currency) == Decimal(expected), code
    assert (await verify(session)).ok


async def test_e12_the_conversion_is_one_entry_with_its_rate(
    tenant_session: TenantSession,
) -> None:
    """Both legs and the mark-up stand or fall together; rate, source and time stay with them."""
    session = tenant_session
    await entries.post(
        session, key="d", kind="deposit", lines=bookings.deposit(PSP, CLIENT, eur("1000.00"))
    )
    made = convert(eur("600.00"), RATE)
    lines = bookings.conversion(bookings.wallet(CLIENT), bookings.trading_account(MT5), made)
    entry_id = await entries.post(session, key="x", kind="transfer", lines=lines, rate=RATE)

    assert [
        (code, currency, str(amount.quantize(Decimal("0.01"))))
        for code, _, currency, amount in await queries.lines_of(session, entry_id=entry_id)
    ] == [
        (chart.CLIENT_WALLET, "EUR", "600.00"),
        (chart.FX_CONVERSION, "EUR", "-600.00"),
        (chart.FX_CONVERSION, "USD", "649.92"),
        (chart.TRADING_ACCOUNT, "USD", "-649.92"),
        (chart.FX_CONVERSION, "USD", "3.27"),
        (chart.FX_MARKUP, "USD", "-3.27"),
    ]
    assert await queries.rate_of(session, entry_id=entry_id) == RATE
    assert await amount(session, bookings.wallet(CLIENT), "EUR") == Decimal("400.00")
    assert await amount(session, bookings.trading_account(MT5), "USD") == Decimal("649.92")
    assert await amount(session, (chart.FX_CONVERSION, chart.HOUSE), "USD") == Decimal("-653.19")
    assert await amount(session, (chart.FX_MARKUP, chart.HOUSE), "USD") == Decimal("3.27")
    found = await trial_balance.at(session, until=datetime(2100, 1, 1, tzinfo=UTC))
    assert found.balanced
    assert (await verify(session)).ok


def test_a_conversion_of_a_thousand_euros_is_rounded_once() -> None:
    """Features 6.10, 14: 1,079.58 at 1.079575, and 5.42 of mark-up against 1,085.00."""
    mid = Decimal("1.0850")
    rate = Rate("EUR", "USD", mid * Decimal("0.995"), mid, "ECB", QUOTED)
    made = convert(eur("1000.00"), rate)

    assert rate.rate == Decimal("1.079575")
    assert (made.bought, made.markup) == (usd("1079.58"), usd("5.42"))
    assert oracle.conversion("1000.00", "1.079575", "1.0850") == (107958, 542)


async def _e13(session: TenantSession, bank: str) -> None:
    """Book A's wallet and pending withdrawal, B's debt, and the segregated bank."""
    house = chart.HOUSE
    drafts = {
        "a": bookings.move((chart.PSP_CLEARING, ("psp", PSP)), bookings.wallet("A"), usd("1400")),
        "a-out": bookings.move(
            bookings.wallet("A"), (chart.WITHDRAWALS_PENDING, ("client", "A")), usd("200.00")
        ),
        "b": bookings.move((chart.PSP_CLEARING, ("psp", PSP)), bookings.wallet("B"), usd("64.90")),
        "c": bookings.move((chart.PSP_CLEARING, ("psp", PSP)), bookings.wallet("C"), usd("5")),
        "c-out": bookings.move(bookings.wallet("C"), (chart.FEES, house), usd("5")),
        "bank": [
            debit(chart.BANK, chart.MAIN_BANK, usd(bank)),
            credit(chart.OPENING, house, usd(bank)),
        ],
    }
    for key, lines in drafts.items():
        await entries.post(session, key=key, kind="example", lines=lines)
    await debts.claim(
        session,
        key="b-back",
        kind="chargeback",
        client_id="B",
        amount=usd("100.00"),
        credit=bookings.clearing(PSP),
    )


EQUITY = {"A": Decimal("540.25"), "B": Decimal("310.00"), "D": Decimal("-12.40")}
E13 = {
    "A": ["1200.00", "540.25", "200.00"],
    "B": ["-35.10", "310.00"],
    "C": ["0.00"],
    "D": ["-12.40"],
}


@pytest.mark.parametrize(
    ("bank", "shortfall", "excess"),
    [("2190.40", "24.75", "0"), ("2300.00", "0", "84.85"), ("2215.15", "0", "0")],
)
async def test_e13_clients_money_by_the_book_and_the_servers(
    tenant_session: TenantSession, bank: str, shortfall: str, excess: str
) -> None:
    """B's chargeback left a debt of 35.10, which lowers B alone and nobody else."""
    await _e13(tenant_session, bank)
    holdings = await queries.client_money(tenant_session, currency="USD")
    known = {one.client_id: one for one in holdings}
    whole = client_money.with_equity(holdings, EQUITY)
    resource = await queries.segregated(tenant_session, currency="USD")
    found = client_money.compare(whole, resource=resource)

    assert (known["A"].wallet, known["A"].pending) == (Decimal("1200.00"), Decimal("200.00"))
    assert (known["B"].wallet, known["B"].owed) == (Decimal(0), Decimal("35.10"))
    assert {one.client_id: one.total for one in whole} == {
        "A": Decimal("1940.25"),
        "B": Decimal("274.90"),
        "C": Decimal(0),
        "D": Decimal("-12.40"),
    }
    assert found.requirement == Decimal("2215.15")
    assert (found.shortfall, found.excess) == (Decimal(shortfall), Decimal(excess))
    assert (await verify(tenant_session)).ok


def test_e13_as_a_pure_function() -> None:
    """Negative balances are not netted: that would be 2,202.75, and wrong."""
    holdings = [
        Holding("A", Decimal("1200.00"), pending=Decimal("200.00"), equity=Decimal("540.25")),
        Holding("B", owed=Decimal("35.10"), equity=Decimal("310.00")),
        Holding("C"),
        Holding("D", equity=Decimal("-12.40")),
    ]
    found = client_money.compare(holdings, resource=Decimal("2190.40"))

    assert (found.requirement, found.shortfall) == (Decimal("2215.15"), Decimal("24.75"))
    assert oracle.major(oracle.requirement(E13)) == "2215.15"
    assert oracle.major(oracle.requirement(E13) - oracle.minor("2190.40")) == "24.75"
    assert oracle.major(oracle.requirement(E13, netted=True)) == "2202.75"
    assert sum(one.total for one in holdings) == Decimal("2202.75")


async def test_e8_a_chargeback_takes_the_commission_back_and_the_wallet_carries_it_forward(
    tenant_session: TenantSession,
) -> None:
    """400.00 was paid out; both reversals of 28 November leave -400.00, set off by what comes."""
    session = tenant_session
    partner = (chart.PARTNER_WALLET, ("partner", "ib1"))
    shows = oracle.PartnerWallet()

    def day(number: int, month: int = 11) -> datetime:
        return datetime(2025, month, number, 12, tzinfo=UTC)

    async def post(key: str, lines: list[Line], moment: datetime) -> object:
        return await entries.post(session, key=key, kind="e8", lines=lines, occurred_at=moment)

    cpa = await post("cpa", bookings.commission("ib1", usd("400.00")), day(12))
    rebate = await post("rebate", bookings.commission("ib1", usd("4.50")), day(20))
    assert await amount(session, partner, "USD") == Decimal("404.50")
    payout = bookings.move(partner, (chart.BANK_OWN, chart.MAIN_BANK), usd("400.00"))
    await post("payout", payout, day(26))
    assert await amount(session, partner, "USD") == Decimal("4.50")

    for key, entry_id in (("cpa", cpa), ("rebate", rebate)):
        await entries.reverse(
            session,
            entry_id=entry_id,  # type: ignore[arg-type]
            key=f"{key}:chargeback",
            reason="The deposit was charged back",
            occurred_at=day(28),
            forced=True,
        )

    lines = await queries.statement(
        session, code=partner[0], currency="USD", owner=("partner", "ib1")
    )
    assert [(one.amount, one.occurred_at.day) for one in lines[:2]] == [
        (Decimal("-4.50"), 28),
        (Decimal("-400.00"), 28),
    ]
    assert await amount(session, partner, "USD") == Decimal("-400.00")
    assert [shows.move(text) for text in ("400.00", "4.50", "-400.00", "-400.00", "-4.50")] == [
        "400.00",
        "404.50",
        "4.50",
        "-395.50",
        "-400.00",
    ]
    await post("later", bookings.commission("ib1", usd("450.00")), day(3, 12))
    assert await amount(session, partner, "USD") == Decimal("50.00")
    assert shows.move("450.00") == "50.00"
    assert (await verify(session)).ok


async def test_e14_a_negative_balance_is_written_off_with_the_bonus_first(
    tenant_session: TenantSession,
) -> None:
    """-230.00 after the stop-out: 50.00 of the bonus, then 180.00 that the brokerage bears."""
    session = tenant_session
    account = bookings.trading_account(MT5)
    bonus = (chart.BONUS, ("account", MT5))
    paid_in = bookings.move((chart.PSP_CLEARING, ("psp", PSP)), account, usd("1000.00"))
    granted = [debit(chart.BONUS_COST, chart.HOUSE, usd("50.00")), credit(*bonus, usd("50.00"))]
    lost = bookings.trading_result(MT5, usd("-1230.00"))
    await entries.post(session, key="in", kind="deposit", lines=paid_in)
    await entries.post(session, key="bonus", kind="bonus", lines=granted)
    await entries.post(session, key="day", kind="result", lines=lost, forced=True)
    assert await amount(session, account, "USD") == Decimal("-230.00")

    lines = bookings.write_off(MT5, deficit=usd("230.00"), bonus=usd("50.00"))
    await entries.post(session, key="nbp", kind="negative_balance", lines=lines)

    assert [(one.code, one.amount) for one in lines] == [
        (chart.BONUS, Decimal("50.00")),
        (chart.NEGATIVE_BALANCE, Decimal("180.00")),
        (chart.TRADING_ACCOUNT, Decimal("-230.00")),
    ]
    assert oracle.write_off("230.00", "50.00") == (5000, 18000)
    assert await amount(session, account, "USD") == 0
    assert await amount(session, bonus, "USD") == 0
    assert await amount(session, (chart.NEGATIVE_BALANCE, chart.HOUSE), "USD") == Decimal("180.00")
    assert (await verify(session)).ok


@pytest.mark.parametrize(
    ("deficit", "bonus", "used", "borne"),
    [("230.00", "0", None, "230.00"), ("30.00", "50.00", "30.00", None)],
)
def test_a_write_off_uses_no_more_bonus_than_there_is_or_is_needed(
    deficit: str, bonus: str, used: str | None, borne: str | None
) -> None:
    """A part of nothing has no line."""
    lines = bookings.write_off(MT5, deficit=usd(deficit), bonus=usd(bonus))
    found = {one.code: one.amount for one in lines}

    assert found.get(chart.BONUS) == (Decimal(used) if used else None)
    assert found.get(chart.NEGATIVE_BALANCE) == (Decimal(borne) if borne else None)


def test_r1_money_is_never_a_float() -> None:
    """A binary fraction is refused at the door."""
    with pytest.raises(TypeError):
        Money(0.1, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "currency", "posted", "digits"),
    [
        ("4.305", "USD", "4.31", 2),
        ("-4.305", "USD", "-4.31", 2),
        ("1359.5", "JPY", "1360", 0),
        ("8.99250844", "USD", "8.99", 2),
        ("1.23450", "KWD", "1.235", 3),
        ("0.123456785", "BTC", "0.12345679", 8),
    ],
)
def test_r2_posted_money_is_rounded_half_up_to_the_minor_unit(
    text: str, currency: str, posted: str, digits: int
) -> None:
    """And accruals are rounded down: a fraction that was not earned is not paid."""
    rounded = round_half_up(Decimal(text), currency)

    assert rounded == Decimal(posted)
    assert oracle.major(oracle.half_up(Fraction(text), digits), digits) == posted
    assert abs(round_down(Decimal(text), currency)) <= abs(Decimal(text))


def test_r3_a_conversion_starts_from_what_is_not_rounded() -> None:
    """The mark-up is the unrounded middle less what was posted, not the difference of roundings."""
    rate = Rate("EUR", "USD", Decimal("1.0049"), Decimal("1.0051"), "test", QUOTED)
    made = convert(eur("1.00"), rate)

    assert made.bought == usd("1.00")
    assert made.markup == usd("0.01")
    assert oracle.conversion("1.00", "1.0049", "1.0051") == (100, 1)


@pytest.mark.parametrize(
    ("total", "shares", "parts"),
    [
        ("8.88", ["60", "25", "15"], ["5.33", "2.22", "1.33"]),
        ("0.02", ["1", "1", "1"], ["0.01", "0.01", "0.00"]),
        ("-8.88", ["60", "25", "15"], ["-5.33", "-2.22", "-1.33"]),
        ("21746.91", ["5000", "10000", "2500", "3736.410127"], None),
    ],
)
def test_r4_parts_add_up_to_the_total(
    total: str, shares: list[str], parts: list[str] | None
) -> None:
    """The largest remainders get what rounding down leaves; of equal ones the first."""
    found = split(usd(total), [Decimal(one) for one in shares])
    expected = oracle.largest_remainder(abs(oracle.minor(total)), [Fraction(one) for one in shares])

    if parts is not None:
        assert [str(one.amount) for one in found] == parts
    assert sum((one.amount for one in found), Decimal(0)) == Decimal(total)
    assert [abs(one.minor_units()) for one in found] == expected


@pytest.mark.parametrize(("total", "shares"), [("1.005", ["1"]), ("1", ["0"]), ("1", ["2", "-1"])])
def test_r4_a_split_that_means_nothing_is_refused(total: str, shares: list[str]) -> None:
    """A fraction of a cent, no shares at all, a negative one."""
    with pytest.raises(ValueError, match="shares are positive"):
        split(usd(total), [Decimal(one) for one in shares])


def test_r5_a_symmetric_mark_up_counts_half_on_each_side() -> None:
    """Worked example E1 with the points of one side: 13.00 EUR."""
    dollars = Decimal("2.35") * 100_000 * 6 * Decimal("0.00001")
    assert dollars == Decimal("14.1")
    assert Money(dollars / Decimal("1.08450"), "EUR").rounded() == eur("13.00")


async def test_r6_a_correction_is_a_reversal_with_a_link(tenant_session: TenantSession) -> None:
    """The wrong entry stays as it is, the reversal names it, and the right one follows."""
    session = tenant_session
    lines = bookings.commission("ib1", usd("3.00"))
    wrong = await entries.post(session, key="w", kind="x", lines=lines)
    reversal = await entries.reverse(session, entry_id=wrong, key="r", reason="Wrong day")

    found = await queries.entry(session, entry_id=reversal)
    assert found is not None
    assert (found.reverses_id, found.kind, found.reference) == (wrong, "reversal", "Wrong day")
    first = await queries.lines_of(session, entry_id=wrong)
    turned = await queries.lines_of(session, entry_id=reversal)
    assert [(a, b, c, -d) for a, b, c, d in turned] == first
