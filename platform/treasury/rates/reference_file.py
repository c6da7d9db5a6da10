"""The ECB's file of reference rates, as XML and as CSV: units of each currency for one euro.

Formats: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates
(eurofxref-daily.xml, eurofxref-hist.xml, eurofxref.csv, eurofxref-hist.csv). Rates are published
at about 16:00 Central European time of their day.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from xml.parsers import expat
from zoneinfo import ZoneInfo

from kernel.errors import ProductError
from kernel.money import currencies
from treasury.rates.rules import PIVOT

SOURCE = "ECB"
BYTES_MAX = 12 * 1024 * 1024
_PUBLISHED = time(16, 0, tzinfo=ZoneInfo("Europe/Berlin"))
_RATE_MAX = Decimal(10) ** 12


class UnreadableRates(ProductError):
    """The file is not one of the ECB's reference rates, or is damaged."""

    code = "unreadable_rates"
    status = 422
    message = "This is no file of ECB reference rates. Choose eurofxref as XML or CSV."


@dataclass(frozen=True, slots=True)
class Reference:
    """One rate of a file: units of a currency for one euro, and when it was published."""

    currency: str
    mid: Decimal
    quoted_at: datetime

    @property
    def pair(self) -> tuple[str, str]:
        """The pair it is of."""
        return PIVOT, self.currency


def read(content: bytes) -> list[Reference]:
    """Read a file, XML or CSV; currencies that the product does not know are left out.

    Raises UnreadableRates, naming what is wrong, and for a file without a single known rate.
    """
    if len(content) > BYTES_MAX:
        raise UnreadableRates("The file is larger than 12 MB.")
    found = _xml(content) if content.lstrip()[:1] == b"<" else _csv(content)
    known = set(currencies()) - {PIVOT}
    rates = [one for one in found if one.currency in known]
    if not rates:
        raise UnreadableRates
    return rates


def _xml(content: bytes) -> list[Reference]:
    found: list[Reference] = []
    day: list[date] = []

    def element(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "Cube":
            return
        if "time" in attributes:
            day.append(_day(attributes["time"]))
        if "currency" in attributes:
            if not day:
                raise UnreadableRates("A rate of the file stands before its day.")
            found.append(_one(attributes["currency"], attributes.get("rate", ""), day[-1]))

    def entity(*_: object) -> None:
        raise UnreadableRates("The file declares entities, which a rates file never does.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise UnreadableRates from None
    return found


def _csv(content: bytes) -> list[Reference]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableRates from None
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    rows = [row for row in rows if any(row)]
    if len(rows) < 2 or rows[0][0] != "Date":
        raise UnreadableRates
    names = rows[0][1:]
    return [
        _one(name, cell, _day(row[0]))
        for row in rows[1:]
        for name, cell in zip(names, row[1:], strict=False)
        if name and cell not in ("", "N/A")
    ]


def _one(currency: str, text: str, day: date) -> Reference:
    try:
        mid = Decimal(text)
    except InvalidOperation:
        raise UnreadableRates(f"The rate of {currency[:8]} on {day} is no number.") from None
    if not mid.is_finite() or not 0 < mid < _RATE_MAX:
        raise UnreadableRates(f"The rate of {currency[:8]} on {day} can't be right.")
    return Reference(currency, mid, datetime.combine(day, _PUBLISHED).astimezone(UTC))


def _day(text: str) -> date:
    """Read a day as the historical files write it (2026-11-27) or the daily CSV (27 November 2026).

    Months are named here, because what `strptime` reads depends on the process's language.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        number, month, year = text.split()
        return date(int(year), _MONTHS.index(month) + 1, int(number))
    except ValueError:
        raise UnreadableRates(f"The file has a day that can't be read: {text[:20]}.") from None


_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
