"""Hot path: what a client owes when a wallet can't give what has already been lost.

Clients' wallets never go below zero. A chargeback takes what is there; the rest stands on
`asset.client_receivable` until it is repaid or written off. The division is made by a function
inside PostgreSQL that holds the wallet, so that nothing leaves it in between.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.database import TenantSession, driver, tagged
from kernel.money import Money
from ledger.entries import actor_of
from ledger.errors import UnpostableEntry, translated
from ledger.lines import Owner

_CLAIM = "SELECT claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_REPAY = "SELECT repay($1, $2, $3, $4, $5)"


async def claim(
    session: TenantSession,
    *,
    key: str,
    kind: str,
    client_id: UUID | str,
    amount: Money,
    credit: tuple[str, Owner],
    reference: str = "",
    external_reference: str | None = None,
    occurred_at: datetime | None = None,
) -> UUID:
    """Post what a client has to give back to an account, and return the entry's id.

    What is available in the wallet is taken, the rest becomes the client's debt. `credit` is the
    code and owner of the account that gets it: the provider's clearing account for a chargeback.
    A repeated key returns the first entry, however much is in the wallet by then. Raises as
    `ledger.entries.post` does, but never InsufficientFunds.
    """
    if amount.amount <= 0 or amount != amount.rounded():
        raise UnpostableEntry(reason="a claim is a positive amount in whole minor units")
    with translated():
        entry_id: UUID = await (await driver(session)).fetchval(
            tagged(session, _CLAIM),
            key,
            kind,
            reference,
            external_reference,
            occurred_at,
            actor_of(session),
            str(client_id),
            amount.currency,
            amount.amount,
            credit[0],
            credit[1][0],
            str(credit[1][1]),
        )
    return entry_id


async def repay(
    session: TenantSession,
    *,
    key: str,
    client_id: UUID | str,
    currency: str,
    reference: str = "",
) -> UUID | None:
    """Pay a client's debt from the wallet as far as it reaches; return the entry, or None.

    None says that nothing is owed or nothing is available. A repeated key returns the first entry.
    """
    with translated():
        entry_id: UUID | None = await (await driver(session)).fetchval(
            tagged(session, _REPAY), key, reference, actor_of(session), str(client_id), currency
        )
    return entry_id
