"""Planned actions: a delayed payment settles or fails, a session expires; kept in the store."""

import asyncio
import time
from collections.abc import Callable

from connectors.payments.simulator import payouts, sessions
from connectors.payments.simulator.instruments import BY_IBAN
from connectors.payments.simulator.store import Store

SLEEP_SECONDS_MAX = 3600.0
DESK = "desk:"
BY_OUTCOME = {instrument.outcome: instrument for instrument in BY_IBAN.values()}


class Clock:
    """Runs planned actions when they are due, also those due while the process was down."""

    def __init__(self, store: Store, later: Callable[[str, str, str], None]) -> None:
        """Watch a store; `later` does a verb of the other protocols: account, verb, payment."""
        self.store = store
        self.later = later
        self.timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Set the alarm for the next planned action."""
        if self.timer is not None:
            self.timer.cancel()
        moment = self.store.next_timer_at()
        if moment is None:
            return
        delay = min(max(0.0, moment - time.time()), SLEEP_SECONDS_MAX)
        self.timer = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        with self.store.transaction():
            while (due := self.store.take_due_timer()) is not None:
                self._act(*due)

    def _act(self, account: str, action: str, object_id: str) -> None:
        if action.startswith(DESK):
            self.later(account, action.removeprefix(DESK), object_id)
            return
        thing = self.store.get(account, object_id)
        if thing is None:
            return
        if action == "expires":
            if thing["status"] == "open":
                sessions.expire(self.store, account, thing)
            return
        if action == payouts.PAID:
            payouts.arrive(self.store, account, thing)
            return
        instrument = next(item for name, item in BY_OUTCOME.items() if name == action)
        sessions.settle(self.store, account, intent=thing, instrument=instrument)
