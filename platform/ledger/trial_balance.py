"""Hot path: the trial balance, one statement over all lines of a period and before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kernel.database import ReadSession, TenantSession, driver, tagged

_ROWS = """
SELECT a.code, p.currency,
  coalesce(sum(p.amount) FILTER (WHERE e.occurred_at < $1), 0) AS opening,
  coalesce(sum(p.amount) FILTER (WHERE e.occurred_at >= $1 AND p.amount > 0), 0) AS debits,
  coalesce(-sum(p.amount) FILTER (WHERE e.occurred_at >= $1 AND p.amount < 0), 0) AS credits,
  sum(p.amount) AS closing
FROM entry_line p
JOIN entry e ON e.id = p.entry_id
JOIN ledger_account a ON a.id = p.account_id
WHERE e.occurred_at < $2
GROUP BY a.code, p.currency
ORDER BY p.currency, a.code
"""
_ALWAYS = "SELECT '-infinity'::timestamptz"


@dataclass(frozen=True, slots=True)
class Row:
    """One code in one currency: balances are signed, debit positive; turnovers are positive.

    In a total the code is empty.
    """

    code: str
    currency: str
    opening: Decimal
    debits: Decimal
    credits: Decimal
    closing: Decimal


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All codes that moved before the end, and a total for each currency."""

    since: datetime | None
    until: datetime
    rows: tuple[Row, ...]
    totals: tuple[Row, ...]

    @property
    def balanced(self) -> bool:
        """Whether each currency opens and closes at zero and debits equal credits."""
        return all(
            total.opening == 0 and total.closing == 0 and total.debits == total.credits
            for total in self.totals
        )


async def at(
    session: TenantSession | ReadSession, *, until: datetime, since: datetime | None = None
) -> TrialBalance:
    """Return the trial balance as it is before `until`, with the turnover from `since` on.

    Entries count from their effective moment (`occurred_at`), not from when they were written.
    Without `since` the turnover is that of the whole book, and all openings are zero.
    """
    raw = await driver(session)
    start = since if since is not None else await raw.fetchval(_ALWAYS)
    rows = tuple(Row(*row) for row in await raw.fetch(tagged(session, _ROWS), start, until))
    currencies = dict.fromkeys(row.currency for row in rows)
    totals = tuple(_total(currency, rows) for currency in currencies)
    return TrialBalance(since, until, rows, totals)


def _total(currency: str, rows: tuple[Row, ...]) -> Row:
    mine = [row for row in rows if row.currency == currency]
    zero = Decimal(0)
    return Row(
        "",
        currency,
        sum((row.opening for row in mine), zero),
        sum((row.debits for row in mine), zero),
        sum((row.credits for row in mine), zero),
        sum((row.closing for row in mine), zero),
    )
