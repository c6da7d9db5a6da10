"""What revenue shows on home pages: gross, lots, the days, the instruments."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlencode

from identity.shell.home_cards import Ask, Card, Figures, Item, Offer, Period, figure, shares
from kernel.database import TenantSession
from kernel.money import Money
from revenue import queries
from revenue.queries import Earned

_READ = "revenue.line.read"
_HOME = "/backoffice/revenue"
_KINDS = (
    ("markup", "Mark-up", "chart-1"),
    ("commission", "Commission", "chart-2"),
    ("swap", "Swap", "chart-3"),
    ("fee", "Fees", "chart-4"),
)


async def earned(session: TenantSession, ask: Ask) -> Figures:
    """Return what was earned in the days and how many lots were closed."""
    period = ask.period
    days = await queries.by_day(session, since=period.earlier, until=period.last)
    now_ = queries.total([day for day in days if day.key >= period.first])
    then = queries.total([day for day in days if day.key < period.first])
    href = _days(period)
    return {
        "gross": figure(
            "Gross revenue",
            now_.gross,
            href,
            unit=ask.currency,
            before=then.gross,
            basis=period.basis,
        ),
        "lots": figure(
            "Lots closed", now_.lots, href, unit="lots", before=then.lots, basis=period.basis
        ),
        "deals": figure("Deals", now_.deals, href, before=Decimal(then.deals), basis=period.basis),
    }


async def chart(session: TenantSession, ask: Ask) -> Card:
    """Return revenue by source and day."""
    period = ask.period
    days = await queries.by_day(session, since=period.first, until=period.last)
    ordered: list[Earned] = sorted(days, key=lambda day: day.key)
    series = [
        {
            "name": label,
            "type": "bar",
            "data": [float(getattr(day, kind)) for day in ordered],  # allow float-money: drawn
            "c": colour,
        }
        for kind, label, colour in _KINDS
    ]
    return Card(
        f"Revenue by source, {ask.currency}",
        "chart",
        chart={"x": [f"{day.key:%-d %b}" for day in ordered], "series": series} if ordered else {},
        legend=[{"label": label, "colour": colour} for _, label, colour in _KINDS],
        empty="No deal has earned anything in these days.",
        href=_days(period),
        href_label="Open days",
        empty_icon="chart-bar",
    )


async def symbols(session: TenantSession, ask: Ask) -> Card:
    """Return the instruments that earned most."""
    period = ask.period
    rows = (await queries.by_symbol(session, since=period.first, until=period.last))[:8]
    lengths = shares([row.gross for row in rows])
    return Card(
        "Revenue by instrument",
        "bars",
        [
            Item(
                str(row.key),
                f"{row.lots:,.2f} lots, {row.deals:,} deals",
                "",
                Money(row.gross, ask.currency),
                share=length,
            )
            for row, length in zip(rows, lengths, strict=True)
        ],
        empty="No deal has earned anything in these days.",
        href=_days(period),
        href_label="Open days",
        sub=f"Last {period.days} days",
        empty_icon="chart-bar",
    )


def _days(period: Period) -> str:
    days = {"since": period.first.isoformat(), "until": period.last.isoformat()}
    return f"{_HOME}?{urlencode(days)}"


OFFERS = [
    Offer("revenue.earned", _READ, earned),
    Offer("revenue.chart", _READ, chart),
    Offer("revenue.symbols", _READ, symbols),
]
