"""What one side says about one payment, and what its words for a status mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from kernel.money import Money

Side = Literal["ledger", "platform", "psp"]
SIDES: Final[tuple[Side, ...]] = ("ledger", "platform", "psp")
SIDE_WORDS: Final[dict[str, str]] = {
    "ledger": "the book",
    "platform": "the trading server",
    "psp": "the provider or bank",
}
Standing = Literal["done", "under_way", "nothing", "taken_back"]

# Beginnings of status words; the longest that fits counts: "processed" is done, "processing" not.
_STARTS: Final[dict[Standing, str]] = {
    "done": (
        "settl paid succe complet approv credit done book post match ok captur clear execut final"
        " confirm accept receiv debit closed deposit withdr deliver finish active valid payout appl"
        " good normal reconcil transferred processed"
    ),
    "under_way": (
        "pend process in_transit transit open wait await held hold on_hold author sent new creat"
        " submit init in_progress ready queue request under_way start unknown"
    ),
    "nothing": (
        "fail declin cancel reject expir void error refus timeout timed_out abandon block not_ un"
    ),
    "taken_back": (
        "chargeback charge_back charged_back dispute refund revers return retrieval clawback"
    ),
}
_BY_START: Final[dict[str, Standing]] = {
    start: standing for standing, starts in _STARTS.items() for start in starts.split()
}


@dataclass(frozen=True, slots=True)
class Record:
    """A payment as one side has it.

    `id` is our payment reference, empty where the side names none. Amounts are signed as the side
    states them. `fee` is what the provider kept, None where the side does not say. `place` is where
    it stands there: a line, a ticket, an entry.
    """

    side: Side
    id: str
    amount: Money
    at: datetime
    standing: Standing = "done"
    fee: Decimal | None = None
    place: str = ""


def standing_of(status: str) -> Standing | None:
    """Return what a status word means, whatever its case; None for a word that says nothing.

    No word at all means that it is done: a list of bookings often has none.
    """
    word = status.strip().lower().replace("-", "_").replace(" ", "_")
    if not word:
        return "done"
    fitting = [start for start in _BY_START if word.startswith(start)]
    return _BY_START[max(fitting, key=len)] if fitting else None
