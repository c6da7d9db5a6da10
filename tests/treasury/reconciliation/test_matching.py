"""The matcher: each state by itself, and all of them against a small model by enumeration."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.money import Money
from tests.treasury.reconciliation.model import judge
from treasury.reconciliation import matching
from treasury.reconciliation.matching import Break
from treasury.reconciliation.records import SIDES, Record, Side, standing_of

CUT = datetime(2026, 12, 1, tzinfo=UTC)
NOON = CUT - timedelta(hours=12)


def record(
    side: Side,
    payment: str = "DEP-7F3K2M9Q",
    amount: str = "100.00",
    **also: object,
) -> Record:
    """Return a record of noon."""
    currency = str(also.pop("currency", "USD"))
    values = {"at": NOON, **also}
    return Record(side, payment, Money.of(amount, currency), **values)  # type: ignore[arg-type]


def breaks(*records: Record, sides: tuple[Side, ...] = SIDES) -> list[Break]:
    """Return the breaks of some records."""
    return matching.compare(records, cut=CUT, sides=sides).breaks


def only(*records: Record) -> Break:
    """Return the single break of some records."""
    [found] = breaks(*records)
    return found


def test_three_sides_that_agree_match() -> None:
    """The fee that both know is part of it; the trading server has none."""
    result = matching.compare(
        [
            record("ledger", fee=Decimal("2.65")),
            record("platform"),
            record("psp", fee=Decimal("2.65")),
        ],
        cut=CUT,
    )

    assert (result.matched, result.breaks) == (1, [])


def test_what_the_book_lacks_is_missing_on_the_left() -> None:
    """With the entry that books it."""
    found = only(record("platform"), record("psp"))

    assert (found.kind, found.side, found.difference) == (
        "missing-left",
        "ledger",
        Money.of("100.00", "USD"),
    )
    assert str(found.correction) == (
        "Book the payment: Dr asset.psp_clearing 100.00 USD, Cr liability.client_wallet 100.00 USD"
    )


@pytest.mark.parametrize(("side", "other"), [("platform", "psp"), ("psp", "platform")])
def test_what_a_side_lacks_is_missing_on_the_right(side: Side, other: Side) -> None:
    """And the side is named."""
    found = only(record("ledger"), record(other))

    assert (found.kind, found.side) == ("missing-right", side)


def test_a_payment_that_failed_at_the_provider_is_missing_there_at_once() -> None:
    """A definite no is no transit, however late in the day."""
    late = CUT - timedelta(minutes=1)
    found = only(
        record("ledger", at=late),
        record("platform", at=late),
        record("psp", at=late, standing="nothing"),
    )

    assert (found.kind, found.side) == ("missing-right", "psp")


def test_a_late_payment_is_in_transit_until_its_window_is_over() -> None:
    """One hour at the trading server, four at a provider; then it is missing."""
    late = CUT - timedelta(hours=2)
    found = breaks(record("ledger", at=late))

    assert [(one.kind, one.side, one.open) for one in found] == [
        ("missing-right", "platform", True),
        ("in-transit", "psp", False),
    ]


def test_what_a_provider_shows_as_pending_is_in_transit_for_three_days() -> None:
    """Then it is missing."""
    for days, kind in ((2, "in-transit"), (4, "missing-right")):
        at = CUT - timedelta(days=days)
        found = only(
            record("ledger", at=at),
            record("platform", at=at),
            record("psp", at=at, standing="under_way"),
        )
        assert (found.kind, found.side) == (kind, "psp")


def test_an_amount_that_differs_says_by_how_much() -> None:
    """And which entry books the difference."""
    found = only(record("ledger"), record("platform"), record("psp", amount="90.00"))

    assert (found.kind, found.side, found.difference.amount) == ("amount", "psp", Decimal("-10.00"))
    assert str(found.correction) == (
        "Book the difference: Dr liability.client_wallet 10.00 USD, Cr asset.psp_clearing 10.00 USD"
    )


def test_what_a_provider_lists_after_its_fee_is_the_same_amount() -> None:
    """E12: 1,000.00 less 24.25 is 975.75."""
    result = matching.compare(
        [
            record("ledger", amount="1000.00", currency="EUR", fee=Decimal("24.25")),
            record("platform", amount="1000.00", currency="EUR"),
            record("psp", amount="975.75", currency="EUR", fee=Decimal("24.25")),
        ],
        cut=CUT,
    )

    assert result.breaks == []


def test_a_trading_server_has_no_fee_to_differ_by() -> None:
    """There a smaller amount is a smaller amount."""
    found = only(
        record("ledger"), record("platform", amount="97.35", fee=Decimal("2.65")), record("psp")
    )

    assert (found.kind, found.side) == ("amount", "platform")


def test_a_fee_that_differs_is_booked_as_a_fee() -> None:
    """The client's money is not touched."""
    found = only(
        record("ledger", fee=Decimal("2.00")),
        record("platform"),
        record("psp", fee=Decimal("2.65")),
    )

    assert (found.kind, found.key) == ("amount", "fee:psp:DEP-7F3K2M9Q")
    assert str(found.correction) == (
        "Book the difference of the fee:"
        " Dr expense.psp_fee 0.65 USD, Cr asset.psp_clearing 0.65 USD"
    )


def test_another_currency_is_a_difference_of_the_amount() -> None:
    """No difference is computed over currencies."""
    found = only(record("ledger"), record("platform"), record("psp", currency="EUR"))

    assert (found.kind, found.correction.legs) == ("amount", ())


@pytest.mark.parametrize("side", SIDES)
def test_what_stands_twice_on_a_side_is_a_duplicate_there(side: Side) -> None:
    """The others match with the first of them."""
    others = [record(other) for other in SIDES]
    found = only(*others, record(side, at=NOON + timedelta(minutes=1), place="line 9"))

    assert (found.kind, found.side, found.difference.amount) == (
        "duplicate",
        side,
        Decimal("100.00"),
    )
    assert "line 9" in found.detail


def test_a_payment_in_parts_is_no_duplicate() -> None:
    """A return to two sources adds up to one withdrawal."""
    result = matching.compare(
        [
            record("ledger", "WDR-7F3K2M9Q", "-900.00"),
            record("platform", "WDR-7F3K2M9Q", "-900.00"),
            record("psp", "WDR-7F3K2M9Q", "-300.00", place="line 2"),
            record("psp", "WDR-7F3K2M9Q", "-600.00", place="line 3"),
        ],
        cut=CUT,
    )

    assert (result.matched, result.breaks) == (1, [])


def test_a_split_payout_that_both_sides_have_in_parts_matches() -> None:
    """Two providers, two entries, one withdrawal."""
    parts = [
        record(side, "WDR-7F3K2M9Q", amount, place=amount)
        for side in ("ledger", "psp")
        for amount in ("-300.00", "-400.00")
    ]
    result = matching.compare(parts, cut=CUT, sides=("ledger", "psp"))

    assert (result.matched, result.breaks) == (1, [])


def test_a_chargeback_that_the_book_does_not_know_is_one() -> None:
    """Whether the provider's list adds a row or changes its last word."""
    known = [record("ledger"), record("platform")]
    for rows in (
        [record("psp", standing="taken_back")],
        [record("psp"), record("psp", amount="-100.00", standing="taken_back", place="line 9")],
    ):
        found = only(*known, *rows)
        assert (found.kind, found.side) == ("chargeback", "psp")
        assert str(found.correction) == (
            "Book the chargeback:"
            " Dr liability.client_wallet 100.00 USD, Cr asset.psp_clearing 100.00 USD"
        )


def test_a_chargeback_that_both_know_matches() -> None:
    """Nothing is left to do."""
    sides = [record(side) for side in SIDES]
    back = [record(side, amount="-100.00", standing="taken_back") for side in ("ledger", "psp")]

    assert breaks(*sides, *back) == []


def test_money_that_names_no_payment_is_unallocated() -> None:
    """Without a reference, and with one that is none of ours; a reference of ours is missing."""
    known = [record(side) for side in SIDES]
    found = breaks(
        *known,
        record("psp", "", place="line 7"),
        record("psp", "INV 2026/11", place="line 8"),
        record("psp", "DEP-AAAA2222"),
    )

    assert [(one.kind, one.id, one.place) for one in found] == [
        ("missing-left", "DEP-AAAA2222", ""),
        ("unallocated", "", "line 7"),
        ("unallocated", "INV 2026/11", "line 8"),
    ]


def test_a_transfer_is_not_expected_at_a_provider() -> None:
    """It never leaves the house."""
    assert breaks(record("ledger", "TRF-7F3K2M9Q"), record("platform", "TRF-7F3K2M9Q")) == []


def test_what_is_all_after_the_cut_waits_for_the_next_day() -> None:
    """But a counterpart of the next day settles what was left over."""
    after = CUT + timedelta(hours=3)

    assert breaks(record("psp", at=after)) == []
    assert breaks(record("ledger"), record("platform"), record("psp", at=after)) == []


def test_a_break_keeps_its_name_when_transit_becomes_missing() -> None:
    """So that it is opened once."""
    rows = [record("ledger", at=CUT - timedelta(hours=3)), record("platform", at=CUT)]
    early, late = (
        matching.compare(rows, cut=cut).breaks[0] for cut in (CUT, CUT + timedelta(hours=9))
    )

    assert (early.kind, late.kind) == ("in-transit", "missing-right")
    assert early.key == late.key


@pytest.mark.parametrize(
    ("word", "standing"),
    [
        ("Settled", "done"),
        ("", "done"),
        ("PROCESSED", "done"),
        ("processing", "under_way"),
        ("in transit", "under_way"),
        ("Charge-back", "taken_back"),
        ("charged back", "taken_back"),
        ("refunded", "taken_back"),
        ("declined", "nothing"),
        ("not captured", "nothing"),
        ("unpaid", "nothing"),
        ("banana", None),
    ],
)
def test_status_words_are_read_by_their_beginning(word: str, standing: str | None) -> None:
    """Those that say nothing are told apart from those that say no."""
    assert standing_of(word) == standing


_RECORDS = st.lists(
    st.builds(
        Record,
        side=st.sampled_from(SIDES),
        id=st.sampled_from(["DEP-AAAA1111", "DEP-BBBB2222", "DEP-CCCC3333", ""]),
        amount=st.sampled_from([Money.of(one, "USD") for one in ("10.00", "7.00", "3.00", "9.50")]),
        at=st.sampled_from([CUT + timedelta(hours=hours) for hours in (-100, -30, -3, -1, 1)]),
        standing=st.sampled_from(["done", "done", "done", "under_way", "nothing", "taken_back"]),
        fee=st.sampled_from([None, Decimal("0.50"), Decimal("0.00")]),
    ).filter(lambda one: bool(one.id) or one.side != "ledger"),
    max_size=9,
)


@settings(max_examples=1500, deadline=None)
@given(_RECORDS, st.randoms(use_true_random=False))
def test_the_matcher_says_what_the_model_says(
    records: list[Record], shuffle: random.Random
) -> None:
    """For any records, in any order, and always in the same order of breaks."""
    numbered = [
        Record(one.side, one.id, one.amount, one.at, one.standing, one.fee, f"{at:02d}")
        for at, one in enumerate(records)
    ]
    result = matching.compare(numbered, cut=CUT)
    mixed = list(numbered)
    shuffle.shuffle(mixed)

    said = sorted((one.kind, one.side, one.id) for one in result.breaks)
    assert (result.matched, said) == judge(numbered, cut=CUT)
    assert matching.compare(mixed, cut=CUT) == result
    for one in result.breaks:
        assert sum((leg.amount.amount for leg in one.correction.legs), Decimal(0)) == 0
    keys = [one.key for one in result.breaks]
    assert len(set(keys)) == len(keys)
