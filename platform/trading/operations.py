"""Writes on a trading server, each booked once: requested, claimed, sent, searched for.

The protocol is MON6: the intent and its token are committed before the call; whatever is not a
definite answer is unknown and never sent again before two searches, a quiet window apart and
after the request is certain to be dead, found nothing; then it goes out under the same token.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from connectors.trading.port import TradingConnections
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound, ProductError
from kernel.events import record as record_event
from kernel.failpoints import reach
from kernel.ids import comment_token, uuid7
from kernel.log import logger
from kernel.money import CurrencyMismatch, Money
from trading import calls, claims, dispatches, intents, outcomes, queries, rules
from trading.claims import Claim
from trading.events import PlatformOperationReady
from trading.models import PlatformOperation, TradingAccount
from trading.rules import Found, Progress, Transition, Windows

_LOG = logger(__name__)
_BATCH = 50
_ROUNDS_MAX = 50
QUIET_SECONDS = 90.0
CASH_KINDS = ("deposit", "withdrawal", "credit", "credit_out")


class AccountNotOpen(Conflict):
    """The trading account has no login yet, or is closed."""

    code = "account_not_open"
    message = "This trading account is not open. Choose another one."


class OperationSettled(Conflict):
    """The operation is not waiting for a person's decision."""

    code = "operation_settled"
    message = "This operation needs no decision any more. Reload the page."


@dataclass(frozen=True, slots=True)
class CashRequest:
    """Money to be booked on an account of a server: what a hold was set aside for."""

    account_id: UUID
    kind: str
    amount: Money
    reference: str
    hold_id: UUID | None = None


async def request_cash(session: TenantSession, request: CashRequest) -> PlatformOperation:
    """Write the intent to book money, in the transaction of its hold; it is sent after commit.

    Raises NotFound, AccountNotOpen, CurrencyMismatch, and InvalidInput for an amount that is not
    positive or finer than the currency's minor unit.
    """
    [made] = await request_cash_batch(session, [request])
    if isinstance(made, ProductError):
        raise made
    return made


async def request_cash_batch(
    session: TenantSession, requests: Sequence[CashRequest]
) -> list[PlatformOperation | ProductError]:
    """Write many intents; in the place of one that can't be written stands the reason."""
    accounts = await queries.locked_accounts(session, {one.account_id for one in requests})
    made = [_intent(one, accounts.get(one.account_id)) for one in requests]
    intents.enqueue(session, [one for one in made if isinstance(one, PlatformOperation)])
    return made


def _intent(
    request: CashRequest, account: TradingAccount | None
) -> PlatformOperation | ProductError:
    amount = request.amount
    if request.kind not in CASH_KINDS:
        raise ValueError(request.kind)
    if account is None:
        return NotFound()
    if account.state != "open" or account.login is None:
        return AccountNotOpen()
    if account.currency != amount.currency:
        return CurrencyMismatch(first=account.currency, second=amount.currency)
    if amount.amount <= 0 or amount != amount.rounded():
        return InvalidInput({"amount": "Enter a positive amount without fractions of a cent."})
    return PlatformOperation(
        id=uuid7(),
        kind=request.kind,
        server_id=account.server_id,
        account_id=account.id,
        login=account.login,
        amount=amount.amount,
        currency=amount.currency,
        token=comment_token(),
        hold_id=request.hold_id,
        reference=request.reference[:40],
        state="ready",
        attempt=0,
        searches=0,
    )


async def execute(
    database: Database,
    tenant: TenantRef,
    *,
    operation_ids: Sequence[UUID],
    connections: TradingConnections,
    vault: Vault,
    quiet_seconds: float = QUIET_SECONDS,
) -> None:
    """Send the operations that are ready, and then what else waits for the same logins.

    Harmless at any time and from many processes at once: only the holder of a claim sends.
    """
    limits = rules.windows(quiet_seconds)
    following = list(operation_ids)
    for _ in range(_ROUNDS_MAX):
        if not following:
            return
        claimed = await claims.take(database, tenant, operation_ids=following, limits=limits)
        reach("trading.after_claim")
        by_server: dict[UUID, list[Claim]] = {}
        for claim in claimed:
            by_server.setdefault(claim.server_id, []).append(claim)
        # A server that does not answer must not let the claims of another grow old.
        rounds = [
            dispatches.send(
                database, tenant, some, connections=connections, vault=vault, limits=limits
            )
            for some in by_server.values()
        ]
        following = [one for found in await asyncio.gather(*rounds) for one in found]


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
    ready = [operation_id for operation_id, state in due if state == "ready"]
    for operation_id, state in due:
        if state == "ready":
            continue
        try:
            if state == "sending":
                async with database.tenant(tenant) as session:
                    await claims.expire(session, operation_id=operation_id)
            await _search(
                database, tenant, operation_id=operation_id, connections=connections, limits=limits
            )
        except Exception:  # noqa: BLE001 - one operation must not keep the others waiting
            _LOG.exception("reconciling failed", tenant=tenant.slug, operation=str(operation_id))
    try:
        await execute(
            database,
            tenant,
            operation_ids=ready,
            connections=connections,
            vault=vault,
            quiet_seconds=quiet_seconds,
        )
    except Exception:  # noqa: BLE001 - they are looked at again
        _LOG.exception("sending failed", tenant=tenant.slug, operations=len(ready))
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
    reach("trading.after_search")
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
