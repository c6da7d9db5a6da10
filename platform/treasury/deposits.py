"""Deposits: started by a client, paid at the provider, decided by a person where in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clients import queries as client_queries
from clients import restrictions
from clients.models import Client
from connectors.payments.engine import provider_files, routing
from connectors.payments.engine.answers import SoftDecline
from connectors.payments.engine.definitions import Provider
from connectors.payments.engine.port import Step
from connectors.payments.port import PaymentError, PaymentRefused, PaymentUnknown
from identity import audit
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound, ProductError
from kernel.events import record
from kernel.failpoints import reach as reach_point
from kernel.ids import reference, uuid7
from kernel.language import gettext, marked
from kernel.log import logger
from kernel.money import Money
from trading import queries as trading_queries
from treasury import connections, orders, queries, rules, settlements, transitions, words
from treasury.connections import Reach
from treasury.events import DepositStarted
from treasury.models import Deposit, DepositAttempt
from treasury.offers import limits, ways
from treasury.offers import queries as offer_queries
from treasury.offers.ways import Payer, Way

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


class PaymentUncertain(ProductError):
    """The provider may have heard, and can't be told the same thing twice without harm."""

    code = "payment_uncertain"
    status = 409
    message = marked(
        "We don't know yet whether the provider has this payment. If you see nothing of it in a few"
        " minutes, start a new deposit."
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the payer comes from and goes back to."""

    done: str
    cancel: str
    ip: str = ""


async def start(
    session: TenantSession,
    *,
    client_id: UUID,
    account_id: UUID | None,
    amount: Money,
    connection_id: UUID | None = None,
    title: str = "",
) -> Deposit:
    """Record that a client wants to pay in, to a trading account of theirs or to the wallet.

    The way is the best one of a title, or the one of a connection. Raises InvalidInput for an
    amount that no way takes, beyond a limit, or an account that can't take it; ClientRestricted,
    TooManyOpenDeposits, and NotFound for what is not the client's.
    """
    await restrictions.require_free(session, client_id=client_id, kind="deposit")
    client = await _client(session, client_id)
    payer = Payer(client.country, client.kyc_level)
    way = await _way(session, payer, title=title, connection_id=connection_id, amount=amount)
    await limits.check(
        session, client_id=client_id, payer=payer, title=way.title, amount=amount, now=now()
    )
    if account_id is not None:
        await _check_account(session, client_id=client_id, account_id=account_id, amount=amount)
    if await queries.count_open(session, client_id=client_id) >= _OPEN_MAX:
        raise TooManyOpenDeposits
    deposit = Deposit(
        id=uuid7(),
        reference=reference("DEP"),
        client_id=client_id,
        trading_account_id=account_id,
        connection_id=way.connection_id,
        method=way.method.id,
        amount=amount.amount,
        currency=amount.currency,
        payable=way.price(amount).payer_sends.amount,
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
    database: Database, tenant: TenantRef, *, deposit_id: UUID, reach: Reach, place: Place
) -> Step:
    """Create the payment at the provider and return what the payer sees next.

    Called again it returns the same step. That the provider is asked is committed before it is
    called, and its answer afterwards. A soft decline tries the next connection of the same way.
    Raises DepositClosed, ProviderRefused (the deposit has failed), ProviderUnavailable (try
    again) or PaymentUncertain (it may have been heard, and must not be said twice).
    """
    while True:
        async with database.tenant(tenant) as session:
            deposit = await _locked(session, deposit_id)
            if deposit.state not in rules.OPEN:
                raise DepositClosed
            if shown := words.step_of(deposit.step):
                return shown
            await _note_asking(session, deposit)
            gateway, order = await orders.of_deposit(
                session, deposit, reach=reach, done=place.done, cancel=place.cancel, ip=place.ip
            )
        reach_point("treasury.before_payment")
        try:
            async with connections.closing(gateway):
                step = await gateway.deposit(order)
        except PaymentUnknown:
            await _note(database, tenant, deposit_id, "broken", "")
            raise ProviderUnavailable from None
        except PaymentRefused as refusal:
            _LOG.warning("a payment was refused", tenant=tenant.slug, reason=refusal.code)
            if await _declined(database, tenant, deposit_id, refusal):
                continue
            raise ProviderRefused from None
        reach_point("treasury.after_payment")
        async with database.tenant(tenant) as session:
            return await _shown(session, deposit_id, step)


async def _note_asking(session: TenantSession, deposit: Deposit) -> None:
    """Write down that the provider is about to be asked.

    Raises PaymentUncertain when it was, without an answer, and repeating is not safe there.
    """
    tried = await offer_queries.attempts_of(session, deposit_id=deposit.id)
    here = [one for one in tried if one.connection_id == deposit.connection_id]
    provider = await _file(session, deposit)
    careless = provider is not None and provider.capabilities.idempotency == "none"
    if careless and here and here[-1].outcome in ("asked", "broken"):
        raise PaymentUncertain
    session.add(_attempt(deposit, "asked"))


def _attempt(deposit: Deposit, outcome: str, code: str = "") -> DepositAttempt:
    return DepositAttempt(
        id=uuid7(),
        deposit_id=deposit.id,
        connection_id=deposit.connection_id,
        outcome=outcome,
        code=code[:60],
    )


async def _note(
    database: Database, tenant: TenantRef, deposit_id: UUID, outcome: str, code: str
) -> None:
    async with database.tenant(tenant) as session:
        session.add(_attempt(await _locked(session, deposit_id), outcome, code))


async def _shown(session: TenantSession, deposit_id: UUID, step: Step) -> Step:
    """Keep what the payer sees; an event may have been faster than the answer."""
    deposit = await _locked(session, deposit_id)
    session.add(_attempt(deposit, "good"))
    if known := words.step_of(deposit.step):
        return known
    deposit.step = words.kept(step)
    if deposit.session_ref is None:
        deposit.session_ref = step.session_ref[:200] or None
    transitions.remember(session, deposit, from_state=deposit.state, reason="Sent to the provider.")
    return step


async def _declined(
    database: Database, tenant: TenantRef, deposit_id: UUID, refusal: PaymentRefused
) -> bool:
    """Note a definite no and turn to the next connection; say whether there is one."""
    async with database.tenant(tenant) as session:
        deposit = await _locked(session, deposit_id)
        session.add(_attempt(deposit, "declined", refusal.code))
        await session.flush()
        if deposit.state not in rules.OPEN:
            return False
        if isinstance(refusal, SoftDecline) and (other := await _next_way(session, deposit)):
            reason = f"Declined by one provider ({refusal.code}), tried at {other.connection}."
            deposit.connection_id, deposit.method = other.connection_id, other.method.id
            deposit.payable = other.price(
                Money(deposit.amount, deposit.currency)
            ).payer_sends.amount
            transitions.remember(session, deposit, from_state=deposit.state, reason=reason)
            return True
        transitions.move(session, deposit, "failed", reason=f"The provider refused: {refusal.code}")
        return False


async def _next_way(session: TenantSession, deposit: Deposit) -> Way | None:
    """Return the next connection for a payment that was softly declined; not a dearer one."""
    client = await _client(session, deposit.client_id)
    payer = Payer(client.country, client.kyc_level)
    amount = Money(deposit.amount, deposit.currency)
    own = await ways.ways(session, payer=payer, connection_id=deposit.connection_id)
    title = next((one.title for one in own if one.method.id == deposit.method), "")
    if not title:
        return None
    found = await ways.route(session, title=title, amount=amount, payer=payer, now=now())
    attempts = await offer_queries.attempts_of(session, deposit_id=deposit.id)
    asked = {one.connection_id for one in attempts}
    tried = [way.id for way in found if way.connection_id in asked]
    # What the payer was quoted is what the payer pays.
    open_ways = [
        way.id
        for way in found
        if way.id in tried or way.price(amount).payer_sends == deposit.ordered
    ]
    chosen = routing.after_decline(open_ways, tried, soft=True)
    return next((way for way in found if way.id == chosen), None)


async def refresh(database: Database, tenant: TenantRef, *, deposit_id: UUID, reach: Reach) -> str:
    """Ask the provider what became of an open deposit, for events that got lost; return its state.

    A provider that does not answer leaves everything as it was.
    """
    async with database.tenant_read(tenant) as session:
        deposit = await queries.deposit(session, deposit_id)
        if deposit is None:
            raise NotFound
        if deposit.state not in rules.OPEN or deposit.step is None:
            return deposit.state
        gateway, order = await orders.of_deposit(session, deposit, reach=reach)
        environments = await offer_queries.environments(session, [deposit.connection_id])
    try:
        async with connections.closing(gateway):
            standing = await gateway.query(order)
    except PaymentError as error:
        _LOG.warning("a provider was asked in vain", tenant=tenant.slug, error=type(error).__name__)
        return deposit.state
    async with database.tenant(tenant) as writing:
        locked = await _locked(writing, deposit_id)
        environment = environments[locked.connection_id]
        fact = words.fact_of(locked, standing, environment=environment)
        await settlements.apply(writing, [(locked, fact)])
        await writing.refresh(locked)
        return locked.state


async def collect_fee(
    database: Database, tenant: TenantRef, *, deposit_id: UUID, reach: Reach
) -> None:
    """Book the provider's fee of a settled deposit, once it can name it.

    Raises PaymentUnknown when the provider does not answer, so that the job comes again.
    """
    async with database.tenant_read(tenant) as session:
        deposit = await queries.deposit(session, deposit_id)
        if deposit is None or deposit.fee is not None:
            return
        provider = await _file(session, deposit)
        if provider is None or not _names_fees(provider):
            return
        gateway, order = await orders.of_deposit(session, deposit, reach=reach)
    try:
        async with connections.closing(gateway):
            standing = await gateway.query(order)
    except PaymentRefused:
        return
    if standing.fee is None:
        return
    async with database.tenant(tenant) as writing:
        locked = await _locked(writing, deposit_id)
        if locked.fee is None:
            await settlements.book_fee(writing, locked, standing.fee)


def _names_fees(provider: Provider) -> bool:
    """Whether a provider says what it keeps when it is asked."""
    query = provider.operations.get("query")
    return bool(provider.adapter) or (query is not None and "fee" in query.answer.fields)


async def decide(
    session: TenantSession,
    *,
    deposit_id: UUID,
    credit: bool,
    reason: str,
    amount: Decimal | None = None,
) -> Deposit:
    """Let a person settle a held deposit: credit what was paid, or close it as failed.

    `amount` is what came, in the deposit's currency, where the provider has not said it so (a
    coin's amount, a bank's line). Raises NotFound, DepositNotHeld, and InvalidInput without a
    reason, or where the amount is unknown or contradicts what the provider named.
    """
    deposit = await _locked(session, deposit_id)
    if deposit.state != "held":
        raise DepositNotHeld
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, for the trail."})
    if not credit:
        transitions.move(session, deposit, "failed", reason=reason)
        return deposit
    paid = _came(deposit, amount)
    fee = None
    if deposit.fee is not None and deposit.fee_currency is not None:
        fee = Money(deposit.fee, deposit.fee_currency)
    await settlements.settle(
        session,
        [settlements.settlement_of(deposit, paid, fee, deposit.provider_reference, reason)],
    )
    await session.refresh(deposit)
    return deposit


async def hold(session: TenantSession, *, deposit_id: UUID, reason: str) -> Deposit:
    """Let a person take an open deposit over, to decide about it; raise DepositClosed."""
    deposit = await _locked(session, deposit_id)
    if deposit.state not in rules.OPEN:
        raise DepositClosed
    transitions.move(session, deposit, "held", reason=reason)
    return deposit


def _came(deposit: Deposit, typed: Decimal | None) -> Money:
    """Return what is credited of a held deposit; raise InvalidInput where nobody knows it."""
    known = deposit.settled_amount
    if known is not None and deposit.settled_currency == deposit.currency:
        if typed is not None and typed != known:
            raise InvalidInput({"amount": "The provider named another amount. Leave this empty."})
        return Money(known, deposit.currency)
    if typed is None:
        raise InvalidInput(
            {"amount": f"Enter what came in {deposit.currency}, or return it and close this."}
        )
    paid = Money(typed, deposit.currency)
    if typed <= 0 or paid != paid.rounded():
        raise InvalidInput({"amount": f"Enter an amount that {deposit.currency} is paid in."})
    return paid


async def _way(
    session: TenantSession,
    payer: Payer,
    *,
    title: str,
    connection_id: UUID | None,
    amount: Money,
) -> Way:
    """Return the way that a payment takes first; raise InvalidInput where there is none."""
    found = await ways.ways(session, payer=payer, title=title, connection_id=connection_id)
    if not found:
        raise InvalidInput({"method": gettext("This payment method is not open to you.")})
    taking = [way for way in found if way.currency == amount.currency]
    if not taking:
        raise InvalidInput(
            {"currency": gettext("Choose a currency that this payment method takes.")}
        )
    smallest = min((way.smallest for way in taking), key=_size)
    largest = max((way.largest for way in taking), key=_size)
    rules.check_amount(amount, smallest=smallest, largest=largest)
    if connection_id is not None:
        return taking[0]
    return await _best(session, taking, payer, amount)


async def _best(session: TenantSession, taking: Sequence[Way], payer: Payer, amount: Money) -> Way:
    title = taking[0].title
    routed = await ways.route(session, title=title, amount=amount, payer=payer, now=now())
    if not routed:
        raise InvalidInput({"amount": gettext("No provider takes this amount now. Try another.")})
    return routed[0]


def _size(money: Money) -> Decimal:
    return money.amount


async def _file(session: queries.Session, deposit: Deposit) -> Provider | None:
    connection = await queries.connection(session, deposit.connection_id)
    return None if connection is None else provider_files.catalogue().get(connection.provider)


async def _client(session: queries.Session, client_id: UUID) -> Client:
    client = await client_queries.client(session, client_id)
    if client is None:
        raise NotFound
    return client


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
