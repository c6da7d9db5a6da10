"""A deterministic world for MON6: a gateway that loses, delays and applies late, and executors
that crash; time is a number, and chance comes from a seed.

The decisions are the product's own (`trading.rules`): what this world replaces is the database,
the network and the clock.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from trading import rules
from trading.rules import Expected, Found, Outcome, Progress, Transition, Windows

AMOUNT = Decimal(100)
LOGIN = 7
GATEWAY_SECONDS_MAX = 60.0
SKEW_MAX = 120.0


@dataclass
class Booking:
    """What the server booked: under which token, when by its own clock, and its ticket."""

    token: str
    at: float
    ticket: int


@dataclass
class Operation:
    """The row of an operation, as far as the protocol needs it."""

    token: str
    state: str = "ready"
    attempt: int = 0
    attempted_at: float = 0.0
    lease_until: float = 0.0
    next_at: float = 0.0
    searches: int = 0
    missed_at: float | None = None


@dataclass
class World:
    """One server with a skewed clock, its gateway, and a list of things still to happen.

    `bookings` lie under the tokens that they were made with.
    """

    seed: int
    limits: Windows
    skew_allowed: float = rules.SKEW_SECONDS
    now: float = 1000.0
    bookings: defaultdict[str, list[Booking]] = field(default_factory=lambda: defaultdict(list))
    _queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0
    _tickets: int = 0

    def __post_init__(self) -> None:
        """Draw the server's clock error."""
        self.chance = random.Random(self.seed)
        self.clock_error = self.chance.uniform(-SKEW_MAX, SKEW_MAX)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after so many seconds."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + seconds, self._count, action))

    def run(self, until: float) -> None:
        """Let everything happen that is due before a moment."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, action = heapq.heappop(self._queue)
            action()
        self.now = until

    def book(self, token: str) -> None:
        """Book the amount; the server knows no idempotency."""
        at = self.now + self.clock_error
        self.bookings[token].append(Booking(token, at, 500 + self._tickets))
        self._tickets += 1

    def search(self, token: str, since: float, until: float) -> list[Found]:
        """Return what stands under a token in a window of the server's own clock."""
        return [
            Found(ticket=one.ticket, login=LOGIN, amount=AMOUNT, action=2)
            for one in self.bookings[token]
            if since <= one.at <= until
        ]


class Executor:
    """Claims, calls, crashes and reconciles one operation after the product's rules."""

    def __init__(self, world: World, operation: Operation) -> None:
        """Take an operation and begin at once."""
        self.world = world
        self.operation = operation
        self.wanted = Expected(login=LOGIN, amount=AMOUNT, action=2)
        world.later(world.chance.uniform(0, 5), self.claim)

    def claim(self) -> None:
        """Claim it and send it, or die in between."""
        world, operation = self.world, self.operation
        if operation.state != "ready" or world.now < operation.next_at:
            return
        operation.state = "sending"
        operation.attempt += 1
        operation.attempted_at = world.now
        operation.lease_until = world.now + world.limits.lease
        operation.searches, operation.missed_at = 0, None
        attempt = operation.attempt
        world.later(world.limits.lease + 1, lambda: self.expire(attempt))
        if world.chance.random() < 0.05:
            return  # killed after the claim was committed
        # The holder may have been put to sleep; past the slack it gives the claim back.
        pause = world.chance.choice((0.0, 0.0, 0.1, world.limits.slack * 1.5))
        world.later(pause, lambda: self.call(attempt))

    def call(self, attempt: int) -> None:
        """Send the request into a gateway that may lose it, hold it, or lose its answer."""
        world, operation = self.world, self.operation
        if world.now - operation.attempted_at > world.limits.slack:
            self.record(attempt, rules.after_call(Outcome("not_sent"), attempt, world.limits))
            return
        fate = world.chance.random()
        if fate < 0.10:
            self.record(attempt, rules.after_call(Outcome("not_sent"), attempt, world.limits))
            return
        crashes = world.chance.random() < 0.15
        if fate < 0.25:
            answer = None  # the request is lost
        elif fate < 0.45:
            answer = None  # held by the gateway and applied when nobody waits any more
            world.later(
                world.chance.uniform(0, GATEWAY_SECONDS_MAX), lambda: world.book(operation.token)
            )
        else:
            took = world.chance.uniform(0.01, 2 * world.limits.call)
            world.later(took / 2, lambda: world.book(operation.token))
            lost = fate < 0.60
            answer = None if lost or took > world.limits.call else took
        if crashes:
            return
        if answer is None:
            change = rules.after_call(Outcome("unknown"), attempt, world.limits)
            world.later(world.limits.call, lambda: self.record(attempt, change))
        else:
            world.later(answer, lambda: self.verified(attempt))

    def verified(self, attempt: int) -> None:
        """Read back what the answer claims."""
        found = self._search()
        change = rules.judge(found, self.wanted) or Transition("unknown", wait=1.0)
        self.record(attempt, change)

    def expire(self, attempt: int) -> None:
        """Take a claim away from a holder that went away."""
        operation = self.operation
        if operation.state == "sending" and operation.attempt == attempt:
            operation.state = "unknown"
            operation.next_at = self.world.now
            self.world.later(0.0, self.reconcile)

    def reconcile(self) -> None:
        """Search once and decide by the product's rules."""
        world, operation = self.world, self.operation
        if operation.state != "unknown":
            return
        if world.now < operation.next_at:
            world.later(operation.next_at - world.now, self.reconcile)
            return
        progress = Progress(operation.attempted_at, operation.searches, operation.missed_at)
        if world.chance.random() < 0.2:
            change = Transition(
                "unknown", wait=3.0, searches=progress.searches, missed_at=progress.missed_at
            )
        else:
            change = rules.judge(self._search(), self.wanted) or rules.after_miss(
                progress, world.now, world.limits
            )
        self.record(operation.attempt, change)

    def record(self, attempt: int, change: Transition) -> None:
        """Write a transition down, unless a later attempt has begun or all is settled."""
        world, operation = self.world, self.operation
        if operation.attempt != attempt or operation.state not in {"sending", "unknown"}:
            return
        operation.state = change.state
        operation.searches, operation.missed_at = change.searches, change.missed_at
        operation.next_at = world.now + change.wait
        if change.state == "ready":
            world.later(change.wait, self.claim)
        elif change.state == "unknown":
            world.later(change.wait, self.reconcile)

    def _search(self) -> list[Found]:
        world, operation = self.world, self.operation
        since = operation.attempted_at - world.skew_allowed
        return world.search(operation.token, since, world.now + world.skew_allowed)


@dataclass
class Result:
    """How many operations were booked more than once, done without a booking, or never ended."""

    double: int = 0
    lost: int = 0
    unfinished: int = 0
    frozen: int = 0


def simulate(
    seed: int, *, limits: Windows, deposits: int = 8, skew_allowed: float = rules.SKEW_SECONDS
) -> Result:
    """Play one seed to its end and count what went wrong."""
    world = World(seed, limits, skew_allowed)
    operations = [Operation(token=f"x{seed}n{number}e") for number in range(deposits)]
    for operation in operations:
        Executor(world, operation)
    world.run(until=world.now + 20_000)
    result = Result()
    for operation in operations:
        booked = len(world.bookings[operation.token])
        result.double += booked > 1
        result.lost += operation.state == "done" and booked == 0
        result.unfinished += operation.state not in {"done", "frozen"}
        result.frozen += operation.state == "frozen"
    return result
