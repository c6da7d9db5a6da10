"""MON6 in a simulated world: thousands of lost answers and late bookings, and none doubled."""

from __future__ import annotations

import pytest

from tests.trading.simulated_server import Result, simulate
from trading.rules import SKEW_SECONDS, Windows, windows

LIMITS = windows(90)


def play(seeds: int, limits: Windows, *, skew_allowed: float = SKEW_SECONDS) -> Result:
    """Play many seeds and add up what went wrong."""
    total = Result()
    for seed in range(seeds):
        one = simulate(seed, limits=limits, skew_allowed=skew_allowed)
        total.double += one.double
        total.lost += one.lost
        total.unfinished += one.unfinished
        total.frozen += one.frozen
    return total


def test_nothing_is_doubled_lost_or_left_open() -> None:
    """Three hundred seeds of eight deposits each end with every deposit booked exactly once."""
    assert play(300, LIMITS) == Result()


def test_without_a_quiet_window_deposits_double() -> None:
    """The proof can go red: without the window, the same world books deposits twice."""
    broken = Windows(quiet=0.0, call=LIMITS.call, slack=0.0)
    assert play(300, broken).double > 0


def test_a_window_shorter_than_the_gateways_delay_doubles() -> None:
    """Thirty seconds are not enough for a gateway that may hold a request for sixty."""
    short = Windows(quiet=10.0, call=LIMITS.call, slack=1.0)
    assert play(300, short).double > 0


def test_a_search_that_ignores_the_servers_clock_doubles() -> None:
    """Without an allowance for the clock's error, a booking is not seen and made again."""
    assert play(100, LIMITS, skew_allowed=0.0).double > 0


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_five_thousand_seeds_double_nothing() -> None:
    """The long proof: 40,000 deposits, and the same world without the window goes red."""
    assert play(5000, LIMITS) == Result()
    assert play(500, Windows(quiet=0.0, call=LIMITS.call, slack=0.0)).double > 0
