"""What `marque ledger reconcile` prints: the breaks of a day, in files or in the books."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from kernel.money import Money
from treasury.banks.imports import Imported
from treasury.reconciliation import client_money, files, matching
from treasury.reconciliation.matching import Break, Windows
from treasury.reconciliation.models import ClientMoneyDay
from treasury.reconciliation.records import SIDES, Record, Side

_HEADS = ("kind", "side", "id", "ledger", "platform", "psp", "difference", "age", "correction")


def cut_of(day: date) -> datetime:
    """Return the moment at which a day ends, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def of_files(
    book: Path, server: Path | None, psp: Path | None, *, day: date, hours: int | None = None
) -> tuple[str, bool]:
    """Compare given files as of the end of a day; return what to print and whether all is well.

    Raises UnreadableFile naming each line that is wrong.
    """
    paths: dict[Side, Path | None] = {"ledger": book, "platform": server, "psp": psp}
    given = {side: path for side, path in paths.items() if path is not None}
    records: list[Record] = []
    for side, path in given.items():
        records += files.read(path.read_bytes(), side=side, name=path.name)
    windows = windows_of(hours)
    result = matching.compare(records, cut=cut_of(day), sides=list(given), windows=windows)
    return printed(result.matched, result.breaks, cut=cut_of(day)), not result.open


def windows_of(hours: int | None) -> Windows:
    """Return the windows for counterparts that are on their way, all of so many hours if given."""
    if hours is None:
        return Windows()
    return Windows(platform=timedelta(hours=hours), psp=timedelta(hours=hours))


def money_line(one: ClientMoneyDay) -> str:
    """Return clients' money of a day in one currency on one line."""
    found = client_money.comparison(one)
    parts = (
        ("requirement", found.requirement),
        ("resource", found.resource),
        ("shortfall", found.shortfall),
        ("excess", found.excess),
    )
    said = ", ".join(f"{name} {Money(amount, one.currency)}" for name, amount in parts)
    return f"clients' money: {said}"


def import_line(name: str, made: Imported) -> str:
    """Return what a file brought on one line."""
    outcomes = ", ".join(f"{count} {state}" for state, count in sorted(made.outcomes.items()))
    return (
        f"{name}: {made.format}, {made.statements} statements, {made.lines} lines,"
        f" {made.lines_new} new{f': {outcomes}' if outcomes else ''}"
    )


def printed(matched: int, breaks: Iterable[Break], *, cut: datetime) -> str:
    """Return the table of breaks under a line that counts them."""
    found = list(breaks)
    waiting = sum(not one.open for one in found)
    summary = f"{matched} matched, {len(found) - waiting} breaks open, {waiting} in transit"
    if not found:
        return summary
    return f"{summary}\n{_drawn([_HEADS, *(_row(one, cut) for one in found)])}"


def _row(one: Break, cut: datetime) -> tuple[str, ...]:
    said = (_shown(one.amounts.get(side)) for side in SIDES)
    names = one.id or one.place
    text = f"{one.correction} ({one.detail})"
    return (one.kind, one.side, names, *said, _shown(one.difference), _age(one.at, cut), text)


def _shown(amount: Money | None) -> str:
    return "-" if amount is None else f"{amount.rounded().amount} {amount.currency}"


def _age(at: datetime, cut: datetime) -> str:
    hours = max(int((cut - at).total_seconds()) // 3600, 0)
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"


def _drawn(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
