"""Short ways to write entries in tests: a wallet that is paid in, and its lines."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from kernel.database import TenantSession
from ledger import entries, queries
from ledger.lines import Line

WALLET = "liability.client_wallet"
CLEARING = "asset.psp_clearing"
TRADING = "liability.trading_account"


def line(code: str, amount: str, owner: tuple[str, str], currency: str = "EUR") -> Line:
    """Return a line of so much, debit positive."""
    return Line(code, currency, owner, Decimal(amount))


def deposit_lines(amount: str, client: str = "c1", currency: str = "EUR") -> list[Line]:
    """Return the lines that pay a client's wallet from a provider."""
    return [
        line(CLEARING, amount, ("psp", "p1"), currency),
        line(WALLET, f"-{amount}", ("client", client), currency),
    ]


async def pay_in(
    session: TenantSession, amount: str, *, client: str = "c1", key: str | None = None
) -> UUID:
    """Post a deposit into a client's wallet in EUR."""
    return await entries.post(
        session,
        key=key or f"deposit:{client}:{amount}",
        kind="deposit",
        lines=deposit_lines(amount, client),
    )


async def wallet(session: TenantSession, client: str = "c1") -> queries.Balance:
    """Return the balance of a client's wallet in EUR."""
    return await queries.balance(session, code=WALLET, currency="EUR", owner=("client", client))
