"""What the rules need to know about a client and a wish, read from where it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clients import restrictions
from clients.models import Client
from clients.restrictions import ClientRestricted
from connectors.payments.engine import provider_files
from connectors.payments.engine.definitions import Provider
from connectors.payments.engine.failures import ProviderUnknown
from kernel.clock import now
from kernel.database import ReadSession, TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.language import gettext
from kernel.money import Money, round_half_up
from ledger import chart
from ledger import queries as ledger_queries
from trading import queries as trading_queries
from trading.models import TradingAccount
from treasury import queries as treasury_queries
from treasury.rates import queries as rate_queries
from treasury.rates.rules import RateMissing, RateStale
from treasury.withdrawals import queries, rules
from treasury.withdrawals.models import Withdrawal, WithdrawalDestination
from treasury.withdrawals.queries import Returnable
from treasury.withdrawals.rules import Facts, Payee, Source, Way

Session = TenantSession | ReadSession
# More than any ladder's limit: what has no rate is looked at by everybody.
_UNKNOWN_WORTH = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants: how much, from the wallet or an account, and to whom the rest."""

    amount: Money
    account_id: UUID | None
    destination_id: UUID | None


async def gather(
    session: Session, client: Client, wish: Wish, *, but: Withdrawal | None = None
) -> tuple[Facts, bool]:
    """Return the facts about a wish, and whether there are deposits in other currencies.

    `but` is the withdrawal that the wish has become: what it holds itself is no obstacle to it.
    Raises NotFound for what is not the client's, InvalidInput for an account that is not open or
    of another currency.
    """
    available, account, positions = await _available(session, client, wish, but)
    deposits = await queries.returnable(
        session,
        client.id,
        since=now() - rules.SOURCE_WINDOW,
        but=but.id if but is not None else None,
    )
    sources, gone, other = _sources(deposits, wish.amount.currency)
    payee, fee = await _payee(session, client, wish)
    facts = Facts(
        amount=wish.amount,
        name=client.name,
        withdrawable=available,
        from_account=account is not None,
        open_positions=positions,
        kyc_level=client.kyc_level,
        restricted=await _restricted(session, client.id),
        pending=0 if but is not None else await queries.count_pending(session, client.id),
        sources=sources,
        payee=payee,
        gone=gone,
        fee=fee,
        now=now(),
    )
    return facts, other


async def base_amount(session: Session, amount: Money) -> tuple[Decimal, bool]:
    """Return an amount in the base currency, and whether there was a rate to tell by."""
    base = session.info["tenant"].base_currency
    if amount.currency == base:
        return amount.amount, True
    try:
        quote = await rate_queries.rate(session, sell=amount.currency, buy=base)
    except (RateMissing, RateStale):
        return _UNKNOWN_WORTH, False
    return round_half_up(amount.amount * quote.mid, base), True


async def _available(
    session: Session, client: Client, wish: Wish, but: Withdrawal | None
) -> tuple[Decimal, TradingAccount | None, bool]:
    """Return what the source gives now, its account, and whether positions are open on it."""
    currency = wish.amount.currency
    if wish.account_id is None:
        balance = await ledger_queries.balance(
            session, code=chart.CLIENT_WALLET, currency=currency, owner=("client", client.id)
        )
        held = but.amount if but is not None and but.trading_account_id is None else Decimal(0)
        return balance.available + held, None, False
    account = await _account(session, wish.account_id)
    if account is None or account.client_id != client.id:
        raise NotFound
    if account.state != "open" or account.login is None:
        raise InvalidInput({"source": gettext("This account is not open. Choose another one.")})
    if account.currency != currency:
        raise InvalidInput({"amount": gettext("This account is kept in %s.") % account.currency})
    positions = bool(
        await trading_queries.positions_of(
            session, server_id=account.server_id, login=account.login
        )
    )
    free = rules.withdrawable(
        free_margin=account.margin_free,
        credit=account.credit,
        open_positions=positions,
        currency=currency,
    )
    asked = await queries.undebited(session, account.id, but=but.id if but is not None else None)
    return max(free - asked, Decimal(0)), account, positions


async def _account(session: Session, account_id: UUID) -> TradingAccount | None:
    """Return an account as it is now; whoever may write waits for others who ask of it."""
    if isinstance(session, TenantSession):
        await trading_queries.locked_accounts(session, {account_id})
    return await trading_queries.account(session, account_id)


def _sources(deposits: Sequence[Returnable], currency: str) -> tuple[list[Source], list[str], bool]:
    sources: list[Source] = []
    gone: list[str] = []
    other = False
    for one in deposits:
        remaining = (one.deposit.settled_amount or Decimal(0)) - Decimal(one.returned)
        if remaining <= 0:
            continue
        if one.deposit.currency != currency:
            other = True
            continue
        way = _way_back(one)
        if way is None:
            if one.connection.name not in gone:
                gone.append(one.connection.name)
            continue
        sources.append(
            Source(one.deposit.id, one.connection.id, one.connection.name, remaining, way)
        )
    return sources, gone, other


def _way_back(one: Returnable) -> Way | None:
    """Return how a deposit goes back, or None when it can't; by hand where no file tells."""
    provider = provider_of(one.connection.provider)
    if one.connection.state != "active":
        return None
    if provider is None:
        return "manual"
    if provider.capabilities.refund and one.deposit.provider_reference:
        return "refund"
    # An address that coins came from is the exchange's: they go to one that the client saves.
    return None if provider.capabilities.withdraw == "api" else "manual"


async def _payee(session: Session, client: Client, wish: Wish) -> tuple[Payee | None, Decimal]:
    if wish.destination_id is None:
        return None, Decimal(0)
    found = await queries.destination(session, wish.destination_id)
    if found is None or found.client_id != client.id:
        raise NotFound
    way, usable = await _way_to(session, found, wish.amount.currency)
    payee = Payee(
        id=found.id,
        label=f"{found.label} {found.hint}",
        holder=found.holder,
        fingerprint=found.fingerprint,
        confirmed_at=found.confirmed_at,
        created_at=found.created_at,
        connection_id=found.connection_id,
        way=way,
        usable=usable and found.removed_at is None,
        used=await queries.was_paid(session, found.id),
    )
    return payee, await queries.fee(session, found.kind, wish.amount.currency)


async def _way_to(
    session: Session, found: WithdrawalDestination, currency: str
) -> tuple[Way, bool]:
    """Return how a payee is paid, and whether that works now."""
    if found.connection_id is None:
        return "manual", True
    connection = await treasury_queries.connection(session, found.connection_id)
    provider = provider_of(connection.provider) if connection is not None else None
    usable = await queries.takes(session, found.connection_id, currency)
    pays = provider is not None and provider.capabilities.withdraw == "api"
    return ("payout" if pays else "manual"), usable


def provider_of(provider_id: str) -> Provider | None:
    """Return a provider's file, or None when there is none (any more)."""
    try:
        return provider_files.load(provider_id)
    except ProviderUnknown:
        return None


async def _restricted(session: Session, client_id: UUID) -> str:
    try:
        await restrictions.require_free(session, client_id=client_id, kind="withdraw")
    except ClientRestricted as paused:
        return paused.text
    return ""
