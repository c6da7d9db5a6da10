"""Hot path: the step that opens a new brokerage's own accounts, through the book's function."""

from __future__ import annotations

from kernel.database import TenantSession, driver, tagged
from ledger.chart import FIRST_ACCOUNTS
from ledger.errors import translated

_OPEN = "SELECT cardinality(open_accounts($1, $2, $3, $4))"


async def chart_of_accounts(session: TenantSession) -> int:
    """Open the house accounts in the brokerage's base currency; return how many stand open.

    Repeating it changes nothing. Accounts of clients, partners and payment providers, and of
    further currencies, open by themselves when something is first posted to them.
    """
    codes = [code for code, _ in FIRST_ACCOUNTS]
    with translated():
        opened: int = await (await driver(session)).fetchval(
            tagged(session, _OPEN),
            codes,
            [session.info["tenant"].base_currency] * len(codes),
            [owner[0] for _, owner in FIRST_ACCOUNTS],
            [owner[1] for _, owner in FIRST_ACCOUNTS],
        )
    return opened
