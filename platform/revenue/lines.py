"""Hot path: the revenue of deals is booked by a few statements, whatever the number of deals.

Per deal (one deal is one side, rule R5 of the worked examples): the mark-up is lots x contract
size x half the group's extra spread in points x point, in the instrument's profit currency;
commission, swap and fee are what the server charged, with the sign turned. Each amount is
rounded once, half up, from unrounded figures (R1 to R3). A position closed by an opposite one
pays no spread on that side. Deals of demo groups earn nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from kernel.actor import TenantRef
from kernel.database import TenantSession, driver, tagged
from kernel.events import record
from kernel.money import currencies, exponent
from revenue.events import RevenueBooked

_AT_ONCE = 1000
_RATE_DAYS = 7
_EXPONENTS = msgspec.json.encode({code: exponent(code) for code in currencies()}).decode()

# Bookings of one server follow each other, so that the latest version is one alone.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' revenue ' || $1, 0))"

# $1 server, $2 tickets, $3 base currency: the first deal of an hour tells the hour's rate.
_RATES = """
INSERT INTO exchange_rate (currency, base_currency, hour, rate, source)
SELECT DISTINCT ON (currency, hour) currency, $3::varchar, hour, rate,
    name || ' middle of deal ' || ticket
FROM (
    SELECT s.name, d.ticket, date_trunc('hour', d.time_utc) AS hour,
        CASE WHEN s.currency_profit = $3::varchar THEN s.currency_base
            ELSE s.currency_profit END AS currency,
        CASE WHEN s.currency_profit = $3::varchar THEN (d.market_bid + d.market_ask) / 2
            ELSE 2 / (d.market_bid + d.market_ask) END AS rate
    FROM deal d JOIN platform_symbol s ON s.server_id = d.server_id AND s.name = d.symbol
    WHERE d.server_id = $1 AND d.ticket = ANY($2::text[]::int8[]) AND d.action IN (0, 1)
        AND d.market_bid > 0 AND d.market_ask > 0
        AND s.path LIKE 'FX %' AND $3::varchar IN (s.currency_base, s.currency_profit)
        AND s.currency_base <> s.currency_profit
) AS seen ORDER BY currency, hour, ticket
ON CONFLICT DO NOTHING
"""

# A deal that has become another loses its earlier lines, also when it is no trade any more.
_SUPERSEDE = """
UPDATE revenue_line r SET latest = false
FROM deal d
WHERE d.server_id = $1 AND d.ticket = ANY($2::text[]::int8[])
    AND r.server_id = $1 AND r.ticket = d.ticket AND r.version < d.version AND r.latest
RETURNING r.ticket
"""

# $1 server, $2 tickets, $3 base currency, $4 decimals by currency. Points of a deal booked
# before stay what they were: the group may have changed since. Cents are hundredths.
_BOOK = """
WITH picked AS MATERIALIZED (
    SELECT d.ticket, d.version, d.login, d.symbol, d.entry, d.lots, d.contract_size,
        d.commission, d.storage, d.fee, d.price, d.market_bid, d.market_ask,
        (to_timestamp(d.time_raw_milliseconds / 1000) AT TIME ZONE 'UTC')::date AS day,
        a.client_id, a.currency, a.group_name, coalesce(t.code, '') AS account_type,
        coalesce(nullif(s.currency_profit, ''), a.currency) AS deal_currency,
        coalesce(s.point, power(10::numeric, -d.digits)) AS point,
        CASE WHEN d.entry = 3 THEN 0 ELSE coalesce(
            (before.arithmetic ->> 'points')::numeric, (g.spread_diffs ->> d.symbol)::numeric, 0
        ) END AS points,
        CASE WHEN d.rate_profit > 0 THEN d.rate_profit
            WHEN coalesce(nullif(s.currency_profit, ''), a.currency) = a.currency THEN 1
            ELSE 0 END AS rate_profit,
        coalesce(($4::jsonb ->> a.currency)::int, d.digits_currency) AS decimals,
        CASE WHEN a.currency = $3::varchar THEN 1
            WHEN a.currency IN ('USC', 'EUC') AND left(a.currency, 2) = left($3::varchar, 2)
                THEN 0.01
            ELSE x.rate END AS rate,
        CASE WHEN a.currency = $3::varchar THEN 'same currency'
            WHEN a.currency IN ('USC', 'EUC') AND left(a.currency, 2) = left($3::varchar, 2)
                THEN 'hundredths'
            ELSE coalesce(x.source, 'no rate known yet') END AS rate_source
    FROM deal d
    JOIN trading_account a ON a.server_id = d.server_id AND a.login = d.login
    LEFT JOIN account_type t ON t.id = a.account_type_id
    LEFT JOIN platform_group g ON g.server_id = d.server_id AND g.name = a.group_name
    LEFT JOIN platform_symbol s ON s.server_id = d.server_id AND s.name = d.symbol
    LEFT JOIN LATERAL (
        SELECT r.arithmetic FROM revenue_line r
        WHERE r.server_id = d.server_id AND r.ticket = d.ticket AND r.kind = 'markup'
            AND r.symbol = d.symbol AND r.group_name = a.group_name AND r.version < d.version
        ORDER BY r.version DESC LIMIT 1
    ) AS before ON true
    LEFT JOIN LATERAL (
        SELECT e.rate, e.source FROM exchange_rate e
        WHERE e.currency = a.currency AND e.base_currency = $3::varchar
            AND e.hour BETWEEN d.time_utc - make_interval(days => $5::int) AND d.time_utc
        ORDER BY e.hour DESC LIMIT 1
    ) AS x ON a.currency <> $3::varchar
    WHERE d.server_id = $1 AND d.ticket = ANY($2::text[]::int8[]) AND d.action IN (0, 1)
        AND split_part(lower(a.group_name), '\\', 1) <> 'demo'
), kinds AS (
    SELECT p.*, k.kind, k.source_currency, k.source, k.source * k.source_rate AS exact,
        k.source * k.source_rate * p.rate AS exact_base, k.detail
    FROM picked p CROSS JOIN LATERAL (VALUES
        ('markup', p.deal_currency, p.lots * p.contract_size * (p.points / 2) * p.point,
            p.rate_profit, jsonb_build_object(
                'lots', trim_scale(p.lots)::text,
                'contract_size', trim_scale(p.contract_size)::text,
                'points', trim_scale(p.points)::text,
                'side_points', trim_scale(p.points / 2)::text,
                'point', trim_scale(p.point)::text,
                'market_bid', trim_scale(p.market_bid)::text,
                'market_ask', trim_scale(p.market_ask)::text)),
        ('commission', p.currency, -p.commission, 1,
            jsonb_build_object('charged', trim_scale(p.commission)::text)),
        ('swap', p.currency, -p.storage, 1,
            jsonb_build_object('charged', trim_scale(p.storage)::text)),
        ('fee', p.currency, -p.fee, 1,
            jsonb_build_object('charged', trim_scale(p.fee)::text))
    ) AS k (kind, source_currency, source, source_rate, detail)
    WHERE k.kind = 'markup' OR k.source <> 0
)
INSERT INTO revenue_line AS kept
    (server_id, ticket, kind, version, day, login, client_id, account_type, group_name, symbol,
     lots, amount_deal, deal_currency, amount, currency, amount_base, base_currency, rate,
     rate_source, arithmetic)
SELECT $1, ticket, kind, version, day, login, client_id, account_type, group_name, symbol, lots,
    round(source, coalesce(($4::jsonb ->> source_currency)::int, 8)), source_currency,
    round(exact, decimals), currency,
    round(exact_base, coalesce(($4::jsonb ->> $3::varchar)::int, 2)), $3::varchar,
    rate, rate_source,
    detail || jsonb_build_object(
        'exact_deal', trim_scale(source)::text, 'deal_currency', source_currency,
        'rate_profit', trim_scale(CASE kind WHEN 'markup' THEN rate_profit ELSE 1 END)::text,
        'exact', trim_scale(exact)::text, 'currency', currency,
        'rate', trim_scale(rate)::text, 'rate_source', rate_source,
        'exact_base', trim_scale(exact_base)::text, 'base_currency', $3::varchar,
        'entry', entry, 'price', trim_scale(price)::text)
FROM kinds ORDER BY ticket, kind
ON CONFLICT (server_id, ticket, kind, version) DO UPDATE SET
    amount_base = excluded.amount_base, rate = excluded.rate, rate_source = excluded.rate_source,
    arithmetic = excluded.arithmetic
WHERE kept.amount_base IS NULL AND excluded.amount_base IS NOT NULL
RETURNING ticket
"""

_OF_LOGIN = """
SELECT ticket FROM deal WHERE server_id = $1 AND login = $2 AND action IN (0, 1) ORDER BY ticket
"""

_UNBOOKED = """
SELECT d.ticket FROM deal d
JOIN trading_account a ON a.server_id = d.server_id AND a.login = d.login
WHERE d.server_id = $1 AND d.action IN (0, 1)
    AND split_part(lower(a.group_name), '\\', 1) <> 'demo'
    AND NOT EXISTS (
        SELECT FROM revenue_line r WHERE r.server_id = d.server_id AND r.ticket = d.ticket
            AND r.kind = 'markup' AND r.version = d.version)
ORDER BY d.ticket
"""

_WITHOUT_RATE = """
SELECT DISTINCT server_id, ticket FROM revenue_line
WHERE amount_base IS NULL AND latest AND day > current_date - 60 ORDER BY server_id, ticket
"""


async def book(
    session: TenantSession, *, server_id: UUID, tickets: Sequence[int] | None = None
) -> int:
    """Book the revenue of deals, or of all that have none; return how many deals it changed.

    Deals booked before are left alone unless their server has changed them. What changed is
    told by RevenueBooked.
    """
    connection = await driver(session)
    await connection.execute(tagged(session, _LOCK), str(server_id))
    if tickets is None:
        rows = await connection.fetch(tagged(session, _UNBOOKED), server_id)
        tickets = [row["ticket"] for row in rows]
    changed: set[int] = set()
    for start in range(0, len(tickets), _AT_ONCE):
        part = list(tickets[start : start + _AT_ONCE])
        touched = sorted(await _booked(session, server_id, part))
        if touched:
            record(session, RevenueBooked(server_id=server_id, tickets=touched))
        changed.update(touched)
    return len(changed)


async def book_login(session: TenantSession, *, server_id: UUID, login: int) -> int:
    """Book all deals of an account that has just become known; return how many it changed."""
    rows = await (await driver(session)).fetch(tagged(session, _OF_LOGIN), server_id, login)
    return await book(session, server_id=server_id, tickets=[row["ticket"] for row in rows])


async def book_without_rate(session: TenantSession) -> int:
    """Try again what had no rate to the base currency; return how many deals now have one."""
    rows = await (await driver(session)).fetch(tagged(session, _WITHOUT_RATE))
    waiting: dict[UUID, list[int]] = {}
    for row in rows:
        waiting.setdefault(row["server_id"], []).append(row["ticket"])
    return sum(
        [
            await book(session, server_id=server_id, tickets=tickets)
            for server_id, tickets in waiting.items()
        ]
    )


async def _booked(session: TenantSession, server_id: UUID, tickets: list[int]) -> set[int]:
    connection = await driver(session)
    tenant: TenantRef = session.info["tenant"]
    base = tenant.base_currency
    # As text: it is the one array whose type the driver knows without asking the server.
    named = [str(ticket) for ticket in tickets]
    await connection.execute(tagged(session, _RATES), server_id, named, base)
    gone = await connection.fetch(tagged(session, _SUPERSEDE), server_id, named)
    made = await connection.fetch(
        tagged(session, _BOOK), server_id, named, base, _EXPONENTS, _RATE_DAYS
    )
    return {row["ticket"] for row in [*gone, *made]}
