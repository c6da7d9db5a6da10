"""The calls behind an operation: every way they can end becomes an outcome or a finding.

Nothing here touches the database, and nothing here decides what happens next: that is rules.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from connectors.trading.port import (
    CashKind,
    OpenAccount,
    RateLimited,
    Refused,
    TradingConnection,
    TradingConnections,
    TradingError,
    Unreachable,
)
from kernel.failpoints import reach
from kernel.log import logger
from trading import rules
from trading.claims import Claim
from trading.rules import SKEW_SECONDS, Found, Outcome, Windows

_LOG = logger(__name__)
_KINDS: dict[str, CashKind] = {
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "credit": "credit",
    "credit_out": "credit_out",
}


class SearchFailed(Exception):
    """The server could not be searched: nothing was learned."""


async def send(
    connections: TradingConnections,
    claim: Claim,
    *,
    opening: OpenAccount | None,
    limits: Windows,
) -> Outcome:
    """Send one claimed operation once, within the limits; never raises for the server's sake."""
    connection = await _connected(connections, claim.server_id, limits)
    if connection is None:
        return Outcome("not_sent", reason="the server can't be reached")
    if claim.age > limits.slack:
        return Outcome("not_sent", reason="the claim grew old before the call")
    reach("trading.before_call")
    try:
        async with asyncio.timeout(limits.call):
            if opening is not None:
                ticket = await connection.open_account(opening)
            else:
                ticket = await _cash(connection, claim)
    except Refused as refusal:
        return Outcome("refused", reason=f"{refusal.code}: {refusal.advice}"[:200])
    except RateLimited:
        return Outcome("not_sent", reason="the server asked to slow down")
    except Unreachable:
        return Outcome("not_sent", reason="the server can't be reached")
    except TimeoutError:
        # A request that still waits on the connection must die with it.
        await drop(connection)
        return Outcome("unknown", reason="no answer in time")
    except Exception as error:  # noqa: BLE001 - whatever it is, the request may have been applied
        _LOG.warning("a write ended in an unknown way", error=type(error).__name__)
        await drop(connection)
        return Outcome("unknown", reason="no usable answer")
    reach("trading.after_call")
    return Outcome("applied", ticket=ticket)


async def find_cash(
    connections: TradingConnections,
    claim: Claim,
    *,
    moment: datetime,
    limits: Windows,
) -> list[Found]:
    """Search the server for what stands under the claim's token; raise SearchFailed.

    The window runs from the attempt to the moment given, widened at both ends by the skew and
    by how far the server's clock is from the database's, which both moments are of.
    """
    assert claim.login is not None
    connection = await _connected(connections, claim.server_id, limits)
    if connection is None:
        raise SearchFailed
    skew = timedelta(seconds=SKEW_SECONDS)
    try:
        async with asyncio.timeout(limits.call):
            drift = (await connection.server_time()).utc - moment
            since = claim.attempted_at - skew + min(drift, timedelta())
            until = moment + skew + max(drift, timedelta())
            deals = await connection.find_cash(claim.login, claim.token, since, until)
    except (TradingError, TimeoutError) as error:
        raise SearchFailed from error
    return [
        Found(ticket=deal.ticket, login=deal.login, amount=deal.amount, action=deal.action)
        for deal in deals
        if deal.comment.startswith(claim.token)
    ]


async def read_back(
    connections: TradingConnections, claims: Sequence[Claim], *, limits: Windows
) -> dict[UUID, list[Found]]:
    """Read what stands under the tokens of claims on one server, each of its own login.

    Seen is proof, not seen is none: this looks once, and a search comes later. Raises
    SearchFailed.
    """
    connection = await _connected(connections, claims[0].server_id, limits)
    if connection is None:
        raise SearchFailed
    tokens = {claim.login: claim.token for claim in claims if claim.login is not None}
    skew = timedelta(seconds=SKEW_SECONDS)
    first = min(claim.attempted_at for claim in claims)
    newest = max(claims, key=lambda claim: claim.attempted_at)
    last = newest.attempted_at + timedelta(seconds=limits.lease)
    try:
        async with asyncio.timeout(limits.call):
            # The database's clock, without asking it: this machine's own may be hours away from it.
            moment = newest.attempted_at + timedelta(seconds=newest.age)
            drift = (await connection.server_time()).utc - moment
            since = first - skew + min(drift, timedelta())
            until = last + skew + max(drift, timedelta())
            deals = await connection.find_cash_batch(tokens, since, until)
    except (TradingError, TimeoutError) as error:
        raise SearchFailed from error
    seen: dict[int, list[Found]] = {}
    for deal in deals:
        found = Found(ticket=deal.ticket, login=deal.login, amount=deal.amount, action=deal.action)
        seen.setdefault(deal.login, []).append(found)
    return {claim.operation_id: seen.get(claim.login or 0, []) for claim in claims}


async def find_login(
    connections: TradingConnections, claim: Claim, *, mask: str, limits: Windows
) -> int | None:
    """Search the server for the login that was opened with the token; raise SearchFailed."""
    connection = await _connected(connections, claim.server_id, limits)
    if connection is None:
        raise SearchFailed
    try:
        async with asyncio.timeout(limits.call):
            return await connection.find_account(claim.token, mask)
    except (TradingError, TimeoutError) as error:
        raise SearchFailed from error


async def login_exists(
    connections: TradingConnections, claim: Claim, *, login: int, limits: Windows
) -> bool:
    """Say whether the server knows the login; raise SearchFailed."""
    connection = await _connected(connections, claim.server_id, limits)
    if connection is None:
        raise SearchFailed
    try:
        async with asyncio.timeout(limits.call):
            states = await connection.account_states(logins=[login])
    except Refused:
        return False
    except (TradingError, TimeoutError) as error:
        raise SearchFailed from error
    return any(state.login == login for state in states)


async def drop(connection: TradingConnection) -> None:
    """Close a connection, so that nothing of ours is left in it."""
    try:
        async with asyncio.timeout(5):
            await connection.close()
    except (TradingError, TimeoutError, OSError) as error:
        _LOG.warning("a connection could not be closed", error=type(error).__name__)


async def _cash(connection: TradingConnection, claim: Claim) -> int:
    assert claim.login is not None
    comment = rules.comment(claim.token, claim.reference)
    return await connection.cash(claim.login, _KINDS[claim.kind], claim.amount, comment)


async def _connected(
    connections: TradingConnections, server_id: UUID, limits: Windows
) -> TradingConnection | None:
    try:
        async with asyncio.timeout(limits.call):
            return await connections.get(server_id)
    except Exception as error:  # noqa: BLE001 - without a connection nothing can have been sent
        _LOG.warning("no connection to a trading server", error=type(error).__name__)
        return None
