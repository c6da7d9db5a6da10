"""The pure rules of MON6: what each answer and each search means, at the edges of the windows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading import rules
from trading.rules import Expected, Found, Outcome, Progress

LIMITS = rules.windows(90)
WANTED = Expected(login=7, amount=Decimal("100.00"), action=2)


def booked(ticket: int = 1, login: int = 7, amount: str = "100", action: int = 2) -> Found:
    """Return a booking as a search finds it."""
    return Found(ticket=ticket, login=login, amount=Decimal(amount), action=action)


def test_the_quiet_window_outlasts_a_call_and_the_gateway() -> None:
    """Ninety seconds hold a call of twenty and a gateway of sixty, counted from the last send."""
    assert LIMITS.call + 60 <= LIMITS.quiet
    assert LIMITS.settled == LIMITS.slack + LIMITS.quiet
    assert LIMITS.lease >= LIMITS.slack + LIMITS.call


@pytest.mark.parametrize(
    ("kind", "state"),
    [("applied", "done"), ("refused", "failed"), ("not_sent", "ready"), ("unknown", "unknown")],
)
def test_only_definite_ends_of_a_call_are_final(kind: str, state: str) -> None:
    """What was surely not sent may go again; what may have been applied may not."""
    outcome = Outcome(kind, ticket=1)  # type: ignore[arg-type]
    assert rules.after_call(outcome, 1, LIMITS).state == state


def test_an_equal_booking_is_done_whatever_its_number_of_zeros() -> None:
    """100 and 100.00 are the same amount."""
    verdict = rules.judge([booked(ticket=9)], WANTED)
    assert verdict is not None
    assert (verdict.state, verdict.ticket) == ("done", 9)


@pytest.mark.parametrize(
    "found",
    [
        [booked(amount="100.01")],
        [booked(amount="-100")],
        [booked(login=8)],
        [booked(action=3)],
        [booked(ticket=1), booked(ticket=2)],
    ],
)
def test_anything_else_under_the_token_is_frozen(found: list[Found]) -> None:
    """Another amount, sign, login or kind, or two bookings, are for a person."""
    verdict = rules.judge(found, WANTED)
    assert verdict is not None
    assert verdict.state == "frozen"


def test_an_empty_search_concludes_only_after_the_window_and_twice() -> None:
    """Before the window it means nothing; then one miss, then a second a window later."""
    start = Progress(attempted_at=1000.0, searches=0, missed_at=None)
    dead = 1000.0 + LIMITS.settled

    early = rules.after_miss(start, dead - 0.001, LIMITS)
    assert (early.state, early.missed_at) == ("unknown", None)
    first = rules.after_miss(start, dead, LIMITS)
    assert (first.state, first.missed_at) == ("unknown", dead)
    missed = Progress(attempted_at=1000.0, searches=1, missed_at=dead)
    soon = rules.after_miss(missed, dead + LIMITS.quiet - 0.001, LIMITS)
    assert (soon.state, soon.missed_at) == ("unknown", dead)
    assert rules.after_miss(missed, dead + LIMITS.quiet, LIMITS).state == "ready"


def test_a_withdrawal_is_expected_negative_and_a_credit_as_a_credit() -> None:
    """The server books a withdrawal with a minus, and a credit under another action."""
    assert rules.expected("withdrawal", 7, Decimal(5)) == Expected(7, Decimal(-5), 2)
    assert rules.expected("credit", 7, Decimal(5)) == Expected(7, Decimal(5), 3)
    assert rules.expected("credit_out", 7, Decimal(5)) == Expected(7, Decimal(-5), 3)


def test_backing_off_doubles_up_to_a_minute() -> None:
    """A server that is away is not asked more and more often."""
    assert [rules.backoff(n) for n in (1, 2, 3, 7, 400)] == [1, 2, 4, 60, 60]


def test_money_that_never_left_is_sent_again_within_seconds() -> None:
    """However often the line broke before, a booking follows soon after it is whole again."""
    waits = [
        rules.after_call(Outcome("not_sent"), attempt, LIMITS).wait for attempt in (1, 3, 9, 400)
    ]
    assert waits == [1, 4, 8, 8]


def test_the_mask_of_a_group_is_its_folder() -> None:
    """An account that was moved within the brokerage's folder is still found."""
    assert rules.mask_of("real\\alpha\\STD-USD") == "real\\alpha\\*"
