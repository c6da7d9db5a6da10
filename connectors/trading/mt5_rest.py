"""A trading server over the MT5 Web API's REST form.

Source of the protocol: the studied Web API pages (commands, values, time, return codes). The
server has no idempotency key: a cash operation carries its token first in the comment, an
account opening carries it in the ID field, and both can be searched for.
"""

import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from connectors.trading import mt5_protocol as protocol
from connectors.trading import mt5_values as values
from connectors.trading.mt5_session import Credentials, Limits, Session
from connectors.trading.mt5_wire import Address
from connectors.trading.port import (
    COMMENT_LIMIT,
    AccountState,
    Capabilities,
    CashDeal,
    CashKind,
    Group,
    NewGroup,
    OpenAccount,
    Position,
    Quote,
    Refused,
    ServerTime,
    Symbol,
    Unknown,
    Unreachable,
)

_PAGE = 100
_PAGES_MAX = 2_000
_LOGINS_PER_CALL = 200
_LOGINS_PER_SEARCH = 100
_SYMBOLS_MAX = 50_000
_OFFSET_FRESH_SECONDS = 600.0
_DEAL_WINDOW_SECONDS = 24 * 3600
_BUILD_WITH_PRICES = 2890


class Mt5Rest:
    """A `TradingConnection` to one MT5 access server: one TCP connection, used serially."""

    def __init__(
        self,
        address: str,
        *,
        login: int,
        password: str,
        fingerprint: str | None = None,
        comment_limit: int = COMMENT_LIMIT,
        egress_allow: frozenset[str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Remember the server (`host:port`) and the manager login; the first call connects.

        `password` is the login's API password. With a `fingerprint` (SHA-256 of the
        certificate, hex) exactly that certificate is accepted, else the system's authorities.
        Where a tenant typed the address, `egress_allow` (the operator's exceptions, as
        `host:port`) has it checked: it must be public and on port 443 or 8443.
        """
        self._session = Session(
            Address.parse(address),
            Credentials(login, password, fingerprint, egress_allow),
            limits or Limits(),
        )
        self._comment_limit = comment_limit
        self._offset_seconds = 0
        self._offset_moves = False
        self._offset_until = 0.0

    async def server_time(self) -> ServerTime:
        """Read the server's clock and its offset from UTC."""
        self._offset_until = 0.0
        raw = await self._clock()
        return values.server_time(raw, self._offset_seconds)

    async def capabilities(self) -> Capabilities:
        """Say what the server's build can do, connecting when necessary."""
        await self._session.connect()
        build = self._session.version_trade
        return Capabilities(
            version_access=self._session.version_access,
            version_trade=build,
            market_prices=build >= _BUILD_WITH_PRICES,
        )

    async def open_account(self, request: OpenAccount) -> int:
        """Open a trading account and return its login; everything personal is in the body."""
        comment = protocol.cut_comment(request.comment, self._comment_limit)
        reply = await self._session.write("/api/user/add", {}, values.user_record(request, comment))
        login = str(reply.envelope.login).strip()
        try:
            number = int(login) if login else values.integer(values.row(reply.answer), "Login")
        except (ValueError, Unreachable):
            number = 0
        if number <= 0:
            raise Unknown("The trading server opened an account without telling its login.")
        return number

    async def find_account(self, token: str, group_mask: str) -> int | None:
        """Find the login whose ID field holds the token; the lowest, should there be several."""
        if not token:
            raise ValueError("a token is needed to search for")
        reply = await self._session.read("/api/user/get_batch", {"group": group_mask}, bulk=True)
        found = [
            values.integer(user, "Login")
            for user in values.rows(reply.answer)
            if values.text(user, "ID") == token
        ]
        if not found:
            _whole(reply)
        return min(found, default=None)

    async def account_states(
        self, *, mask: str | None = None, logins: Sequence[int] = ()
    ) -> list[AccountState]:
        """Read the money of the accounts of a group mask, or of the logins."""
        if mask is not None:
            return await self._states({"group": mask})
        states: list[AccountState] = []
        for start in range(0, len(logins), _LOGINS_PER_CALL):
            part = logins[start : start + _LOGINS_PER_CALL]
            states += await self._states({"login": ",".join(map(str, part))})
        return states

    async def cash(
        self,
        login: int,
        kind: CashKind,
        amount: Decimal,
        comment: str,
        *,
        check_margin: bool = True,
    ) -> int:
        """Book money in or out and return the deal's ticket; `comment` is cut to the limit."""
        action, signed = protocol.cash_parameters(kind, amount)
        reply = await self._session.write(
            "/api/trade/balance",
            {
                "login": login,
                "type": action,
                "balance": signed,
                "comment": protocol.cut_comment(comment, self._comment_limit),
                "check_margin": int(check_margin),
            },
        )
        try:
            ticket = values.integer(values.row(reply.answer), "Ticket")
        except Unreachable:
            ticket = 0
        if ticket <= 0:
            raise Unknown("The trading server booked money without telling the ticket.")
        return ticket

    async def find_cash(
        self, login: int, token: str, since: datetime, until: datetime
    ) -> list[CashDeal]:
        """Find balance operations whose comment starts with the token.

        On a server whose clock moves, the window is an hour wider at both ends: the moment
        searched for may lie on the other side of the change. Pages are read until an empty
        one, because a short page need not be the last.
        """
        self._require_token(token)
        window = {"login": login, **await self._search_window(since, until)}
        found: dict[int, CashDeal] = {}
        offset = 0
        for _ in range(_PAGES_MAX):
            reply = await self._session.read(
                "/api/deal/get_page", {**window, "offset": offset, "total": _PAGE}
            )
            page = values.rows(reply.answer)
            if not page:
                return sorted(found.values(), key=lambda deal: deal.ticket)
            offset += len(page)
            for row in page:
                if _is_cash(row) and values.text(row, "Comment").startswith(token):
                    deal = values.cash_deal(row, self._offset_seconds)
                    found[deal.ticket] = deal
        raise Refused(protocol.PARTIAL, "too many deals in the window")

    async def find_cash_batch(
        self, tokens: Mapping[int, str], since: datetime, until: datetime
    ) -> list[CashDeal]:
        """Find balance operations of many logins by each login's token, a hundred a query.

        Logins whose list the server refuses or cuts short are searched one after the other:
        what is missing must not look absent. The window is that of `find_cash`.
        """
        for token in tokens.values():
            self._require_token(token)
        window = await self._search_window(since, until)
        found: dict[int, CashDeal] = {}
        logins = sorted(tokens)
        for start in range(0, len(logins), _LOGINS_PER_SEARCH):
            part = logins[start : start + _LOGINS_PER_SEARCH]
            rows = await self._deals_of(part, window)
            if rows is None:
                for login in part:
                    deals = await self.find_cash(login, tokens[login], since, until)
                    found.update((deal.ticket, deal) for deal in deals)
                continue
            for row in rows:
                token = tokens.get(values.integer(row, "Login"), "")
                if token and _is_cash(row) and values.text(row, "Comment").startswith(token):
                    deal = values.cash_deal(row, self._offset_seconds)
                    found[deal.ticket] = deal
        return sorted(found.values(), key=lambda deal: deal.ticket)

    async def deals_raw(self, mask: str, since: datetime, until: datetime) -> bytes:
        """Read the deals of a mask, day by day, as the array of bytes that the server sent."""
        await self._fresh_offset()
        start, end = self._raw(since), self._raw(until)
        parts: list[bytes] = []
        while start <= end:
            stop = min(end, start + _DEAL_WINDOW_SECONDS - 1)
            parts += await self._deals(mask, start, stop)
            start = stop + 1
        return parts[0] if len(parts) == 1 else _joined(parts)

    async def positions(self, mask: str) -> list[Position]:
        """Read the open positions of the accounts of a group mask."""
        await self._fresh_offset()
        reply = await self._session.read("/api/position/get_batch", {"group": mask}, bulk=True)
        _whole(reply)
        return [values.position(row, self._offset_seconds) for row in values.rows(reply.answer)]

    async def groups(self, mask: str = "*") -> list[Group]:
        """Read the groups of a mask with their mark-ups and commissions."""
        reply = await self._session.read("/api/group/get", {"mask": mask}, bulk=True)
        _whole(reply)
        return [values.group(row) for row in values.rows(reply.answer)]

    async def symbols(self) -> list[Symbol]:
        """Read all instruments the manager login may see, one call for each."""
        reply = await self._session.read("/api/symbol/total", {})
        symbols: list[Symbol] = []
        for index in range(min(values.integer(values.row(reply.answer), "Total"), _SYMBOLS_MAX)):
            reply = await self._session.read("/api/symbol/next", {"index": index})
            symbols += [values.symbol(row) for row in values.rows(reply.answer)]
        return symbols

    async def quotes(self, symbols: Sequence[str] = ()) -> list[Quote]:
        """Read the last prices of the symbols, or of all."""
        await self._fresh_offset()
        wanted = ",".join(symbols) or "*"
        reply = await self._session.read("/api/tick/last", {"symbol": wanted, "trans_id": 0})
        return [values.quote(row, self._offset_seconds) for row in values.rows(reply.answer)]

    async def add_group(self, group: NewGroup) -> None:
        """Create a group."""
        await self._session.write("/api/group/add", {}, values.group_record(group))

    async def close(self) -> None:
        """Say goodbye and drop the connection; a later call connects again."""
        await self._session.close()

    async def _states(self, parameters: dict[str, object]) -> list[AccountState]:
        reply = await self._session.read("/api/user/account/get_batch", parameters, bulk=True)
        _whole(reply)
        return [values.account_state(row) for row in values.rows(reply.answer)]

    async def _deals(self, mask: str, start: int, stop: int) -> list[bytes]:
        """Read one window of server seconds; where the server cuts it short, read halves."""
        reply = await self._session.read(
            "/api/deal/get_batch", {"group": mask, "from": start, "to": stop}, bulk=True
        )
        if protocol.outcome(reply.code) == "partial":
            if start == stop:
                _whole(reply)
            middle = (start + stop) // 2
            return [
                *await self._deals(mask, start, middle),
                *await self._deals(mask, middle + 1, stop),
            ]
        answer = reply.answer.strip()
        if not answer or answer == b"null" or protocol.outcome(reply.code) == "not_found":
            return []
        if not answer.startswith(b"["):
            raise Unreachable("The trading server's list of deals is unreadable.")
        return [answer]

    async def _deals_of(
        self, logins: Sequence[int], window: Mapping[str, int]
    ) -> Sequence[values.Row] | None:
        """Read the deals of logins in one query; None where the server gives no whole list."""
        wanted = ",".join(map(str, logins))
        try:
            reply = await self._session.read(
                "/api/deal/get_batch", {"login": wanted, **window}, bulk=True
            )
        except Refused:
            return None
        return None if protocol.outcome(reply.code) == "partial" else values.rows(reply.answer)

    async def _search_window(self, since: datetime, until: datetime) -> dict[str, int]:
        """Return a search's window in server seconds, wider where the server's clock moves."""
        await self._fresh_offset()
        slack = timedelta(hours=1 if self._offset_moves else 0)
        return {"from": self._raw(since - slack), "to": self._raw(until + slack)}

    def _require_token(self, token: str) -> None:
        if not token or len(token) > self._comment_limit:
            raise ValueError("a token that fits the comment is needed to search for")

    async def _clock(self) -> int:
        """Read the server's seconds, and its offset from UTC when that may have changed."""
        reply = await self._session.read("/api/time/server", {})
        text = values.text(values.row(reply.answer), "Time").partition(" ")[0]
        if not text.isascii() or not text.isdigit() or len(text) > 12:
            raise Unreachable("The trading server's time is unreadable.")
        raw = int(text)
        if time.monotonic() >= self._offset_until:
            settings = values.row((await self._session.read("/api/time/get", {})).answer)
            self._offset_seconds = values.offset_seconds(settings, raw, time.time())
            self._offset_moves = values.is_dst_zone(settings)
            self._offset_until = time.monotonic() + _OFFSET_FRESH_SECONDS
        return raw

    async def _fresh_offset(self) -> None:
        if time.monotonic() >= self._offset_until:
            await self._clock()

    def _raw(self, moment: datetime) -> int:
        """Convert an aware moment to the server's second that it lies in."""
        if moment.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return math.floor(moment.timestamp()) + self._offset_seconds


def _whole(reply: protocol.Reply) -> None:
    """Refuse a list that the server has cut short: what is missing must not look absent."""
    if protocol.outcome(reply.code) == "partial":
        raise Refused(reply.code, reply.text)


def _is_cash(row: values.Row) -> bool:
    return values.integer(row, "Action") in protocol.CASH_ACTIONS


def _joined(arrays: Sequence[bytes]) -> bytes:
    """Join JSON arrays without decoding them."""
    inner = [part for array in arrays if (part := array[1:-1].strip())]
    return b"[" + b",".join(inner) + b"]"
