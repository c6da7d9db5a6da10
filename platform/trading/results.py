"""Hot path: what trades made or cost goes into the book, so that its accounts equal the server's.

For each account the difference is posted between what its deals say now and what of them the book
has: a replay posts nothing, a deal that was changed on the server posts what changed, and one that
was turned into a cancelled one is taken back. The result goes against the B-book's, charges
become income. Deals of demo groups are nobody's money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from kernel.database import TenantSession, driver, tagged
from kernel.ids import uuid7
from kernel.money import Money, currencies, exponent
from ledger import bookings, entries
from ledger import queries as ledger_queries
from ledger.lines import Draft

_AT_ONCE = 5_000
_EXPONENTS = msgspec.json.encode({code: exponent(code) for code in currencies()}).decode()

# Bookings of one server follow each other: each sees what the one before has booked.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' results ' || $1, 0))"

# $1 server, $2 tickets, $3 decimals by currency. Buys and sells (0, 1) count, and what the server
# charges or credits by itself (4, 7 to 12, 15 to 17); balances and credits are moved by intents.
_DIFFERENCES = """
WITH now_says AS MATERIALIZED (
    SELECT d.ticket, d.version, d.time_utc, a.id AS account_id, a.currency,
        CASE WHEN d.action IN (0, 1) THEN round(d.profit, x.decimals) ELSE 0 END AS profit,
        CASE WHEN d.action IN (0, 1) THEN round(d.storage, x.decimals)
            WHEN d.action = 12 THEN round(d.profit, x.decimals) ELSE 0 END AS swap,
        CASE WHEN d.action IN (0, 1) THEN round(d.commission, x.decimals)
            WHEN d.action BETWEEN 7 AND 11 THEN round(d.profit, x.decimals) ELSE 0
            END AS commission,
        CASE WHEN d.action IN (0, 1) THEN round(d.fee, x.decimals)
            WHEN d.action IN (4, 15, 16, 17) THEN round(d.profit, x.decimals) ELSE 0 END AS fee
    FROM deal d
    JOIN trading_account a ON a.server_id = d.server_id AND a.login = d.login
    CROSS JOIN LATERAL (
        SELECT coalesce(($3::jsonb ->> a.currency)::int, d.digits_currency) AS decimals) x
    WHERE d.server_id = $1 AND d.ticket = ANY($2::text[]::int8[])
        AND split_part(lower(a.group_name), '\\', 1) <> 'demo'
), changed AS MATERIALIZED (
    SELECT n.*, b.ticket IS NOT NULL AS restated,
        coalesce(b.profit, 0) AS old_profit, coalesce(b.swap, 0) AS old_swap,
        coalesce(b.commission, 0) AS old_commission, coalesce(b.fee, 0) AS old_fee
    FROM now_says n
    LEFT JOIN booked_result b ON b.server_id = $1 AND b.ticket = n.ticket
    WHERE (n.profit, n.swap, n.commission, n.fee) IS DISTINCT FROM
        (coalesce(b.profit, 0), coalesce(b.swap, 0), coalesce(b.commission, 0), coalesce(b.fee, 0))
), kept AS (
    INSERT INTO booked_result AS kept
        (server_id, ticket, version, account_id, profit, swap, commission, fee)
    SELECT $1, ticket, version, account_id, profit, swap, commission, fee FROM changed
    ON CONFLICT (server_id, ticket) DO UPDATE SET version = excluded.version,
        profit = excluded.profit, swap = excluded.swap, commission = excluded.commission,
        fee = excluded.fee
)
SELECT account_id, currency, sum(profit - old_profit) AS profit, sum(swap - old_swap) AS swap,
    sum(commission - old_commission) AS commission, sum(fee - old_fee) AS fee,
    count(*) AS deals, max(ticket) AS last, bool_or(restated) AS restated,
    least(max(time_utc), now()) AS last_at
FROM changed GROUP BY account_id, currency ORDER BY account_id
"""
_OF_LOGIN = "SELECT ticket FROM deal WHERE server_id = $1 AND login = $2 ORDER BY ticket"
_ALL = """
SELECT d.ticket FROM deal d
LEFT JOIN booked_result b ON b.server_id = d.server_id AND b.ticket = d.ticket
WHERE d.server_id = $1 AND b.version IS DISTINCT FROM d.version
    AND d.action IN (0, 1, 4, 7, 8, 9, 10, 11, 12, 15, 16, 17)
ORDER BY d.ticket
"""


async def book(
    session: TenantSession, *, server_id: UUID, tickets: Sequence[int] | None = None
) -> int:
    """Post what these deals have changed on their accounts, or all deals; return the entries.

    Deals of accounts that are not known yet wait for `book_login`.
    """
    raw = await driver(session)
    await raw.execute(tagged(session, _LOCK), str(server_id))
    if tickets is None:
        tickets = [row["ticket"] for row in await raw.fetch(tagged(session, _ALL), server_id)]
    posted, closed = 0, await ledger_queries.closed_before(session)
    for start in range(0, len(tickets), _AT_ONCE):
        part = [str(ticket) for ticket in tickets[start : start + _AT_ONCE]]
        rows = await raw.fetch(tagged(session, _DIFFERENCES), server_id, part, _EXPONENTS)
        drafts = [draft for row in rows if (draft := _draft(row, closed)) is not None]
        if drafts:
            await entries.post_batch(session, drafts=drafts)
            posted += len(drafts)
    return posted


async def book_login(session: TenantSession, *, server_id: UUID, login: int) -> int:
    """Post the results of deals that came before their account was known."""
    raw = await driver(session)
    found = await raw.fetch(tagged(session, _OF_LOGIN), server_id, login)
    if not found:
        return 0
    return await book(session, server_id=server_id, tickets=[row["ticket"] for row in found])


def _draft(row: Mapping[str, Any], closed: datetime | None) -> Draft | None:
    """Return the entry of one account; None where the changes of its deals are even.

    It counts from the last of its deals. What restates a deal, or falls into a closed period,
    counts from now, as every correction does.
    """

    def part(name: str) -> Money:
        return Money(row[name], row["currency"])

    lines = bookings.trading_result(
        str(row["account_id"]),
        part("profit"),
        swap=part("swap"),
        commission=part("commission"),
        fee=part("fee"),
    )
    if len(lines) < 2:
        return None
    late = row["restated"] or (closed is not None and row["last_at"] < closed)
    return Draft(
        # What is booked stands in `booked_result`, written beside this: the key only names it.
        key=f"trading-result:{row['account_id']}:{uuid7()}",
        kind="trading_result",
        lines=lines,
        occurred_at=None if late else row["last_at"],
        reference=f"{row['deals']} deals up to {row['last']}"
        if row["deals"] != 1
        else f"deal {row['last']}",
        forced=True,
    )
