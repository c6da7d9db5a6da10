"""Hot path: the money of accounts and the open positions, taken over from the server as they are.

The server's figures go to PostgreSQL as one JSON text and touch only rows that changed.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from connectors.trading.port import AccountState, Position, TradingConnection
from kernel.database import Database, driver, tagged
from trading.deals import Share

_ACCOUNTS = """
UPDATE trading_account AS a SET
    balance = s.balance, equity = s.equity, credit = s.credit, margin = s.margin,
    margin_free = s.margin_free, floating = s.floating, leverage = s.leverage, synced_at = now()
FROM json_to_recordset($2::json) AS s(
    login bigint, balance numeric, equity numeric, credit numeric, margin numeric,
    margin_free numeric, floating numeric, leverage int
)
WHERE a.server_id = $1 AND a.login = s.login AND (
    a.synced_at IS NULL OR a.synced_at < now() - interval '1 minute'
    OR (a.balance, a.equity, a.credit, a.margin, a.margin_free, a.floating, a.leverage)
        IS DISTINCT FROM
       (s.balance, s.equity, s.credit, s.margin, s.margin_free, s.floating, s.leverage)
)
"""

_POSITIONS = """
WITH sent AS MATERIALIZED (
    SELECT * FROM json_to_recordset($2::json) AS s(
        ticket bigint, login bigint, symbol text, side text, lots numeric, contract_size numeric,
        price_open numeric, price_current numeric, price_stop_loss numeric,
        price_take_profit numeric, profit numeric, storage numeric, opened_at timestamptz,
        updated_at timestamptz
    )
), gone AS (
    DELETE FROM open_position p WHERE p.server_id = $1
        AND NOT EXISTS (SELECT FROM sent s WHERE s.ticket = p.ticket)
)
INSERT INTO open_position AS p (
    server_id, ticket, login, symbol, side, lots, contract_size, price_open, price_current,
    price_stop_loss, price_take_profit, profit, storage, opened_at, updated_at
)
SELECT $1, ticket, login, left(symbol, 40), side, lots, contract_size, price_open, price_current,
    price_stop_loss, price_take_profit, profit, storage, opened_at, updated_at
FROM sent
ON CONFLICT (server_id, ticket) DO UPDATE SET
    lots = excluded.lots, price_current = excluded.price_current, profit = excluded.profit,
    price_stop_loss = excluded.price_stop_loss, price_take_profit = excluded.price_take_profit,
    storage = excluded.storage, updated_at = excluded.updated_at, synced_at = now()
WHERE (p.lots, p.price_current, p.profit, p.storage, p.price_stop_loss, p.price_take_profit)
    IS DISTINCT FROM (excluded.lots, excluded.price_current, excluded.profit, excluded.storage,
        excluded.price_stop_loss, excluded.price_take_profit)
"""

_SEEN = "UPDATE sync_watermark SET states_at = now() WHERE server_id = $1"


async def refresh(
    database: Database, server_id: UUID, *, share: Share, connection: TradingConnection
) -> tuple[int, int]:
    """Take over a tenant's account states and positions; return how many the server has.

    Raises what the connection raises.
    """
    states = await connection.account_states(mask=share.mask)
    positions = await connection.positions(share.mask)
    async with database.tenant(share.tenant) as session:
        raw = await driver(session)
        await raw.execute(tagged(session, _ACCOUNTS), server_id, _states_text(states))
        await raw.execute(tagged(session, _POSITIONS), server_id, _positions_text(positions))
        await raw.execute(tagged(session, _SEEN), server_id)
    return len(states), len(positions)


def _states_text(states: list[AccountState]) -> str:
    # The order keeps two refreshes at once from locking rows crosswise.
    ordered = sorted(states, key=lambda state: state.login)
    return msgspec.json.encode(ordered).decode()


def _positions_text(positions: list[Position]) -> str:
    rows = [
        {
            "ticket": one.ticket,
            "login": one.login,
            "symbol": one.symbol,
            "side": one.side,
            "lots": one.lots,
            "contract_size": one.contract_size,
            "price_open": one.price_open,
            "price_current": one.price_current,
            "price_stop_loss": one.price_stop_loss,
            "price_take_profit": one.price_take_profit,
            "profit": one.profit,
            "storage": one.storage,
            "opened_at": one.opened.utc,
            "updated_at": one.updated.utc,
        }
        for one in positions
    ]
    return msgspec.json.encode(rows).decode()
