"""Transfers as clients ask for them: checked, set aside, and done at once where no server is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from clients import queries as client_queries
from clients import restrictions
from kernel.clock import now
from kernel.database import TenantSession, write
from kernel.errors import InvalidInput, NotFound
from kernel.failpoints import reach
from kernel.ids import reference, uuid7
from kernel.language import gettext
from kernel.money import Money
from ledger import bookings, holds
from ledger.errors import KeyReused
from ledger.lines import Owner
from trading import operations
from trading import queries as trading_queries
from trading.models import TradingAccount
from trading.operations import CashRequest
from treasury.transfers import queries, quotes, recipients, transitions
from treasury.transfers.models import FxQuote, Transfer
from treasury.transfers.rules import kind_of, moved


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to move: no account is the wallet.

    `target_currency` is what the money becomes; it needs a quote where it is another one. `key`
    is the request's own: the same key again is the same transfer.
    """

    client_id: UUID
    key: str
    amount: Money
    target_currency: str
    source_account_id: UUID | None = None
    target_account_id: UUID | None = None
    target_client_id: UUID | None = None
    quote_id: UUID | None = None


async def start(session: TenantSession, wish: Wish) -> Transfer:
    """Move money as a client wishes: at once between wallets, else as soon as the servers have.

    A repeated key returns the first transfer. Raises NotFound for what is not the client's,
    InvalidInput beside the field that is wrong, ClientRestricted, SendingIsOff, QuoteExpired,
    QuoteUsed, InsufficientFunds, and KeyReused for a key with another content.
    """
    # One client's transfers go one after the other: keys, caps and quotes are read only once.
    if await client_queries.client_for_update(session, wish.client_id) is None:
        raise NotFound
    known = await queries.transfer_of_key(
        session, client_id=wish.client_id, request_key=wish.key[:80]
    )
    if known is not None:
        if not _same(known, wish):
            raise KeyReused
        return known
    await _check(session, wish)
    quote = await _quote(session, wish)
    transfer_id, named = uuid7(), reference("TRF")
    hold_id = await holds.reserve(
        session,
        key=f"transfer-hold:{transfer_id}",
        code=_source(wish)[0],
        currency=wish.amount.currency,
        owner=_source(wish)[1],
        amount=wish.amount.amount,
        reference=named,
    )
    transfer = Transfer(
        id=transfer_id,
        reference=named,
        request_key=wish.key[:80],
        client_id=wish.client_id,
        kind=_kind(wish),
        source_account_id=wish.source_account_id,
        target_account_id=wish.target_account_id,
        target_client_id=wish.target_client_id,
        amount=wish.amount.amount,
        currency=wish.amount.currency,
        target_amount=quote.bought if quote is not None else wish.amount.amount,
        target_currency=wish.target_currency,
        quote_id=wish.quote_id,
        hold_id=hold_id,
        state="moving",
        reason="",
    )
    session.add(transfer)
    await session.flush()
    await _go(session, transfer, quote)
    # Everything is sent, so that a kill here is a kill right before the commit.
    await write(session)
    reach("treasury.transfer_before_commit")
    return transfer


async def _go(session: TenantSession, transfer: Transfer, quote: FxQuote | None) -> None:
    """Ask the server whose turn it is, or post what needs none."""
    account_id = transfer.source_account_id or transfer.target_account_id
    if account_id is None:
        await _post(session, transfer, quote)
        return
    debits = transfer.source_account_id is not None
    amount = (
        Money(transfer.amount, transfer.currency)
        if debits
        else Money(transfer.target_amount, transfer.target_currency)
    )
    kind = "withdrawal" if debits else "deposit"
    await operations.request_cash(
        session,
        CashRequest(account_id, kind, amount, transfer.reference, transfer.hold_id),
    )
    transitions.started(session, transfer, reason="Set aside; the trading server is asked.")


async def _post(session: TenantSession, transfer: Transfer, quote: FxQuote | None) -> None:
    target = bookings.wallet(transfer.target_client_id or transfer.client_id)
    made = moved(transfer, bookings.wallet(transfer.client_id), target, quote)
    await holds.post(
        session,
        hold_id=transfer.hold_id,
        key=f"transfer:{transfer.id}",
        kind="conversion" if transfer.kind == "conversion" else "transfer",
        lines=made.lines,
        reference=transfer.reference,
        rate=made.rate,
    )
    transfer.state = "done"
    transfer.finished_at = now()
    transitions.started(session, transfer, reason="Moved at once.")


async def _check(session: TenantSession, wish: Wish) -> None:
    """Refuse what can't be moved, before anything is set aside."""
    amount = wish.amount
    if amount != amount.rounded() or amount.amount <= 0:
        raise InvalidInput({"amount": gettext("Enter a positive amount in whole minor units.")})
    source = await _account(session, wish, wish.source_account_id, "source")
    target = await _account(session, wish, wish.target_account_id, "target")
    if source is not None and source.currency != amount.currency:
        raise InvalidInput({"source": gettext("This account is kept in %s.") % source.currency})
    if target is not None and target.currency != wish.target_currency:
        raise InvalidInput({"target": gettext("This account is kept in %s.") % target.currency})
    await _check_way(session, wish)
    if source is not None or wish.target_client_id is not None:
        await restrictions.require_free(session, client_id=wish.client_id, kind="withdraw")
    if target is not None:
        await restrictions.require_free(session, client_id=wish.client_id, kind="deposit")


async def _check_way(session: TenantSession, wish: Wish) -> None:
    converts = wish.amount.currency != wish.target_currency
    if wish.target_client_id is not None:
        if converts or wish.source_account_id is not None or wish.target_account_id is not None:
            raise InvalidInput(
                {"recipient": gettext("Other clients receive from your wallet, in its currency.")}
            )
        await recipients.check(
            session,
            sender_id=wish.client_id,
            recipient_id=wish.target_client_id,
            amount=wish.amount,
        )
    elif wish.source_account_id == wish.target_account_id and (
        wish.source_account_id is not None or not converts
    ):
        raise InvalidInput({"target": gettext("Choose another place than where it comes from.")})


async def _account(
    session: TenantSession, wish: Wish, account_id: UUID | None, field: str
) -> TradingAccount | None:
    if account_id is None:
        return None
    account = await trading_queries.account(session, account_id)
    if account is None or account.client_id != wish.client_id:
        raise NotFound
    if account.state != "open":
        raise InvalidInput({field: gettext("This account is not open yet. Choose another one.")})
    return account


async def _quote(session: TenantSession, wish: Wish) -> FxQuote | None:
    """Use the wish's quote up; it needs one exactly where it converts."""
    if wish.amount.currency == wish.target_currency:
        if wish.quote_id is not None:
            raise quotes.QuoteUsed
        return None
    if wish.quote_id is None:
        raise quotes.QuoteExpired
    return await quotes.use(
        session,
        quote_id=wish.quote_id,
        client_id=wish.client_id,
        amount=wish.amount,
        currency=wish.target_currency,
    )


def _source(wish: Wish) -> tuple[str, Owner]:
    if wish.source_account_id is not None:
        return bookings.trading_account(wish.source_account_id)
    return bookings.wallet(wish.client_id)


def _kind(wish: Wish) -> str:
    return kind_of(
        source_account=wish.source_account_id is not None,
        target_account=wish.target_account_id is not None,
        other_client=wish.target_client_id is not None,
    )


def _same(known: Transfer, wish: Wish) -> bool:
    """Whether a wish under a known key asks for what the key has done."""
    said: Mapping[str, object] = {
        "source_account_id": wish.source_account_id,
        "target_account_id": wish.target_account_id,
        "target_client_id": wish.target_client_id,
        "amount": wish.amount.amount,
        "currency": wish.amount.currency,
        "target_currency": wish.target_currency,
        "quote_id": wish.quote_id,
    }
    return all(getattr(known, name) == value for name, value in said.items())
