"""Pure rules of writes on a trading server: what an answer or a search means for an operation.

The server's write has no idempotency key, so a write with an unknown outcome may only be sent
again after two searches, a quiet window apart, have shown that it was not applied (MON6). All
durations are seconds; all moments are seconds on one clock, the database's.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

SKEW_SECONDS = 900.0
# Of a server that does not answer; money is not kept waiting as long once it answers again.
BACKOFF_MAX = 60.0
MONEY_BACKOFF_MAX = 8.0
COMMENT_LENGTH = 31
PASSWORD_LENGTH = 12
_SPECIAL = "!#%*+-?@"
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SPECIAL)

State = Literal["ready", "sending", "unknown", "done", "frozen", "failed"]


@dataclass(frozen=True, slots=True)
class Windows:
    """The durations of one kind of server.

    `quiet` is at least `call`, the hard limit of one call, plus the longest time a gateway may
    hold a request. `slack` is how long a claimed operation may wait before its call begins: a
    holder that slept longer gives the claim back unsent.
    """

    quiet: float
    call: float
    slack: float

    @property
    def lease(self) -> float:
        """How long a claim lives: the slack, the call and the reading that verifies it."""
        return self.slack + 2 * self.call

    @property
    def settled(self) -> float:
        """How long after the claim a request can't be applied any more."""
        return self.slack + self.quiet


def windows(quiet_seconds: float) -> Windows:
    """Return the durations that follow from a quiet window: 90 gives 20 for a call."""
    return Windows(
        quiet=quiet_seconds,
        call=max(1.0, quiet_seconds * 2 / 9),
        slack=max(1.0, quiet_seconds / 9),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: applied (with what is found there), refused, not sent, or unknown."""

    kind: Literal["applied", "refused", "not_sent", "unknown"]
    ticket: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the server must show: signed amount in the account's currency and deal action."""

    login: int
    amount: Decimal
    action: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a search saw under the token."""

    ticket: int
    login: int
    amount: Decimal
    action: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the search for an unknown operation stands."""

    attempted_at: float
    searches: int
    missed_at: float | None


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state of an operation, and after how many seconds to look at it again."""

    state: State
    wait: float = 0.0
    ticket: int | None = None
    reason: str = ""
    searches: int = 0
    missed_at: float | None = None


def backoff(attempt: int, *, most: float = BACKOFF_MAX) -> float:
    """Return the pause before attempt + 1: 1, 2, 4 ... up to a minute, or up to `most`."""
    return min(most, 2.0 ** min(max(attempt - 1, 0), 10))


def expected(kind: str, login: int, amount: Decimal) -> Expected:
    """Return what the server books for a positive amount of money or credit, in or out."""
    sign = -1 if kind in ("withdrawal", "credit_out") else 1
    action = 3 if kind in ("credit", "credit_out") else 2
    return Expected(login=login, amount=sign * amount, action=action)


def comment(token: str, reference: str) -> str:
    """Return the comment of a booking: the token first, because servers cut after 31 letters."""
    return f"{token} {reference}"[:COMMENT_LENGTH].rstrip()


def after_call(outcome: Outcome, attempt: int, limits: Windows) -> Transition:
    """Say what a call's end means; only a definite answer or a request never sent is final."""
    if outcome.kind == "applied":
        return Transition("done", ticket=outcome.ticket)
    if outcome.kind == "refused":
        return Transition("failed", reason=outcome.reason)
    if outcome.kind == "not_sent":
        wait = backoff(attempt, most=MONEY_BACKOFF_MAX)
        return Transition("ready", wait=wait, reason=outcome.reason)
    return Transition("unknown", wait=early_pause(limits), reason=outcome.reason)


def judge(found: Sequence[Found], wanted: Expected) -> Transition | None:
    """Judge what stands under the token: done, frozen, or None when nothing is there."""
    if not found:
        return None
    if len(found) > 1:
        tickets = ", ".join(str(one.ticket) for one in found[:4])
        return Transition("frozen", reason=f"booked {len(found)} times: tickets {tickets}")
    one = found[0]
    same = (one.login, one.amount, one.action) == (wanted.login, wanted.amount, wanted.action)
    if same:
        return Transition("done", ticket=one.ticket)
    return Transition("frozen", reason=f"ticket {one.ticket} differs from what was asked")


def after_miss(progress: Progress, searched_at: float, limits: Windows) -> Transition:
    """Say what an empty search means, by the moment at which the search began.

    Before the request is certain to be dead it means nothing; then one miss is remembered, and
    a second one, a quiet window later, makes the operation ready again with the same token.
    """
    dead_at = progress.attempted_at + limits.settled
    if searched_at < dead_at:
        pause = min(early_pause(limits), dead_at - searched_at)
        return Transition("unknown", wait=pause)
    if progress.missed_at is None:
        return Transition("unknown", wait=limits.quiet, searches=1, missed_at=searched_at)
    again_at = progress.missed_at + limits.quiet
    if searched_at < again_at:
        return Transition(
            "unknown",
            wait=again_at - searched_at,
            searches=progress.searches,
            missed_at=progress.missed_at,
        )
    return Transition("ready", reason="not on the server: sent again under the same token")


def early_pause(limits: Windows) -> float:
    """Return the pause between searches that can only find, never conclude."""
    return max(0.5, limits.quiet / 18)


def password() -> str:
    """Return a random password that MT5 accepts: 12 characters, all four classes."""
    letters = [secrets.choice(group) for group in _CLASSES]
    every = "".join(_CLASSES)
    letters += [secrets.choice(every) for _ in range(PASSWORD_LENGTH - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def mask_of(group_name: str) -> str:
    """Return the mask of the folder a group stands in: its path, and a star for its name."""
    folder, backslash, _ = group_name.rpartition("\\")
    return f"{folder}{backslash}*"


def covers(path: str, *, symbol: str, symbol_path: str) -> int:
    """Return how closely a group's path fits a symbol: 0 for not at all, more for closer.

    A path is the symbol's name, its full path, or the beginning of one with a star.
    """
    wanted = path.lower()
    names = (symbol.lower(), symbol_path.lower())
    if wanted in names:
        return 10_000
    beginning, star, rest = wanted.partition("*")
    if star and not rest and any(name.startswith(beginning) for name in names):
        return 1 + len(beginning)
    return 0


def spread_points(
    entries: Sequence[tuple[str, int | None]], *, symbol: str, symbol_path: str
) -> int:
    """Return the extra spread in points that the closest of a group's entries gives a symbol."""
    best, points = 0, 0
    for path, spread in entries:
        close = covers(path, symbol=symbol, symbol_path=symbol_path)
        if close > best and spread is not None:
            best, points = close, spread
    return points
