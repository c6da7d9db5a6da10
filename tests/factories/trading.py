"""Builders of what the mirror holds: deals as a server sends them, accounts, server clocks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from connectors.trading.port import ServerTime
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.ids import comment_token, reference, uuid7
from trading.models import AccountType, TradingAccount

NOON = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)


def clock(at: datetime = NOON, *, offset_seconds: int = 7200) -> ServerTime:
    """Return a server's clock two hours before UTC unless told otherwise."""
    raw = int(at.timestamp()) + offset_seconds
    return ServerTime(raw=raw, offset_seconds=offset_seconds, utc=at)


def wire_deal(
    ticket: int, *, at: datetime = NOON, offset_seconds: int = 7200, **fields: Any
) -> Any:
    """Return a deal as the server writes it: every scalar a string, times in its wall clock."""
    milliseconds = int(at.timestamp() * 1000) + offset_seconds * 1000
    deal = {
        "Deal": str(ticket),
        "ExternalID": "",
        "Login": "900001",
        "Dealer": "0",
        "Order": str(ticket + 1),
        "Action": "0",
        "Entry": "0",
        "Reason": "0",
        "Digits": "5",
        "DigitsCurrency": "2",
        "ContractSize": "100000.00",
        "Time": str(milliseconds // 1000),
        "TimeMsc": str(milliseconds),
        "Symbol": "EURUSD",
        "Price": "1.08451",
        "Volume": "12300",
        "VolumeExt": "123000000",
        "Profit": "0.00",
        "Storage": "0.00",
        "Commission": "-4.31",
        "Fee": "0.00",
        "RateProfit": "1.00000000",
        "RateMargin": "1.08451000",
        "ExpertID": "0",
        "PositionID": str(ticket + 1),
        "Comment": "",
        "ProfitRaw": "0.00",
        "PricePosition": "0.00000",
        "PriceSL": "0.00000",
        "PriceTP": "0.00000",
        "VolumeClosed": "0",
        "VolumeClosedExt": "0",
        "TickValue": "0.00",
        "TickSize": "0.00000",
        "Flags": "0",
        "Gateway": "",
        "PriceGateway": "0.00000",
        "ModifyFlags": "0",
        "Value": "0.00",
        "MarketBid": "1.08450",
        "MarketAsk": "1.08451",
        "MarketLast": "0.00000",
        "ApiData": [],
    }
    return {**deal, **{name: value for name, value in fields.items() if value is not None}}


def answer(*deals: Any) -> bytes:
    """Return deals as the bytes of a server's answer."""
    return json.dumps(deals).encode()


async def open_account(
    database: Database,
    tenant: TenantRef,
    *,
    server_id: UUID,
    login: int,
    group_name: str,
    client_id: UUID | None = None,
) -> UUID:
    """Put an offer and an open USD account of a login into the mirror; return the account's id."""
    async with database.tenant(tenant) as session:
        offer = AccountType(
            code=reference("T")[:20],
            version=1,
            name="Standard",
            server_id=server_id,
            group_name=group_name,
            currency="USD",
            leverage_max=500,
            minimum_deposit=100,
            markup_note="",
        )
        session.add(offer)
        await session.flush()
        account = TradingAccount(
            reference=reference("TA"),
            client_id=client_id or uuid7(),
            server_id=server_id,
            login=login,
            account_type_id=offer.id,
            group_name=group_name,
            currency="USD",
            leverage=100,
            state="open",
            open_token=comment_token(),
        )
        session.add(account)
        await session.flush()
        return account.id
