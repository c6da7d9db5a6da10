"""Claimed operations leave for their server, one after the other, and what came of it is recorded.

Nothing here decides what an answer means: that is rules.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from connectors.trading.port import OpenAccount, TradingConnections
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import ProductError
from kernel.failpoints import reach
from kernel.log import logger
from trading import accounts, calls, outcomes, queries, rules
from trading.claims import Claim
from trading.rules import Outcome, Transition, Windows

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A claim, how its call ended, and what that means."""

    claim: Claim
    outcome: Outcome
    change: Transition


async def send(
    database: Database,
    tenant: TenantRef,
    claims: Sequence[Claim],
    *,
    connections: TradingConnections,
    vault: Vault,
    limits: Windows,
) -> Sequence[UUID]:
    """Send claims of one server, read back what it says it did, and record all in one commit.

    Returns the operations of the same logins that may be sent next.
    """
    sent = []
    for claim in claims:
        outcome = await _called(
            database, tenant, claim, connections=connections, vault=vault, limits=limits
        )
        sent.append(_Sent(claim, outcome, rules.after_call(outcome, claim.attempt, limits)))
    sent = await _verified(connections, sent, limits)
    async with database.tenant(tenant) as session:
        await outcomes.record_batch(
            session, [(one.claim, one.change, one.outcome.kind) for one in sent]
        )
        following = await queries.next_ready(
            session,
            server_id=claims[0].server_id,
            logins=[claim.login for claim in claims if claim.login is not None],
        )
        # Every answer lies between the call and this commit: the most dangerous moment.
        reach("trading.before_done_commit")
    _LOG.info(
        "operations sent",
        tenant=tenant.slug,
        count=len(sent),
        done=sum(one.change.state == "done" for one in sent),
    )
    return following


async def _called(
    database: Database,
    tenant: TenantRef,
    claim: Claim,
    *,
    connections: TradingConnections,
    vault: Vault,
    limits: Windows,
) -> Outcome:
    try:
        opening = await _opening(database, tenant, claim, vault)
        return await calls.send(connections, claim, opening=opening, limits=limits)
    except ProductError as error:
        return Outcome("not_sent", reason=error.text)


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
    connections: TradingConnections, sent: Sequence[_Sent], limits: Windows
) -> list[_Sent]:
    """Read back what the server says it did; an answer alone is not a booking."""
    booked = [
        one.claim
        for one in sent
        if one.outcome.kind == "applied" and one.claim.kind != "open_account"
    ]
    found: dict[UUID, list[rules.Found]] | None = {}
    if booked:
        try:
            found = await calls.read_back(connections, booked, limits=limits)
        except calls.SearchFailed:
            found = None
    checked = []
    for one in sent:
        change = one.change
        if one.outcome.kind == "applied" and one.claim.kind == "open_account":
            change = await _login_seen(connections, one, limits)
        elif one.outcome.kind == "applied":
            change = _booking_seen(one, found, limits)
        checked.append(replace(one, change=change))
    return checked


def _waiting(one: _Sent, limits: Windows) -> Transition:
    return Transition(
        "unknown",
        wait=rules.early_pause(limits),
        reason=f"answered with ticket {one.outcome.ticket}, not yet seen on the server",
    )


def _booking_seen(
    one: _Sent, found: dict[UUID, list[rules.Found]] | None, limits: Windows
) -> Transition:
    claim, ticket = one.claim, one.outcome.ticket
    assert claim.login is not None
    if found is None:
        return _waiting(one, limits)
    wanted = rules.expected(claim.kind, claim.login, claim.amount)
    verdict = rules.judge(found[claim.operation_id], wanted)
    if verdict is not None and verdict.state == "done" and verdict.ticket != ticket:
        return Transition("frozen", reason=f"answered with ticket {ticket}, found another")
    return verdict or _waiting(one, limits)


async def _login_seen(connections: TradingConnections, one: _Sent, limits: Windows) -> Transition:
    ticket = one.outcome.ticket
    assert ticket is not None
    try:
        seen = await calls.login_exists(connections, one.claim, login=ticket, limits=limits)
    except calls.SearchFailed:
        seen = False
    return Transition("done", ticket=ticket) if seen else _waiting(one, limits)
