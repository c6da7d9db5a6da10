"""Simulated trading servers and the lines to them: requests are lost, held, applied late, answers
do not come, searches fail, and the server's clock is wrong.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NoReturn, Protocol

from connectors.trading.port import (
    CashDeal,
    CashKind,
    RateLimited,
    Refused,
    ServerTime,
    Unknown,
    Unreachable,
)
from tests.trading.simulation.clock import VirtualLoop

COMMENT_LENGTH = 31
GATEWAY_SECONDS_MAX = 60.0
SKEW_SECONDS_MAX = 120.0
_SLOWEST = 36.0


@dataclass
class Server:
    """One trading server, which knows no idempotency key."""

    loop: VirtualLoop
    dice: random.Random
    balances: dict[int, Decimal]
    deals: list[CashDeal] = field(default_factory=list)
    clock_error: timedelta = timedelta()

    def __post_init__(self) -> None:
        """Draw how wrong the clock is."""
        self.clock_error = timedelta(seconds=self.dice.uniform(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX))

    def time(self) -> ServerTime:
        """Return the moment as the server's own clock shows it."""
        moment = self.loop.moment() + self.clock_error
        return ServerTime(int(moment.timestamp()), 0, moment)

    def book(self, login: int, kind: CashKind, amount: Decimal, comment: str) -> int:
        """Book money once more; raise Refused where a withdrawal finds too little."""
        signed = -amount if kind == "withdrawal" else amount
        if self.balances[login] + signed < 0:
            raise Refused(10019, "No money")
        self.balances[login] += signed
        ticket = 1000 + len(self.deals)
        kept = comment[:COMMENT_LENGTH]
        self.deals.append(CashDeal(ticket, login, 2, signed, kept, self.time()))
        return ticket

    def booked(self, login: int, signed: Decimal) -> int:
        """Count the bookings of an amount, by the server's own records."""
        return sum((deal.login, deal.amount) == (login, signed) for deal in self.deals)


class Holder(Protocol):
    """The process that a line belongs to."""

    async def step(self) -> None:
        """Take a little time, or die."""


class Line:
    """The one serial connection of a process to a server, which fails in every known way."""

    def __init__(self, server: Server, holder: Holder, *, true_clock: bool = True) -> None:
        """Without the true clock nobody notices that the server's is wrong."""
        self._server = server
        self._holder = holder
        self._true_clock = true_clock
        self._lock = asyncio.Lock()

    async def server_time(self) -> ServerTime:
        """Read the server's clock."""
        if self._true_clock:
            return self._server.time()
        return ServerTime(0, 0, self._server.loop.moment())

    async def cash(
        self,
        login: int,
        kind: CashKind,
        amount: Decimal,
        comment: str,
        *,
        check_margin: bool = True,
    ) -> int:
        """Send a booking and let fate decide what becomes of it and of its answer."""
        assert check_margin
        async with self._lock:
            await self._holder.step()
            server, dice = self._server, self._server.dice
            fate = dice.random()
            if fate < 0.04:
                raise Unreachable("no line")
            if fate < 0.06:
                raise RateLimited("slower")
            if fate < 0.18:
                await self._silence()

            def apply() -> int:
                return server.book(login, kind, amount, comment)

            if fate < 0.33:
                server.loop.call_later(dice.uniform(0, GATEWAY_SECONDS_MAX), _quietly, apply)
                await self._silence()
            return await self._answered(apply, lost=fate < 0.48)

    async def _answered(self, apply: Callable[[], int], *, lost: bool) -> int:
        """Apply half-way, whoever still waits, and answer unless the answer is lost."""
        loop, dice = self._server.loop, self._server.dice
        took = dice.uniform(0.01, 1.0) if dice.random() < 0.8 else dice.uniform(1, _SLOWEST)
        ended: list[int | Refused] = []

        def arrive() -> None:
            try:
                ended.append(apply())
            except Refused as refusal:
                ended.append(refusal)

        loop.call_later(took / 2, arrive)
        await asyncio.sleep(took)
        if lost:
            await self._silence()
        [answer] = ended
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def _silence(self) -> NoReturn:
        """Let the line break after a while, or keep still for ever."""
        dice = self._server.dice
        if dice.random() < 0.5:
            await asyncio.sleep(dice.uniform(0, 5))
            raise Unknown("the line broke")
        await asyncio.sleep(10**6)
        raise AssertionError

    async def find_cash(
        self, login: int, token: str, since: datetime, until: datetime
    ) -> list[CashDeal]:
        """Search for a token."""
        return await self.find_cash_batch({login: token}, since, until)

    async def find_cash_batch(
        self, tokens: Mapping[int, str], since: datetime, until: datetime
    ) -> list[CashDeal]:
        """Search for tokens, each of its own login; one search in ten fails."""
        async with self._lock:
            await self._holder.step()
            server, dice = self._server, self._server.dice
            fate = dice.random()
            if fate < 0.07:
                raise Unreachable("no answer")
            await asyncio.sleep(10**6 if fate < 0.1 else dice.uniform(0.01, 1.0))
            return [
                deal
                for deal in server.deals
                if deal.login in tokens
                and deal.comment.startswith(tokens[deal.login])
                and since <= deal.time.utc <= until
            ]

    async def close(self) -> None:
        """Leave; what the gateway holds is applied all the same."""


def _quietly(apply: Callable[[], int]) -> None:
    try:
        apply()
    except Refused:
        return
