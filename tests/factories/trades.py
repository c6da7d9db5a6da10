"""A brokerage's trades as its mirror holds them: instruments, groups, accounts and deals."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.ids import comment_token, reference, uuid7
from tests.factories.trading import NOON, answer, clock, wire_deal
from trading import deals as mirror
from trading.models import AccountType, PlatformGroup, PlatformSymbol, TradingAccount

# name: (family, base, profit, contract size, digits)
SYMBOLS = {
    "EURUSD": ("FX Majors", "EUR", "USD", 100_000, 5),
    "GBPUSD": ("FX Majors", "GBP", "USD", 100_000, 5),
    "USDJPY": ("FX Majors", "USD", "JPY", 100_000, 3),
    "EURGBP": ("FX Minors", "EUR", "GBP", 100_000, 5),
    "XAUUSD": ("Metals", "XAU", "USD", 100, 2),
}
_tickets = itertools.count(1000, 10)
_logins = itertools.count(900_001)


class TradingDesk:
    """One trading server of one brokerage."""

    def __init__(self, database: Database, tenant: TenantRef) -> None:
        """Start with an empty server."""
        self.database = database
        self.tenant = tenant
        self.server_id = uuid7()
        self._types: dict[str, tuple[UUID, str, str]] = {}

    async def symbols(self) -> None:
        """Put every instrument into the mirror."""
        async with self.database.tenant(self.tenant) as session:
            for name, (family, base, profit, contract, digits) in SYMBOLS.items():
                point = Decimal(1).scaleb(-digits)
                session.add(
                    PlatformSymbol(
                        server_id=self.server_id,
                        name=name,
                        path=f"{family}\\{name}",
                        description=name,
                        currency_base=base,
                        currency_profit=profit,
                        currency_margin=base,
                        digits=digits,
                        point=point,
                        spread=1,
                        contract_size=Decimal(contract),
                        tick_size=point,
                        tick_value=Decimal(0),
                        lots_min=Decimal("0.01"),
                        lots_max=Decimal(100),
                        lots_step=Decimal("0.01"),
                        swap_long=Decimal(0),
                        swap_short=Decimal(0),
                    )
                )

    async def offer(
        self,
        code: str,
        *,
        points: dict[str, int] | None = None,
        currency: str = "USD",
        folder: str = "real\\alpha",
    ) -> None:
        """Put a group with its mark-up and an account type on it into the mirror."""
        group = f"{folder}\\{code}-{currency}"
        async with self.database.tenant(self.tenant) as session:
            session.add(
                PlatformGroup(
                    server_id=self.server_id,
                    name=group,
                    currency=currency,
                    digits=2,
                    company="Alpha",
                    margin_call=Decimal(100),
                    margin_stop_out=Decimal(50),
                    spread_diffs=points or {},
                    spread_rules=[],
                    commissions=[],
                )
            )
            made = AccountType(
                code=code,
                version=1,
                name=code,
                server_id=self.server_id,
                group_name=group,
                currency=currency,
                leverage_max=500,
                minimum_deposit=Decimal(100),
                markup_note="",
            )
            session.add(made)
            await session.flush()
            self._types[code] = (made.id, group, currency)

    async def account(self, code: str, *, client_id: UUID | None = None) -> int:
        """Open an account of an offer and return its login."""
        type_id, group, currency = self._types[code]
        login = next(_logins)
        async with self.database.tenant(self.tenant) as session:
            session.add(
                TradingAccount(
                    reference=reference("TA"),
                    client_id=client_id or uuid7(),
                    server_id=self.server_id,
                    login=login,
                    account_type_id=type_id,
                    group_name=group,
                    currency=currency,
                    leverage=100,
                    state="open",
                    open_token=comment_token(),
                )
            )
        return login

    async def store(self, *rows: Any, at: datetime = NOON) -> None:
        """Bring deals into the mirror as the puller does."""
        await mirror.store(
            self.database,
            self.tenant,
            server_id=self.server_id,
            answer=answer(*rows),
            clock=clock(at),
            scanned_raw=clock(at).raw,
        )


def deal(login: int, lots: str, **fields: Any) -> Any:
    """Return one side of a trade; `at` is its moment, `ticket` its number if it matters."""
    ticket = fields.pop("ticket", None) or next(_tickets)
    amount = Decimal(lots)
    symbol = fields.setdefault("Symbol", "EURUSD")
    _, _, _, contract, digits = SYMBOLS[symbol]
    defaults = {
        "Login": str(login),
        "Volume": str(int(amount * 10_000)),
        "VolumeExt": str(int(amount * 100_000_000)),
        "ContractSize": str(contract),
        "Digits": str(digits),
        "Commission": "0.00",
    }
    return wire_deal(ticket, **{**defaults, **fields})


def trade(
    login: int,
    lots: str,
    *,
    at: datetime = NOON - timedelta(hours=2),
    held: float = 3600,
    commission: str = "0.00",
    ticket: int | None = None,
    **fields: Any,
) -> tuple[Any, Any]:
    """Return the opening and the closing deal of a position; commission is of each side."""
    opening = ticket or next(_tickets)
    common = {"Commission": commission, "PositionID": str(opening), **fields}
    return (
        deal(login, lots, ticket=opening, at=at, Entry="0", Action="0", **common),
        deal(
            login,
            lots,
            ticket=opening + 1,
            at=at + timedelta(seconds=held),
            Entry="1",
            Action="1",
            **common,
        ),
    )


DAY = datetime(2026, 11, 10, tzinfo=UTC).date()
