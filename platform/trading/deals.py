"""Hot path: deals go from the server's bytes into the mirror in one statement of PostgreSQL.

No deal becomes a Python object on the way. The bytes are read by `json_to_recordset`, deals are
told apart by (server, ticket) before they meet the monthly partitions, a changed deal becomes a
new version with the old one kept, and the watermark and the event are written in the same
transaction, so that a crash repeats a batch and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from connectors.trading.port import ServerTime, TradingConnection
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession, driver, tagged
from kernel.events import record as record_event
from trading import quarantine, queries
from trading.events import DealsSynced
from trading.models import SyncWatermark
from trading.quarantine import Rejection

OVERLAP = timedelta(seconds=60)
AHEAD = timedelta(hours=12)
WINDOW = timedelta(days=7)
HISTORY = timedelta(days=60)
_WINDOWS_AT_ONCE = 12
_EVENT_TICKETS = 1000
_IDLE_SECONDS = 5

# What the server calls it, its type on the wire, and the column it becomes. Figures that old
# builds do not send are zero; extended volumes are 1/1e8 lot, plain ones 1/1e4.
_TEXT = {"Symbol": ("symbol", 40), "ExternalID": ("external_id", 80), "Gateway": ("gateway", 40)}
_TEXT["Comment"] = ("comment", 80)
_INTEGERS = {
    "Dealer": "dealer",
    "Order": "order_ticket",
    "PositionID": "position_ticket",
    "Entry": "entry",
    "Reason": "reason",
    "Digits": "digits",
    "DigitsCurrency": "digits_currency",
}
_NUMBERS = {
    "ContractSize": "contract_size",
    "Price": "price",
    "PricePosition": "price_position",
    "PriceSL": "price_stop_loss",
    "PriceTP": "price_take_profit",
    "Profit": "profit",
    "ProfitRaw": "profit_raw",
    "Storage": "storage",
    "Commission": "commission",
    "Fee": "fee",
    "RateProfit": "rate_profit",
    "RateMargin": "rate_margin",
    "TickValue": "tick_value",
    "TickSize": "tick_size",
    "MarketBid": "market_bid",
    "MarketAsk": "market_ask",
    "MarketLast": "market_last",
    "ExpertID": "expert_id",
    "Flags": "flags",
}
_ROUNDED = {
    **dict.fromkeys(("profit", "profit_raw", "storage", "commission", "fee"), 8),
    **dict.fromkeys(("expert_id", "flags"), 0),
}
_VALUES = {
    "login": '"Login"',
    "action": '"Action"',
    **{column: f'coalesce("{wire}", 0)' for wire, column in _INTEGERS.items()},
    **{
        column: f'round(coalesce("{wire}", 0), {_ROUNDED.get(column, 10)})'
        for wire, column in _NUMBERS.items()
    },
    **{column: f"left(coalesce(\"{wire}\", ''), {size})" for wire, (column, size) in _TEXT.items()},
    "modify_flags": 'coalesce("ModifyFlags", "ModificationFlags", 0)',
    "lots": 'round(coalesce(nullif("VolumeExt", 0) / 100000000, "Volume" / 10000, 0), 10)',
    "lots_closed": (
        'round(coalesce(nullif("VolumeClosedExt", 0) / 100000000, "VolumeClosed" / 10000, 0), 10)'
    ),
    "time_raw_milliseconds": 'coalesce(nullif("TimeMsc", 0), "Time" * 1000)',
}
_WIRE = ", ".join(
    [
        '"Deal" bigint, "Login" bigint, "Action" int, "Time" bigint, "TimeMsc" bigint',
        *(f'"{wire}" numeric' for wire in ("Volume", "VolumeExt", "VolumeClosed")),
        *(f'"{wire}" numeric' for wire in ("VolumeClosedExt", "ModifyFlags", "ModificationFlags")),
        *(f'"{wire}" bigint' for wire in _INTEGERS),
        *(f'"{wire}" numeric' for wire in _NUMBERS),
        *(f'"{wire}" text' for wire in _TEXT),
    ]
)
_NAMES = ", ".join(part.split()[0] for part in _WIRE.split(", "))
_COLUMNS = list(_VALUES)
_ALL = ", ".join([*_COLUMNS, "server_offset_seconds"])


def _listed(prefix: str, names: Sequence[str]) -> str:
    return ", ".join(f"{prefix}.{name}" for name in names)


# $1 server, $2 the server's bytes, $3 offset in seconds, $4 highest ticket known before: a newer
# one needs no search through the months. NOT IN is hashed; as an anti-join it was quadratic.
_STORE = f"""
WITH wire AS MATERIALIZED (
    SELECT DISTINCT ON (ticket) * FROM (
        SELECT "Deal" AS ticket, position, {", ".join(f"{v} AS {c}" for c, v in _VALUES.items())}
        FROM ROWS FROM (json_to_recordset($2::json) AS ({_WIRE}))
            WITH ORDINALITY AS sent({_NAMES}, position)
    ) AS named ORDER BY ticket, position DESC
), parsed AS MATERIALIZED (
    SELECT *, $3::int AS server_offset_seconds,
        to_timestamp((time_raw_milliseconds - $3::bigint * 1000)::float8 / 1000) AS time_utc
    FROM wire
), exact AS MATERIALIZED (
    SELECT d.* FROM parsed p JOIN deal d
        ON d.server_id = $1 AND d.ticket = p.ticket AND d.time_utc = p.time_utc
), known AS MATERIALIZED (
    SELECT * FROM exact
    UNION ALL
    SELECT d.* FROM parsed p JOIN deal d ON d.server_id = $1 AND d.ticket = p.ticket
    WHERE p.ticket <= $4 AND p.ticket NOT IN (SELECT ticket FROM exact)
), changed AS MATERIALIZED (
    SELECT p.*, k.time_utc AS old_time_utc, k.version AS old_version,
        k.time_raw_milliseconds AS old_raw, k.server_offset_seconds AS old_offset
    FROM parsed p LEFT JOIN known k ON k.ticket = p.ticket
    WHERE k.ticket IS NULL
        OR ({_listed("k", _COLUMNS)}) IS DISTINCT FROM ({_listed("p", _COLUMNS)})
), kept AS (
    INSERT INTO deal_version
        (server_id, ticket, version, time_utc, synced_at, {_ALL})
    SELECT k.server_id, k.ticket, k.version, k.time_utc, k.synced_at,
        {_listed("k", [*_COLUMNS, "server_offset_seconds"])}
    FROM known k JOIN changed c ON c.ticket = k.ticket
    ON CONFLICT DO NOTHING
), moved AS (
    DELETE FROM deal d USING changed c
    WHERE d.server_id = $1 AND d.ticket = c.ticket AND d.time_utc = c.old_time_utc
        AND c.old_raw <> c.time_raw_milliseconds AND c.old_time_utc <> c.time_utc
), written AS (
    INSERT INTO deal (server_id, ticket, time_utc, version, {_ALL})
    SELECT $1, ticket,
        CASE WHEN old_raw = time_raw_milliseconds THEN old_time_utc ELSE time_utc END,
        coalesce(old_version, 0) + 1, {", ".join(_COLUMNS)},
        CASE WHEN old_raw = time_raw_milliseconds THEN old_offset ELSE server_offset_seconds END
    FROM changed ORDER BY time_utc
    ON CONFLICT (server_id, ticket, time_utc) DO UPDATE SET
        version = excluded.version, synced_at = now(),
        {", ".join(f"{c} = excluded.{c}" for c in [*_COLUMNS, "server_offset_seconds"])}
    RETURNING ticket, version
)
SELECT
    (SELECT string_agg(ticket::text, ',' ORDER BY ticket) FROM written) AS tickets,
    (SELECT count(*) FROM written WHERE version = 1) AS added,
    (SELECT count(*) FROM parsed) AS read,
    (SELECT max(ticket) FROM parsed) AS ticket_max,
    (SELECT max(time_utc) FROM parsed) AS last_at
"""  # noqa: S608 - put together from the constants above

_MONTHS = """
SELECT deal_partition(month) FROM (
    SELECT DISTINCT date_trunc('month', to_timestamp(
        (coalesce(nullif("TimeMsc", 0), "Time" * 1000) - $2::bigint * 1000)::float8 / 1000
    ) AT TIME ZONE 'UTC')::date AS month
    FROM json_to_recordset($1::json) AS sent("Time" bigint, "TimeMsc" bigint)
) AS months ORDER BY month
"""

_MARK = """
INSERT INTO sync_watermark AS mark
    (server_id, scanned_raw, scanned_utc, ticket_max, deals_total, last_deal_at, lag_seconds,
     checked_at, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, now(), '')
ON CONFLICT (server_id) DO UPDATE SET
    scanned_raw = greatest(mark.scanned_raw, excluded.scanned_raw),
    scanned_utc = CASE WHEN excluded.scanned_raw >= mark.scanned_raw
        THEN excluded.scanned_utc ELSE mark.scanned_utc END,
    ticket_max = greatest(mark.ticket_max, excluded.ticket_max),
    deals_total = mark.deals_total + excluded.deals_total,
    last_deal_at = greatest(mark.last_deal_at, excluded.last_deal_at),
    lag_seconds = excluded.lag_seconds, checked_at = now(), error = ''
"""

_REJECT = """
INSERT INTO deal_rejection (server_id, digest, ticket, reason, body)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (server_id, digest) DO NOTHING
"""

_FAIL = """
UPDATE sync_watermark SET error = $2, checked_at = now() WHERE server_id = $1
"""


@dataclass(frozen=True, slots=True)
class Share:
    """A tenant of a server and the mask of its groups there."""

    tenant: TenantRef
    mask: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull brought: deals read, added or changed, and the seconds still unread."""

    read: int
    written: int
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class _Window:
    """What is asked of a server at once; `scanned_raw` is None when no watermark moves."""

    since: datetime
    until: datetime
    scanned_raw: int | None
    clock: ServerTime


async def pull(
    database: Database,
    server_id: UUID,
    *,
    tenants: Sequence[Share],
    connection: TradingConnection,
    clock: ServerTime | None = None,
) -> dict[UUID, Pulled]:
    """Read each tenant's deals since its watermark; return what came, by tenant id.

    Raises what the connection raises; what was read before that is kept.
    """
    clock = clock or await connection.server_time()
    return {
        share.tenant.id: await _catch_up(database, server_id, share, connection, clock)
        for share in tenants
    }


async def rescan(
    database: Database,
    server_id: UUID,
    *,
    tenants: Sequence[Share],
    connection: TradingConnection,
    back: timedelta,
) -> int:
    """Read a past again for deals that were edited or came late; return how many changed."""
    clock = await connection.server_time()
    written = 0
    for share in tenants:
        since = clock.utc - back
        while since < clock.utc:
            until = min(since + timedelta(days=1), clock.utc)
            window = _Window(since=since, until=until, scanned_raw=None, clock=clock)
            written += (await _window(database, server_id, share, connection, window)).written
            since = until
    return written


async def fail(database: Database, server_id: UUID, *, tenant: TenantRef, error: str) -> None:
    """Show in a tenant's health that its deals could not be read."""
    async with database.tenant(tenant) as session:
        await (await driver(session)).execute(tagged(session, _FAIL), server_id, error[:200])


async def _catch_up(
    database: Database,
    server_id: UUID,
    share: Share,
    connection: TradingConnection,
    clock: ServerTime,
) -> Pulled:
    """Read windows from the watermark up to now, a bounded number of them."""
    read = written = 0
    lag = 0.0
    for _ in range(_WINDOWS_AT_ONCE):
        async with database.tenant_read(share.tenant) as session:
            mark = await queries.watermark(session, server_id)
        offset = timedelta(seconds=clock.offset_seconds)
        if mark is None:
            start = clock.utc - HISTORY
        else:
            start = datetime.fromtimestamp(mark.scanned_raw, tz=UTC) - offset
        end = start + WINDOW
        last = end >= clock.utc
        scanned = clock.raw if last else int((end + offset).timestamp())
        window = _Window(
            since=start - OVERLAP,
            until=clock.utc + AHEAD if last else end,
            scanned_raw=scanned,
            clock=clock,
        )
        pulled = await _window(database, server_id, share, connection, window)
        read += pulled.read
        written += pulled.written
        lag = pulled.lag_seconds
        if last:
            break
    return Pulled(read=read, written=written, lag_seconds=lag)


async def _window(
    database: Database,
    server_id: UUID,
    share: Share,
    connection: TradingConnection,
    window: _Window,
) -> Pulled:
    raw = await connection.deals_raw(share.mask, window.since, window.until)
    return await store(
        database,
        share.tenant,
        server_id=server_id,
        answer=raw,
        clock=window.clock,
        scanned_raw=window.scanned_raw,
    )


async def store(
    database: Database,
    tenant: TenantRef,
    *,
    server_id: UUID,
    answer: bytes,
    clock: ServerTime,
    scanned_raw: int | None,
) -> Pulled:
    """Bring one answer into the mirror and move the watermark, in one transaction.

    A month without a partition gets one, and a deal that can't be read is set aside in
    `deal_rejection`, each in a new transaction. Raises AnswerUnreadable when the whole answer is
    no list of deals.
    """
    text = answer.decode("utf-8", "replace")
    rejected: list[Rejection] = []
    months = sifted = False
    while True:
        try:
            async with database.tenant(tenant) as session:
                if months:
                    await (await driver(session)).fetch(
                        tagged(session, _MONTHS), text, clock.offset_seconds
                    )
                return await _stored(
                    session,
                    server_id=server_id,
                    text=text,
                    rejected=rejected,
                    clock=clock,
                    scanned_raw=scanned_raw,
                )
        except asyncpg.CheckViolationError as error:
            # PostgreSQL reports a missing partition as a violated check without a name.
            if error.constraint_name is None and not months:
                months = True
                continue
            unreadable: Exception = error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            unreadable = error
        except asyncpg.ProgramLimitExceededError as error:
            unreadable = error
        if sifted:
            raise quarantine.AnswerUnreadable from unreadable
        text, rejected = quarantine.sift(text, offset_seconds=clock.offset_seconds)
        sifted = True


async def _stored(
    session: TenantSession,
    *,
    server_id: UUID,
    text: str,
    rejected: Sequence[Rejection],
    clock: ServerTime,
    scanned_raw: int | None,
) -> Pulled:
    mark = await queries.watermark(session, server_id)
    ticket_max = mark.ticket_max if mark else 0
    connection = await driver(session)
    for one in rejected:
        await connection.execute(
            tagged(session, _REJECT), server_id, one.digest, one.ticket, one.reason, one.body
        )
    found: Any = await connection.fetchrow(
        tagged(session, _STORE), server_id, text, clock.offset_seconds, ticket_max
    )
    # As text: for an array the driver would first ask the server about its type.
    tickets = [int(ticket) for ticket in (found["tickets"] or "").split(",") if ticket]
    for start in range(0, len(tickets), _EVENT_TICKETS):
        part = tickets[start : start + _EVENT_TICKETS]
        record_event(
            session,
            DealsSynced(server_id=server_id, tickets=part, from_ticket=part[0], to_ticket=part[-1]),
        )
    scanned, lag = _progress(mark, clock, scanned_raw)
    still = mark is not None and not mark.error and scanned - mark.scanned_raw < _IDLE_SECONDS
    if tickets or (scanned_raw is not None and not still):
        await connection.execute(
            tagged(session, _MARK),
            server_id,
            scanned,
            datetime.fromtimestamp(scanned - clock.offset_seconds, tz=UTC),
            max(ticket_max, found["ticket_max"] or 0),
            found["added"],
            found["last_at"],
            lag,
        )
    return Pulled(read=found["read"], written=len(tickets), lag_seconds=float(lag))


def _progress(
    mark: SyncWatermark | None, clock: ServerTime, scanned_raw: int | None
) -> tuple[int, int]:
    """Return the server second read up to, and the seconds still unread; a look back moves none."""
    if scanned_raw is not None:
        return scanned_raw, max(0, clock.raw - scanned_raw)
    if mark is not None:
        return mark.scanned_raw, int(mark.lag_seconds)
    history = int(HISTORY.total_seconds())
    return clock.raw - history, history
