"""Both sides of a comparison in the same run: shuffled rounds, medians, and an honest verdict.

A ratio is ours to the reference in seconds, at most its goal; where the goal is `at least` so
many times the speed, it is the reference to ours. PASS when the median of the rounds' ratios
meets the goal, CLOSE when the goal lies inside their
interquartile range, FAIL otherwise. NOISY when the reference's slowest round is more than twice
its quickest: then the machine was busy with something else and the numbers say little.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

ROUNDS = 9
NOISE_MAX = 2.0
HEAD = ("name", "ours", "reference", "ratio", "goal", "verdict", "n", "spread")
_WIDTHS = (24, 12, 30, 8, 8, 9, 7, 22)

# One round of one side: returns seconds for each unit of work.
Side = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Result:
    """One comparison: seconds for each unit by round, in pairs."""

    name: str
    reference: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    goal: float
    units: int
    at_least: bool = False

    @property
    def ratios(self) -> list[float]:
        """Ours divided by the reference, round by round; the other way for `at_least`."""
        pairs = list(zip(self.ours, self.theirs, strict=True))
        if self.at_least:
            return [theirs / ours for ours, theirs in pairs]
        return [ours / theirs for ours, theirs in pairs]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios)

    @property
    def verdict(self) -> str:
        """PASS, CLOSE, FAIL or NOISY."""
        if max(self.theirs) > NOISE_MAX * min(self.theirs):
            return "NOISY"
        if self.ratio >= self.goal if self.at_least else self.ratio <= self.goal:
            return "PASS"
        low, _, high = statistics.quantiles(self.ratios, n=4)
        return "CLOSE" if low <= self.goal <= high else "FAIL"

    def line(self) -> str:
        """Return the result as one line of the table, in milliseconds."""
        low, _, high = statistics.quantiles(self.ratios, n=4)
        return row(
            self.name,
            f"{statistics.median(self.ours) * 1000:.2f} ms",
            f"{statistics.median(self.theirs) * 1000:.2f} ms ({self.reference})",
            f"{self.ratio:.2f}",
            f"{'>=' if self.at_least else '<='} {self.goal:.2f}",
            self.verdict,
            f"{len(self.ours)}x{self.units}",
            f"{low:.2f}..{high:.2f} ref x{max(self.theirs) / min(self.theirs):.2f}",
        )


def row(*cells: str) -> str:
    """Return cells as one line of the table."""
    return " ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


async def compare(
    name: str,
    reference: str,
    *,
    ours: Side,
    theirs: Side,
    goal: float,
    units: int,
    at_least: bool = False,
    rounds: int = ROUNDS,
    seed: int = 1,
) -> Result:
    """Run both sides once unmeasured, then in rounds whose order is shuffled; print the line."""
    await ours()
    await theirs()
    dice = random.Random(seed)
    taken: dict[str, list[float]] = {"ours": [], "theirs": []}
    sides = {"ours": ours, "theirs": theirs}
    for _ in range(rounds):
        order = list(sides)
        dice.shuffle(order)
        for side in order:
            taken[side].append(await sides[side]())
    result = Result(
        name,
        reference,
        tuple(taken["ours"]),
        tuple(taken["theirs"]),
        goal=goal,
        units=units,
        at_least=at_least,
    )
    print(result.line(), flush=True)
    return result
