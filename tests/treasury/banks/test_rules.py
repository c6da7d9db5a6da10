"""What a line is for, as pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import uuid7
from kernel.money import Money
from treasury.banks import rules
from treasury.banks.rules import Candidate

EUR = Money.of("100.00", "EUR")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Mara Lindqvist", "LINDQVIST MARA"),
        ("Mara Lindqvist", "Lindqvist, Dr. Mara"),
        ("Mara Lindqvist", "MARA SOFIA LINDQVIST"),
        ("Anna Schmidt", "Anna Schmidt und Peter Schmidt"),
        ("Jürgen Müller", "JUERGEN MUELLER"),
        ("Jürgen Müller", "Jurgen Muller"),
        ("François Lefèvre", "FRANCOIS LEFEVRE"),
        ("Jon Smith", "John Smith"),
    ],
)
def test_the_same_person_is_known_however_a_bank_writes_the_name(first: str, second: str) -> None:
    """Order, titles, accents, second names, joint accounts and a slip of the pen."""
    assert rules.likeness(first, second) >= rules.LIKENESS
    assert rules.likeness(second, first) >= rules.LIKENESS


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Mara Lindqvist", "Peter Schmidt"),
        ("Mara Lindqvist", "Mara Holm"),
        ("Anna Schmidt", "Schmidt"),
        ("Mara Lindqvist", ""),
        ("Mara Lindqvist", "12345"),
        ("Mara Lindqvist", "Lindqvist Trading Ltd"),
    ],
)
def test_somebody_else_is_somebody_else(first: str, second: str) -> None:
    """Also of the same family."""
    assert rules.likeness(first, second) < rules.LIKENESS


@pytest.mark.parametrize(
    "text",
    [
        "DEP-7F3K2M9Q",
        "deposit dep 7f3k 2m9q thanks",
        "/ROC/DEP7F3K2M9Q",
        "DEP-7F3K2M9Q.",
    ],
)
def test_a_reference_is_found_however_it_is_typed(text: str) -> None:
    """Spaces, hyphens and small letters do not matter."""
    one = Candidate(uuid7(), "DEP-7F3K2M9Q", EUR, "Mara Lindqvist")
    assert rules.judge(EUR, text, "", [one]).action == "settle"


def test_letters_that_are_not_in_the_alphabet_are_read_as_digits() -> None:
    """O is zero; I and L are one: people type what they see."""
    one = Candidate(uuid7(), "DEP-0F3K1M9Q", EUR, "Mara Lindqvist")
    assert rules.judge(EUR, "DEP-OF3KLM9Q", "", [one]).deposit_id == one.deposit_id
    assert rules.named("RET", "return RET-OAAA1L11") == "RET-0AAA1111"
    assert rules.named("RET", "RETURN of goods") == ""


def test_two_references_in_one_line_are_for_a_person() -> None:
    """Which part is for which deposit, a rule can't know."""
    two = [Candidate(uuid7(), f"DEP-{letter * 8}", EUR, "Mara Lindqvist") for letter in "AB"]
    judged = rules.judge(EUR, "DEP-AAAAAAAA and DEP-BBBBBBBB", "Mara Lindqvist", two)
    assert (judged.action, judged.deposit_id) == ("nothing", None)


_NAMES = st.sampled_from(["Mara Lindqvist", "Peter Schmidt", "Ann Lee", ""])
_AMOUNTS = st.sampled_from([Money.of(one, "EUR") for one in ("100.00", "99.00", "250.00")])
_WAITING = st.lists(
    st.tuples(st.sampled_from(["DEP-AAAAAAAA", "DEP-BBBBBBBB", "DEP-CCCCCCCC"]), _AMOUNTS, _NAMES),
    max_size=3,
    unique_by=lambda one: one[0],
)


@given(
    _AMOUNTS, _NAMES, st.lists(st.sampled_from(["DEP-AAAAAAAA", "DEP-BBBBBBBB", "rent"])), _WAITING
)
def test_nothing_is_settled_but_the_one_deposit_that_is_named_paid_exactly_by_its_client(
    amount: Money, name: str, words: list[str], waiting: list[tuple[str, Money, str]]
) -> None:
    """Whatever a line says."""
    candidates = [Candidate(uuid7(), *one) for one in waiting]
    judged = rules.judge(amount, " ".join(words), name, candidates)

    named = [one for one in candidates if one.reference in words]
    exact = len(named) == 1 and named[0].amount == amount and name in ("", named[0].name)
    assert (judged.action == "settle") == exact
    if exact:
        assert judged.deposit_id == named[0].deposit_id
    assert 0 <= judged.score <= 100


@pytest.mark.parametrize(
    ("number", "stated", "fits"),
    [
        ("DE89370400440532013000", "DE89370400440532013000", True),
        ("0532013000", "37040044/0532013000", True),
        ("DE89370400440532013000", "DE89370400440532013000EUR", True),
        ("0532013000", "10532013000", False),
        ("DE89370400440532013000", "", False),
    ],
)
def test_an_account_is_known_with_its_bank_code_or_currency(
    number: str, stated: str, *, fits: bool
) -> None:
    """Banks write field 25 in several ways."""
    assert rules.fits(number, stated, "EUR") is fits
