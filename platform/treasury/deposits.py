"""Deposits: started by a client, paid at the provider, decided by a person where in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from clients import queries as client_queries
from clients import restrictions
from connectors.payments.port import (
    PaymentProvider,
    PaymentProviders,
    PaymentRefused,
    PaymentRequest,
    PaymentUnknown,
)
from identity import audit
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound, ProductError
from kernel.events import record
from kernel.ids import reference, uuid7
from kernel.language import gettext, marked
from kernel.log import logger
from kernel.money import Money
from trading import queries as trading_queries
from treasury import connections, queries, rules, settlements, transitions
from treasury.events import DepositStarted
from treasury.models import Deposit
from treasury.rules import Fact
from treasury.settlements import Settlement

_LOG = logger(__name__)
_OPEN_MAX = 20


class DepositClosed(Conflict):
    """The deposit is no longer waiting for its payment."""

    code = "deposit_closed"
    message = marked("This deposit is already paid or closed. Start a new one.")


class DepositNotHeld(Conflict):
    """The deposit is not waiting for a person's decision."""

    code = "deposit_not_held"
    message = "This deposit needs no decision any more. Reload the page."


class TooManyOpenDeposits(Conflict):
    """The client has many deposits that were started and never paid."""

    code = "too_many_open_deposits"
    message = marked("You have many unpaid deposits. Pay one of them, or wait until they expire.")


class ProviderRefused(ProductError):
    """The payment provider said no for certain; the deposit has failed."""

    code = "provider_refused"
    status = 502
    message = marked(
        "The payment provider refused this payment. Start a new deposit or choose another."
    )


class ProviderUnavailable(ProductError):
    """The payment provider gave no clear answer; the same deposit can be tried again."""

    code = "provider_unavailable"
    status = 503
    message = marked(
        "The payment provider does not answer. Nothing was charged; try again in a minute."
    )


async def start(
    session: TenantSession,
    *,
    client_id: UUID,
    account_id: UUID | None,
    amount: Money,
    connection_id: UUID,
) -> Deposit:
    """Record that a client wants to pay in, to a trading account of theirs or to the wallet.

    Raises InvalidInput for an amount outside the connection's limits or an account that can't
    take it, ClientRestricted, TooManyOpenDeposits, and NotFound for what is not the client's.
    """
    await restrictions.require_free(session, client_id=client_id, kind="deposit")
    limits = await queries.limits(session, connection_id=connection_id, currency=amount.currency)
    if limits is None:
        raise InvalidInput(
            {"currency": gettext("Choose a currency that this payment method takes.")}
        )
    rules.check_amount(amount, smallest=limits.smallest, largest=limits.largest)
    if account_id is not None:
        await _check_account(session, client_id=client_id, account_id=account_id, amount=amount)
    if await queries.count_open(session, client_id=client_id) >= _OPEN_MAX:
        raise TooManyOpenDeposits
    deposit = Deposit(
        id=uuid7(),
        reference=reference("DEP"),
        client_id=client_id,
        trading_account_id=account_id,
        connection_id=connection_id,
        amount=amount.amount,
        currency=amount.currency,
        state="created",
        reason="",
    )
    session.add(deposit)
    # The trail refers to the deposit's row.
    await session.flush()
    transitions.remember(session, deposit, from_state=None, reason="Started.")
    audit.record(
        session,
        "treasury.deposit_created",
        subject=("deposit", deposit.id),
        after={"state": "created", **amount.as_json()},
    )
    record(session, DepositStarted(deposit.id, client_id, amount.amount, amount.currency))
    return deposit


async def create_payment(
    database: Database,
    tenant: TenantRef,
    *,
    deposit_id: UUID,
    payments: PaymentProviders,
    vault: Vault,
    return_url: str,
    cancel_url: str,
) -> str:
    """Create the payment at the provider and return where to send the payer.

    Called again it returns the same payment, because the key is the deposit's. The call to the
    provider stands between two transactions. Raises DepositClosed, ProviderRefused (the deposit
    has failed) or ProviderUnavailable (try again).
    """
    async with database.tenant_read(tenant) as session:
        order = await _order(session, deposit_id, payments=payments, vault=vault)
        email = await _email(session, order.deposit.client_id)
    deposit = order.deposit
    try:
        async with connections.closing(order.provider) as provider:
            payment = await provider.create_payment(
                PaymentRequest(
                    reference=deposit.reference,
                    amount=Money(deposit.amount, deposit.currency),
                    description=f"{tenant.name} {deposit.reference}",
                    customer_email=email,
                    return_url=return_url,
                    cancel_url=cancel_url,
                    idempotency_key=f"deposit-{deposit.id}",
                )
            )
    except PaymentUnknown:
        raise ProviderUnavailable from None
    except PaymentRefused as refusal:
        _LOG.warning("a payment was refused", tenant=tenant.slug, reason=refusal.code)
        async with database.tenant(tenant) as writing:
            await _fail(writing, deposit_id, f"The provider refused: {refusal.code}")
        raise ProviderRefused from None
    async with database.tenant(tenant) as writing:
        locked = await _locked(writing, deposit_id)
        # An event may have been faster than the answer; it has named the same payment.
        if locked.provider_reference is None:
            locked.provider_reference = payment.provider_reference
            transitions.remember(
                writing, locked, from_state=locked.state, reason="Sent to the provider."
            )
    return payment.redirect_url


async def refresh(
    database: Database,
    tenant: TenantRef,
    *,
    deposit_id: UUID,
    payments: PaymentProviders,
    vault: Vault,
) -> str:
    """Ask the provider what became of an open deposit, for events that got lost; return its state.

    A provider that does not answer leaves everything as it was.
    """
    async with database.tenant_read(tenant) as session:
        deposit = await queries.deposit(session, deposit_id)
        if deposit is None:
            raise NotFound
        if deposit.state not in rules.OPEN or deposit.provider_reference is None:
            return deposit.state
        order = await _order(session, deposit_id, payments=payments, vault=vault)
    try:
        async with connections.closing(order.provider) as provider:
            status = await provider.query(deposit.provider_reference)
    except (PaymentRefused, PaymentUnknown) as error:
        _LOG.warning("a provider was asked in vain", tenant=tenant.slug, error=type(error).__name__)
        return deposit.state
    if status.reference != deposit.reference:
        return deposit.state
    async with database.tenant(tenant) as writing:
        locked = await _locked(writing, deposit_id)
        fact = Fact(status.state, status.provider_reference, status.amount, status.fee)
        await settlements.apply(writing, [(locked, fact)])
        await writing.refresh(locked)
        return locked.state


async def collect_fee(
    database: Database,
    tenant: TenantRef,
    *,
    deposit_id: UUID,
    payments: PaymentProviders,
    vault: Vault,
) -> None:
    """Book the provider's fee of a settled deposit, once it can name it.

    Raises PaymentUnknown when the provider does not answer, so that the job comes again.
    """
    async with database.tenant_read(tenant) as session:
        deposit = await queries.deposit(session, deposit_id)
        if deposit is None or deposit.fee is not None or deposit.provider_reference is None:
            return
        provider = await _provider(session, deposit, payments=payments, vault=vault)
    try:
        async with connections.closing(provider):
            status = await provider.query(deposit.provider_reference)
    except PaymentRefused:
        return
    if status.fee is None:
        return
    async with database.tenant(tenant) as writing:
        locked = await _locked(writing, deposit_id)
        if locked.fee is None:
            await settlements.book_fee(writing, locked, status.fee)


async def decide(session: TenantSession, *, deposit_id: UUID, credit: bool, reason: str) -> Deposit:
    """Let a person settle a held deposit: credit what was paid, or close it as failed.

    Raises NotFound, DepositNotHeld, and InvalidInput without a reason or when the paid amount is
    unknown or in another currency than the deposit.
    """
    deposit = await _locked(session, deposit_id)
    if deposit.state != "held":
        raise DepositNotHeld
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, for the trail."})
    if not credit:
        transitions.move(session, deposit, "failed", reason=reason)
        return deposit
    if deposit.settled_amount is None or deposit.settled_currency != deposit.currency:
        raise InvalidInput(
            {"reason": "Paid in another currency: return it at the provider and close it here."}
        )
    fee = None
    if deposit.fee is not None and deposit.fee_currency is not None:
        fee = Money(deposit.fee, deposit.fee_currency)
    paid = Money(deposit.settled_amount, deposit.currency)
    await settlements.settle(
        session, [Settlement(deposit, paid, fee, deposit.provider_reference, reason)]
    )
    await session.refresh(deposit)
    return deposit


@dataclass(frozen=True, slots=True)
class _Order:
    deposit: Deposit
    provider: PaymentProvider


async def _order(
    session: queries.Session, deposit_id: UUID, *, payments: PaymentProviders, vault: Vault
) -> _Order:
    deposit = await queries.deposit(session, deposit_id)
    if deposit is None:
        raise NotFound
    if deposit.state not in rules.OPEN:
        raise DepositClosed
    return _Order(deposit, await _provider(session, deposit, payments=payments, vault=vault))


async def _provider(
    session: queries.Session, deposit: Deposit, *, payments: PaymentProviders, vault: Vault
) -> PaymentProvider:
    connection = await queries.connection(session, deposit.connection_id)
    if connection is None:
        raise NotFound
    return connections.provider_of(session, connection, payments=payments, vault=vault)


async def _check_account(
    session: TenantSession, *, client_id: UUID, account_id: UUID, amount: Money
) -> None:
    account = await trading_queries.account(session, account_id)
    if account is None or account.client_id != client_id:
        raise NotFound
    if account.state != "open":
        raise InvalidInput(
            {"account": gettext("This account is not open yet. Choose another one.")}
        )
    if account.currency != amount.currency:
        raise InvalidInput({"currency": gettext("This account is kept in %s.") % account.currency})


async def _locked(session: TenantSession, deposit_id: UUID) -> Deposit:
    deposit = await queries.locked_deposit(session, deposit_id)
    if deposit is None:
        raise NotFound
    return deposit


async def _fail(session: TenantSession, deposit_id: UUID, reason: str) -> None:
    deposit = await _locked(session, deposit_id)
    if deposit.state in rules.OPEN:
        transitions.move(session, deposit, "failed", reason=reason)


async def _email(session: queries.Session, client_id: UUID) -> str:
    client = await client_queries.client(session, client_id)
    return client.email if client is not None else ""
