"""Writes on a trading server, each booked once: requested, claimed, sent, searched for.

The protocol is MON6: the intent and its token are committed before the call; whatever is not a
definite answer is unknown and never sent again before two searches, a quiet window apart and
after the request is certain to be dead, found nothing; then it goes out under the same token.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from connectors.trading.port import OpenAccount, TradingConnections
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound, ProductError
from kernel.events import record as record_event
from kernel.failpoints import reach
from kernel.ids import comment_token
from kernel.log import logger
from kernel.money import CurrencyMismatch, Money
from trading import accounts, calls, claims, intents, outcomes, queries, rules
from trading.claims import Claim
from trading.events import PlatformOperationReady
from trading.models import PlatformOperation
from trading.rules import Found, Outcome, Progress, Transition, Windows

_LOG = logger(__name__)
_BATCH = 50
QUIET_SECONDS = 90.0
CASH_KINDS = ("deposit", "withdrawal", "credit")


class AccountNotOpen(Conflict):
    """The trading account has no login yet, or is closed."""

    code = "account_not_open"
    message = "This trading account is not open. Choose another one."


class OperationSettled(Conflict):
    """The operation is not waiting for a person's decision."""

    code = "operation_settled"
    message = "This operation needs no decision any more. Reload the page."


async def request_cash(
    session: TenantSession,
    *,
    account_id: UUID,
    kind: str,
    amount: Money,
    hold_id: UUID | None = None,
    reference: str,
) -> PlatformOperation:
    """Write the intent to book money, in the transaction of its hold; it is sent after commit.

    Raises AccountNotOpen, CurrencyMismatch, and InvalidInput for an amount that is not positive
    or finer than the currency's minor unit.
    """
    if kind not in CASH_KINDS:
        raise ValueError(kind)
    account = await queries.locked_account(session, account_id)
    if account is None:
        raise NotFound
    if account.state != "open" or account.login is None:
        raise AccountNotOpen
    if account.currency != amount.currency:
        raise CurrencyMismatch(first=account.currency, second=amount.currency)
    if amount.amount <= 0 or amount != amount.rounded():
        raise InvalidInput({"amount": "Enter a positive amount without fractions of a cent."})
    operation = PlatformOperation(
        kind=kind,
        server_id=account.server_id,
        account_id=account.id,
        login=account.login,
        amount=amount.amount,
        currency=amount.currency,
        token=comment_token(),
        hold_id=hold_id,
        reference=reference[:40],
        state="ready",
        attempt=0,
        searches=0,
    )
    return await intents.enqueue(session, operation)


async def execute(
    database: Database,
    tenant: TenantRef,
    *,
    operation_id: UUID,
    connections: TradingConnections,
    vault: Vault,
    quiet_seconds: float = QUIET_SECONDS,
) -> None:
    """Send an operation that is ready, and then what else waits for the same login.

    Harmless at any time and from many processes at once: only the holder of a claim sends.
    """
    limits = rules.windows(quiet_seconds)
    following: UUID | None = operation_id
    for _ in range(_BATCH):
        if following is None:
            return
        claim = await claims.take(database, tenant, operation_id=following, limits=limits)
        if claim is None:
            return
        reach("trading.after_claim")
        await _send(database, tenant, claim, connections=connections, vault=vault, limits=limits)
        following = await _next(database, tenant, claim)


async def reconcile(
    database: Database,
    tenant: TenantRef,
    *,
    connections: TradingConnections,
    vault: Vault,
    quiet_seconds: float = QUIET_SECONDS,
) -> int:
    """Look after every operation that is due; return how many were looked at.

    Ready ones are sent, claims left by their holder become unknown, unknown ones are searched.
    """
    limits = rules.windows(quiet_seconds)
    async with database.tenant_read(tenant) as session:
        due = await queries.due_operations(session, limit=_BATCH)
    for operation_id, state in due:
        try:
            if state == "ready":
                await execute(
                    database,
                    tenant,
                    operation_id=operation_id,
                    connections=connections,
                    vault=vault,
                    quiet_seconds=quiet_seconds,
                )
                continue
            if state == "sending":
                async with database.tenant(tenant) as session:
                    await claims.expire(session, operation_id=operation_id)
            await _search(
                database, tenant, operation_id=operation_id, connections=connections, limits=limits
            )
        except Exception:  # noqa: BLE001 - one operation must not keep the others waiting
            _LOG.exception("reconciling failed", tenant=tenant.slug, operation=str(operation_id))
    return len(due)


async def decide(
    session: TenantSession, *, operation_id: UUID, done: bool, ticket: int | None, reason: str
) -> PlatformOperation:
    """Let a person settle a frozen operation after looking at the server.

    Raises NotFound, OperationSettled, and InvalidInput without a reason or without the ticket
    of an operation said to be done.
    """
    operation = await queries.locked_operation(session, operation_id)
    if operation is None:
        raise NotFound
    if operation.state != "frozen":
        raise OperationSettled
    if not reason.strip():
        raise InvalidInput({"reason": "Say what you saw on the server."})
    if done and ticket is None:
        raise InvalidInput({"ticket": "Enter the ticket of the booking on the server."})
    claim = claims.of(operation, started=time.monotonic())
    change = (
        Transition("done", ticket=ticket, reason=reason)
        if done
        else Transition("failed", reason=reason)
    )
    # The decision ends the attempt that froze.
    await outcomes.record(session, claim, change, fact="decided", from_states=frozenset({"frozen"}))
    return operation


async def _send(
    database: Database,
    tenant: TenantRef,
    claim: Claim,
    *,
    connections: TradingConnections,
    vault: Vault,
    limits: Windows,
) -> None:
    try:
        opening = await _opening(database, tenant, claim, vault)
        outcome = await calls.send(connections, claim, opening=opening, limits=limits)
    except ProductError as error:
        outcome = Outcome("not_sent", reason=error.text)
    change = rules.after_call(outcome, claim.attempt, limits)
    if outcome.kind == "applied":
        change = await _verified(connections, claim, outcome, limits)
    async with database.tenant(tenant) as session:
        recorded = await outcomes.record(session, claim, change, fact=outcome.kind)
        # Every answer lies between the call and this commit: the most dangerous moment.
        reach("trading.before_done_commit")
    state = recorded.state if recorded else "superseded"
    _LOG.info(
        "operation sent",
        tenant=tenant.slug,
        operation=str(claim.operation_id),
        state=state,
        attempt=claim.attempt,
    )


async def _opening(
    database: Database, tenant: TenantRef, claim: Claim, vault: Vault
) -> OpenAccount | None:
    """Prepare an opening, with passwords that are stored sealed before they leave."""
    if claim.kind != "open_account":
        return None
    async with database.tenant(tenant) as session:
        return await accounts.prepare_opening(
            session, account_id=claim.account_id, token=claim.token, vault=vault
        )


async def _verified(
    connections: TradingConnections, claim: Claim, outcome: Outcome, limits: Windows
) -> Transition:
    """Read back what the server says it did; an answer alone is not a booking."""
    ticket = outcome.ticket
    assert ticket is not None
    waiting = Transition(
        "unknown",
        wait=rules.early_pause(limits),
        reason=f"answered with ticket {ticket}, not yet seen on the server",
    )
    try:
        if claim.kind == "open_account":
            seen = await calls.login_exists(connections, claim, login=ticket, limits=limits)
            return Transition("done", ticket=ticket) if seen else waiting
        found = await calls.find_cash(
            connections,
            claim,
            moment=claim.attempted_at + timedelta(seconds=limits.lease),
            limits=limits,
        )
    except calls.SearchFailed:
        return waiting
    verdict = rules.judge(found, _wanted(claim))
    if verdict is not None and verdict.state == "done" and verdict.ticket != ticket:
        return Transition("frozen", reason=f"answered with ticket {ticket}, found another")
    return verdict or waiting


async def _search(
    database: Database,
    tenant: TenantRef,
    *,
    operation_id: UUID,
    connections: TradingConnections,
    limits: Windows,
) -> None:
    """Search once for an unknown operation and record what that means."""
    async with database.tenant(tenant) as session:
        operation = await queries.unknown_operation(session, operation_id)
        if operation is None:
            return
        moment = await queries.database_time(session)
        claim = claims.of(operation, started=time.monotonic())
        progress = _progress(operation)
        account = await queries.account(session, operation.account_id)
        group_name = account.group_name if account else ""
        # Others leave it alone while this search runs.
        operation.next_at = moment + timedelta(seconds=3 * limits.call)
    try:
        found = await _found(connections, claim, group_name, moment, limits)
    except calls.SearchFailed:
        pause = rules.early_pause(limits)
        change = Transition(
            "unknown",
            wait=pause,
            reason="the server can't be searched",
            searches=progress.searches,
            missed_at=progress.missed_at,
        )
    else:
        change = rules.judge(found, _wanted(claim)) or rules.after_miss(
            progress, moment.timestamp(), limits
        )
    async with database.tenant(tenant) as session:
        await _record_search(session, claim, progress, change)


async def _record_search(
    session: TenantSession, claim: Claim, progress: Progress, change: Transition
) -> None:
    """Write a search down, unless another search got there first."""
    operation = await queries.locked_operation(session, claim.operation_id)
    if operation is None or operation.state != "unknown" or _progress(operation) != progress:
        return
    conclusive = change.state != "unknown" or change.missed_at != progress.missed_at
    if not conclusive:
        moment = await queries.database_time(session)
        operation.next_at = moment + timedelta(seconds=change.wait)
        operation.error = change.reason or operation.error
        return
    recorded = await outcomes.record(session, claim, change, fact="searched")
    if recorded is not None and change.missed_at is not None:
        recorded.missed_at = datetime.fromtimestamp(change.missed_at, tz=claim.attempted_at.tzinfo)
    if change.state == "ready":
        record_event(session, PlatformOperationReady(operation_id=claim.operation_id))


async def _found(
    connections: TradingConnections,
    claim: Claim,
    group_name: str,
    moment: datetime,
    limits: Windows,
) -> list[Found]:
    if claim.kind != "open_account":
        return await calls.find_cash(connections, claim, moment=moment, limits=limits)
    login = await calls.find_login(
        connections, claim, mask=rules.mask_of(group_name), limits=limits
    )
    if login is None:
        return []
    return [Found(ticket=login, login=0, amount=Decimal(0), action=2)]


def _wanted(claim: Claim) -> rules.Expected:
    if claim.kind == "open_account":
        return rules.Expected(login=0, amount=Decimal(0), action=2)
    assert claim.login is not None
    return rules.expected(claim.kind, claim.login, claim.amount)


def _progress(operation: PlatformOperation) -> Progress:
    assert operation.attempted_at is not None
    return Progress(
        attempted_at=operation.attempted_at.timestamp(),
        searches=operation.searches,
        missed_at=operation.missed_at.timestamp() if operation.missed_at else None,
    )


async def _next(database: Database, tenant: TenantRef, claim: Claim) -> UUID | None:
    if claim.login is None:
        return None
    async with database.tenant_read(tenant) as session:
        return await queries.next_ready(session, server_id=claim.server_id, login=claim.login)
