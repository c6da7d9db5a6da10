"""Groups and instruments of a server, copied into the mirror."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from connectors.trading.port import Group, Symbol, TradingConnection
from identity import audit
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from trading import rules
from trading.models import PlatformGroup, PlatformSymbol

_SYMBOL_FIELDS = tuple(
    column.name
    for column in PlatformSymbol.__table__.columns
    if column.name not in {"server_id", "fetched_at"}
)


async def sync(
    database: Database,
    tenant: TenantRef,
    *,
    server_id: UUID,
    mask: str,
    connection: TradingConnection,
) -> tuple[int, int]:
    """Read the groups of the tenant's mask and all instruments; return how many of each.

    What the server no longer has leaves the mirror. Raises what the connection raises.
    """
    groups = await connection.groups(mask)
    symbols = await connection.symbols()
    async with database.tenant(tenant) as session:
        await _store_symbols(session, server_id, symbols)
        await _store_groups(session, server_id, groups, symbols)
        audit.record(
            session,
            "trading.server.synced",
            subject=("trading_server", server_id),
            after={"groups": len(groups), "symbols": len(symbols)},
        )
    return len(groups), len(symbols)


async def _store_groups(
    session: TenantSession, server_id: UUID, groups: Sequence[Group], symbols: Sequence[Symbol]
) -> None:
    names = [group.name for group in groups]
    await session.execute(
        delete(PlatformGroup).where(
            PlatformGroup.server_id == server_id, PlatformGroup.name.not_in(names)
        )
    )
    for group in groups:
        values: dict[str, Any] = {
            "currency": group.currency,
            "digits": group.currency_digits,
            "company": group.company[:120],
            "margin_call": group.margin_call,
            "margin_stop_out": group.margin_stop_out,
            "spread_diffs": resolved_spreads(group, symbols),
            "spread_rules": [dataclasses.asdict(entry) for entry in group.symbols],
            "commissions": [
                msgspec.to_builtins(dataclasses.asdict(one)) for one in group.commissions
            ],
            "fetched_at": func.now(),
        }
        await session.execute(
            insert(PlatformGroup)
            .values(server_id=server_id, name=group.name, **values)
            .on_conflict_do_update(index_elements=["server_id", "name"], set_=values)
        )


async def _store_symbols(
    session: TenantSession, server_id: UUID, symbols: Sequence[Symbol]
) -> None:
    await session.execute(
        delete(PlatformSymbol).where(
            PlatformSymbol.server_id == server_id,
            PlatformSymbol.name.not_in([symbol.name for symbol in symbols]),
        )
    )
    rows = [
        {"server_id": server_id, **{name: getattr(symbol, name) for name in _SYMBOL_FIELDS}}
        for symbol in symbols
    ]
    if not rows:
        return
    statement = insert(PlatformSymbol)
    changed = {name: statement.excluded[name] for name in _SYMBOL_FIELDS}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["server_id", "name"], set_={**changed, "fetched_at": func.now()}
        ),
        rows,
    )


def resolved_spreads(group: Group, symbols: Sequence[Symbol]) -> dict[str, int]:
    """Return the extra spread in points by symbol, leaving out symbols without one."""
    entries = [(entry.path, entry.spread_diff) for entry in group.symbols]
    found = {
        symbol.name: rules.spread_points(entries, symbol=symbol.name, symbol_path=symbol.path)
        for symbol in symbols
    }
    return {name: points for name, points in found.items() if points}
