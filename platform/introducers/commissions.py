r"""Hot path: what trades pay their introducers is computed by one statement for many deals.

A closing deal of a client pays the partner they came through and that partner's ancestors, by
the tree and the terms as they were when it closed. A partner's entitlement is lots x rate, or
a percentage of the trade's commission for the account types the plan names, times the
partner's ratio. Rank plans pay the difference to the highest entitlement below (E5 of the
worked examples), level plans by the distance from the client. What all get together is at
most the guard's share of the trade's revenue, which is the closing side and the part of the
opening side that it closes, mark-up and commission; above it, everybody is scaled alike. Each
line is rounded down once (R2).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kernel.actor import TenantRef
from kernel.database import TenantSession, driver, tagged
from kernel.money import exponent

_AT_ONCE = 1000

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' payable ' || $1, 0))"

# $1 server, $2 tickets: the closing deals of the same positions, and what has lines already.
_AFFECTED = """
SELECT c.ticket FROM deal b
JOIN deal c ON c.server_id = b.server_id AND c.login = b.login
    AND c.position_ticket = b.position_ticket
WHERE b.server_id = $1 AND b.ticket = ANY($2::text[]::int8[]) AND b.position_ticket > 0
    AND c.action IN (0, 1) AND c.entry IN (1, 2, 3)
UNION
SELECT d.ticket FROM deal d
WHERE d.server_id = $1 AND d.ticket = ANY($2::text[]::int8[])
    AND d.action IN (0, 1) AND d.entry IN (1, 2, 3)
UNION
SELECT l.ticket FROM commission_line l
WHERE l.server_id = $1 AND l.ticket = ANY($2::text[]::int8[]) AND l.latest
"""

# The revenue of one deal, and whether it is complete.
_REVENUE = """
LEFT JOIN LATERAL (
    SELECT sum((r.arithmetic ->> 'exact_base')::numeric) FILTER (WHERE r.kind = 'markup') AS markup,
        coalesce(sum((r.arithmetic ->> 'exact_base')::numeric)
            FILTER (WHERE r.kind = 'commission'), 0) AS commission,
        count(*) FILTER (WHERE r.kind = 'markup') > 0 AND bool_and(r.amount_base IS NOT NULL)
            AS complete
    FROM revenue_line r
    WHERE r.server_id = {deal}.server_id AND r.ticket = {deal}.ticket AND r.latest
        AND r.kind IN ('markup', 'commission')
) AS {name} ON true
"""

_TRADES = f"""
closing AS MATERIALIZED (
    SELECT d.server_id, d.ticket, d.version, d.login, d.position_ticket, d.symbol, d.entry,
        d.time_utc, d.price, a.client_id, a.currency AS account_currency,
        coalesce(t.code, '') AS account_type, split_part(coalesce(s.path, ''), '\\', 1) AS family,
        (to_timestamp(d.time_raw_milliseconds / 1000) AT TIME ZONE 'UTC')::date AS day,
        n.partner_id AS direct_id,
        CASE WHEN d.entry = 2 THEN d.lots_closed ELSE d.lots END AS lots,
        CASE WHEN d.entry = 2 AND d.lots > 0 THEN d.lots_closed / d.lots ELSE 1 END AS share
    FROM deal d
    JOIN trading_account a ON a.server_id = d.server_id AND a.login = d.login
    JOIN attribution n ON n.client_id = a.client_id AND n.at <= d.time_utc
    LEFT JOIN account_type t ON t.id = a.account_type_id
    LEFT JOIN platform_symbol s ON s.server_id = d.server_id AND s.name = d.symbol
    WHERE d.server_id = $1 AND d.ticket = ANY($2::text[]::int8[])
        AND d.action IN (0, 1) AND d.entry IN (1, 2, 3)
        AND split_part(lower(a.group_name), '\\', 1) <> 'demo'
), opening AS MATERIALIZED (
    SELECT c.ticket, min(o.time_utc) AS opened_at, count(*) AS deals, sum(o.opened) AS lots,
        sum(v.markup * o.share) AS markup, sum(v.commission * o.share) AS commission,
        bool_and(coalesce(v.complete, false)) AS complete
    FROM closing c
    JOIN LATERAL (
        SELECT d.server_id, d.ticket, d.time_utc,
            CASE WHEN d.entry = 2 THEN d.lots - d.lots_closed ELSE d.lots END AS opened,
            CASE WHEN d.entry = 2 AND d.lots > 0 THEN 1 - d.lots_closed / d.lots ELSE 1 END
                AS share
        FROM deal d
        WHERE d.server_id = c.server_id AND d.login = c.login AND d.ticket <> c.ticket
            AND d.position_ticket = c.position_ticket AND d.time_utc <= c.time_utc
            AND d.action IN (0, 1) AND d.entry IN (0, 2) AND c.position_ticket > 0
    ) AS o ON true
    {_REVENUE.format(deal="o", name="v")}
    GROUP BY c.ticket
), trade AS MATERIALIZED (
    SELECT c.*, o.opened_at, o.lots AS opened_lots,
        CASE WHEN o.deals IS NULL THEN 0 WHEN o.lots > 0 THEN least(c.lots / o.lots, 1)
            ELSE 0 END AS opened_share,
        v.markup AS markup_close, v.commission AS commission_close,
        coalesce(o.markup, 0) AS markup_open, coalesce(o.commission, 0) AS commission_open,
        extract(epoch FROM c.time_utc - o.opened_at) AS held
    FROM closing c
    LEFT JOIN opening o ON o.ticket = c.ticket
    {_REVENUE.format(deal="c", name="v")}
    WHERE coalesce(v.complete, false) AND coalesce(o.complete, true)
)"""  # noqa: S608 - put together from the constants above

_CHAINS = """
, priced AS MATERIALIZED (
    SELECT t.*,
        t.commission_close * t.share + t.commission_open * t.opened_share AS commission,
        t.markup_close * t.share + t.markup_open * t.opened_share AS markup
    FROM trade t
), chain AS MATERIALIZED (
    SELECT t.ticket, u.ancestor_id AS partner_id, u.depth, m.ratio, p.id AS plan_id, p.code,
        p.name AS plan_name, p.version AS plan_version, p.structure, p.terms, p.effective_from,
        p.currency, first_value(p.terms) OVER below AS direct_terms,
        first_value(p.structure) OVER below AS direct_structure
    FROM priced t
    JOIN partner_closure u ON u.descendant_id = t.direct_id AND u.valid_from <= t.time_utc
        AND (u.valid_to IS NULL OR u.valid_to > t.time_utc)
    JOIN LATERAL (
        SELECT m.plan_code, m.ratio FROM partner_term m
        WHERE m.partner_id = u.ancestor_id AND m.valid_from <= t.time_utc
        ORDER BY m.valid_from DESC LIMIT 1
    ) AS m ON true
    JOIN LATERAL (
        SELECT p.* FROM plan p
        WHERE p.code = m.plan_code AND p.effective_from <= t.time_utc
        ORDER BY p.effective_from DESC, p.version DESC LIMIT 1
    ) AS p ON true
    WINDOW below AS (PARTITION BY t.ticket ORDER BY u.depth)
), ruled AS (
    SELECT t.*, c.partner_id, c.depth, c.ratio, c.plan_id, c.code, c.plan_name, c.plan_version,
        c.effective_from, c.currency, c.direct_structure AS structure,
        CASE WHEN c.direct_structure = 'level' THEN c.direct_terms ELSE c.terms END AS terms,
        CASE WHEN c.direct_structure = 'level' THEN c.depth ELSE 0 END AS place,
        coalesce((c.direct_terms -> 'lot_modifiers' ->> t.account_type)::numeric, 1) AS modifier,
        (c.direct_terms ->> 'guard_percent')::numeric AS guard,
        (c.direct_terms ->> 'minimum_seconds')::numeric AS minimum,
        c.direct_terms ? 'cpa' AND (q.qualified_at IS NULL OR t.time_utc <= q.qualified_at)
            AS early
    FROM priced t JOIN chain c ON c.ticket = t.ticket
    LEFT JOIN acquisition q ON q.client_id = t.client_id
), rated AS (
    SELECT r.*, r.lots * r.modifier AS paid_lots,
        coalesce(r.terms -> 'percent_accounts' ? r.account_type, false) AS by_percent,
        coalesce((r.terms -> 'percents' ->> r.place)::numeric, 0) AS percent,
        coalesce((r.terms -> 'rates' -> r.family ->> r.place)::numeric, 0) AS rate
    FROM ruled r
), entitled AS (
    SELECT r.*, CASE WHEN by_percent THEN greatest(commission, 0) * percent / 100 * ratio
        ELSE paid_lots * rate * ratio END AS entitled
    FROM rated r
), differing AS (
    SELECT e.*, coalesce(max(entitled) OVER (PARTITION BY ticket ORDER BY depth
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS below
    FROM entitled e
), shared AS (
    SELECT d.*, CASE WHEN structure = 'level' THEN entitled ELSE greatest(entitled - below, 0) END
        AS part
    FROM differing d
), capped AS (
    SELECT s.*, sum(part) OVER (PARTITION BY ticket) AS total,
        greatest((markup + commission) * guard / 100, 0) AS cap,
        opened_at IS NOT NULL AND held < minimum AS short
    FROM shared s
), scaled AS (
    SELECT c.*, CASE WHEN total > cap THEN part * cap / total ELSE part END AS exact
    FROM capped c
)"""

# $3 decimals of the plan's currency.
_WANTED = """
, wanted AS MATERIALIZED (
    SELECT ticket, partner_id, plan_id, plan_version, (depth + 1)::smallint AS level, client_id,
        symbol, paid_lots AS lots, currency, day, time_utc AS closed_at,
        CASE WHEN short OR early THEN 0 ELSE trunc(exact, $3::int) END AS amount,
        CASE WHEN short THEN 'held ' || trunc(held)::text || ' s, the plan asks for '
                || minimum::text || ' s'
            WHEN early THEN 'before the client had qualified'
            WHEN total > cap THEN 'scaled to ' || guard::text || ' % of the revenue of the trade'
            WHEN part = 0 AND below > 0 THEN 'a partner below is entitled to as much'
            WHEN part = 0 AND by_percent THEN 'the trade paid no commission'
            WHEN part = 0 THEN 'the plan pays nothing for these instruments'
            ELSE '' END AS reason,
        jsonb_build_object(
            'position', position_ticket, 'account_type', account_type, 'family', family,
            'opened_at', to_char(opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
            'closed_at', to_char(time_utc AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
            'held_seconds', trunc(held)::text, 'minimum_seconds', minimum::text,
            'plan', plan_name, 'plan_version', plan_version, 'structure', structure,
            'effective_from', to_char(effective_from AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
            'lots', trim_scale(lots)::text, 'lot_modifier', trim_scale(modifier)::text,
            'paid_lots', trim_scale(paid_lots)::text,
            'method', CASE WHEN by_percent THEN 'percent' ELSE 'per_lot' END,
            'rate', trim_scale(rate)::text, 'percent', trim_scale(percent)::text,
            'ratio', trim_scale(ratio)::text,
            'markup', trim_scale(markup)::text, 'commission', trim_scale(commission)::text,
            'revenue', trim_scale(markup + commission)::text,
            'entitled', trim_scale(entitled)::text, 'below', trim_scale(below)::text,
            'part', trim_scale(part)::text, 'total', trim_scale(total)::text,
            'guard_percent', trim_scale(guard)::text, 'cap', trim_scale(cap)::text,
            'exact', trim_scale(exact)::text) AS arithmetic
    FROM scaled
)"""

_STORE = f"""
WITH {_TRADES}{_CHAINS}{_WANTED}
, known AS MATERIALIZED (
    SELECT * FROM commission_line
    WHERE server_id = $1 AND ticket = ANY($2::text[]::int8[]) AND latest
), stale AS (
    UPDATE commission_line l SET latest = false
    FROM known k LEFT JOIN wanted w ON w.ticket = k.ticket AND w.partner_id = k.partner_id
        AND w.plan_id = k.plan_id AND w.level = k.level
    WHERE l.id = k.id AND (w.ticket IS NULL OR w.arithmetic <> k.arithmetic
        OR w.amount <> k.amount OR w.day <> k.day OR w.client_id <> k.client_id)
    RETURNING l.ticket
), added AS (
    INSERT INTO commission_line
        (server_id, ticket, partner_id, plan_id, plan_version, level, revision, client_id, symbol,
         lots, amount, currency, reason, day, closed_at, arithmetic)
    SELECT $1, w.ticket, w.partner_id, w.plan_id, w.plan_version, w.level,
        1 + coalesce((
            SELECT max(l.revision) FROM commission_line l
            WHERE l.server_id = $1 AND l.ticket = w.ticket AND l.partner_id = w.partner_id
                AND l.plan_id = w.plan_id AND l.level = w.level), 0),
        w.client_id, w.symbol, w.lots, w.amount, w.currency, w.reason, w.day, w.closed_at,
        w.arithmetic
    FROM wanted w LEFT JOIN known k ON k.ticket = w.ticket AND k.partner_id = w.partner_id
        AND k.plan_id = w.plan_id AND k.level = w.level
    WHERE k.id IS NULL OR w.arithmetic <> k.arithmetic OR w.amount <> k.amount
        OR w.day <> k.day OR w.client_id <> k.client_id
    ORDER BY w.ticket, w.level
    RETURNING ticket
)
SELECT (SELECT count(*) FROM added) AS added, (SELECT count(*) FROM stale) AS stale
"""  # noqa: S608 - put together from the constants above

_CLOSING_OF_CLIENT = """
SELECT d.server_id, d.ticket FROM deal d
JOIN trading_account a ON a.server_id = d.server_id AND a.login = d.login
WHERE a.client_id = $1 AND d.action IN (0, 1) AND d.entry IN (1, 2, 3)
ORDER BY d.server_id, d.ticket
"""


async def accrue(session: TenantSession, *, server_id: UUID, tickets: Sequence[int]) -> int:
    """Bring the commission of deals and of their positions up to date; return lines changed.

    A trade whose revenue is not complete yet waits: it is looked at again when the rest of its
    revenue is booked. Repeating it changes nothing.
    """
    tenant: TenantRef = session.info["tenant"]
    connection = await driver(session)
    await connection.execute(tagged(session, _LOCK), str(server_id))
    named = [str(ticket) for ticket in tickets]
    rows = await connection.fetch(tagged(session, _AFFECTED), server_id, named)
    affected = sorted(row["ticket"] for row in rows)
    decimals = exponent(tenant.base_currency)
    changed = 0
    for start in range(0, len(affected), _AT_ONCE):
        part = [str(ticket) for ticket in affected[start : start + _AT_ONCE]]
        found = await connection.fetchrow(tagged(session, _STORE), server_id, part, decimals)
        assert found is not None
        changed += found["added"] + found["stale"]
    return changed


async def accrue_client(session: TenantSession, *, client_id: UUID) -> int:
    """Bring all trades of a client up to date, after they were attributed; return lines changed."""
    rows = await (await driver(session)).fetch(tagged(session, _CLOSING_OF_CLIENT), client_id)
    by_server: dict[UUID, list[int]] = {}
    for row in rows:
        by_server.setdefault(row["server_id"], []).append(row["ticket"])
    return sum(
        [
            await accrue(session, server_id=server_id, tickets=tickets)
            for server_id, tickets in by_server.items()
        ]
    )
