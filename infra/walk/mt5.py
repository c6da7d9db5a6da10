"""The walk's own client of an MT5 server's REST interface, written from its description.

One TLS connection, logged in once, used serially; the certificate is the pinned one. The hash
is MD5(MD5(UTF-16LE(password)) || "WebAPI"), a challenge's answer MD5(hash || challenge).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import ssl
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

_DONE = 10009
_AGAIN = (ConnectionError, http.client.HTTPException, ssl.SSLError, TimeoutError)


class ServerRefused(Exception):
    """The trading server said no; the message holds its own words."""


@dataclass(frozen=True)
class DealSeen:
    """A deal as the server tells it: lots, account currency, prices in the quote currency."""

    ticket: int
    login: int
    action: int
    entry: int
    symbol: str
    lots: Decimal
    profit: Decimal
    swap: Decimal
    commission: Decimal
    rate_profit: Decimal
    contract: Decimal
    digits: int
    comment: str
    time: int
    position: int

    @property
    def is_trade(self) -> bool:
        """Whether it bought or sold, as against a booking of money."""
        return self.action in (0, 1)


@dataclass
class Server:
    """A logged-in manager, and the operator's calls that only a simulator has."""

    address: str
    login: str
    password: str = field(repr=False)
    fingerprint: str
    operator_token: str = field(repr=False, default="")
    _connection: http.client.HTTPSConnection | None = field(default=None, repr=False)

    def call(self, path: str, **values: str | int) -> Any:  # noqa: ANN401 - JSON
        """Do one command and return its answer; raise ServerRefused."""
        reply = self._reply(path, values, {})
        return reply.get("answer", reply)

    def operate_get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Ask the simulator for its own records."""
        return self._operate("GET", path, None)

    def operate(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Do one of the simulator's own calls."""
        return self._operate("POST", path, json.dumps(body).encode())

    def _operate(self, method: str, path: str, body: bytes | None) -> Any:  # noqa: ANN401 - JSON
        connection = self._opened()
        try:
            connection.request(
                method,
                f"/_simulator/{path}",
                body,
                {"X-Operator-Token": self.operator_token, "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            found = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ServerRefused(f"{path}: {found.get('error', answer.status)}")
        return found

    def balance(self, login: int) -> Decimal:
        """Return a login's balance in its currency."""
        return Decimal(self.call("user/account/get", login=login)["Balance"])

    def group_of(self, login: int) -> str:
        """Return the group a login stands in."""
        return str(self.call("user/get", login=login)["Group"])

    def spread_points(self, group: str, symbol: str) -> tuple[int, Decimal]:
        """Return the extra spread in points that a group gives a symbol, and a point's size."""
        found = self.call("symbol/get_group", symbol=symbol, group=group)
        return int(found["SpreadDiff"]), Decimal(found["Point"])

    def deals(self, *logins: int) -> list[DealSeen]:
        """Return every deal of these logins in order of tickets."""
        now = int(time.time())
        found = self.call(
            "deal/get_batch",
            login=",".join(map(str, logins)),
            **{"from": 0, "to": now + 2 * 86_400},
        )
        return sorted(map(_deal, found), key=lambda deal: deal.ticket)

    def deals_of_groups(self, mask: str, since: int, until: int) -> list[DealSeen]:
        """Return the deals of all groups of a mask between two moments of the server's clock."""
        found = self.call("deal/get_batch", group=mask, **{"from": since, "to": until})
        return sorted(map(_deal, found), key=lambda deal: deal.ticket)

    def groups_of(self, logins: list[int]) -> dict[int, str]:
        """Return the group of each login."""
        if not logins:
            return {}
        found = self.call("user/get_batch", login=",".join(map(str, logins)))
        return {int(user["Login"]): str(user["Group"]) for user in found}

    def cash_deals(self, login: int) -> list[DealSeen]:
        """Return the bookings of money on a login."""
        return [deal for deal in self.deals(login) if 2 <= deal.action <= 6]

    def deal_now(
        self, login: int, symbol: str, lots: str, *, sell: bool, position: int = 0
    ) -> dict[str, Any]:
        """Execute a dealer's trade at once, closing a position when one is named; wait for it."""
        volume = int(Decimal(lots) * 10_000)
        body: dict[str, str] = {
            "Action": "200",
            "Login": str(login),
            "Symbol": symbol,
            "Volume": str(volume),
            "TypeOrder": "1" if sell else "0",
        }
        if position:
            body["Position"] = str(position)
        sent = self._reply("dealer/send_request", {}, body)["answer"]
        until = time.monotonic() + 10
        while True:
            result: dict[str, Any] = self.call("dealer/get_request_result", id=sent["id"])
            if int(result["ResultRetcode"]) == _DONE:
                return result
            if time.monotonic() > until or int(result["ResultRetcode"]) > _DONE:
                raise ServerRefused(f"trade of {lots} {symbol}: {result['ResultRetcode']}")
            time.sleep(0.1)

    def round_trip(
        self, login: int, symbol: str, lots: str, *, opened: int, closed: int, sell: bool = False
    ) -> list[int]:
        """Write a position of the past, opened and closed at UTC seconds; return its tickets."""
        body = {
            "login": login,
            "symbol": symbol,
            "action": "sell" if sell else "buy",
            "lots": lots,
            "open_time": opened,
            "close_time": closed,
        }
        return [int(ticket) for ticket in self.operate("trade", body)["tickets"]]

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _reply(self, path: str, values: dict[str, str | int], body: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        try:
            reply = self._once(path, values, body)
        except _AGAIN:
            # The session is bound to the connection; reading again is harmless, trading is not.
            self.close()
            if body:
                raise
            reply = self._once(path, values, body)
        return reply

    def _once(self, path: str, values: dict[str, str | int], body: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        if self._connection is None:
            opened = self._opened()
            try:
                self._log_in(opened)
            except BaseException:
                opened.close()
                raise
            self._connection = opened
        return _exchange(self._connection, path, values, body)

    def _log_in(self, connection: http.client.HTTPSConnection) -> None:
        started = _exchange(
            connection,
            "auth/start",
            {"version": 3470, "agent": "walk", "login": self.login, "type": "manager"},
            {},
        )
        hashed = _password_hash(self.password)
        mine = secrets.token_bytes(16)
        answered = _exchange(
            connection,
            "auth/answer",
            {
                "srv_rand_answer": _md5(hashed + bytes.fromhex(started["srv_rand"])).hex(),
                "cli_rand": mine.hex(),
            },
            {},
        )
        proof = _md5(hashed + mine).hex()
        if not hmac.compare_digest(proof, str(answered["cli_rand_answer"]).lower()):
            raise ServerRefused("the trading server doesn't know the manager's password")

    def _opened(self) -> http.client.HTTPSConnection:
        parts = urlsplit(self.address)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", parts.port or 443, timeout=30, context=context
        )
        connection.connect()
        certificate = connection.sock.getpeercert(binary_form=True) or b""
        wanted = self.fingerprint.lower().removeprefix("sha256:").replace(":", "")
        if hashlib.sha256(certificate).hexdigest() != wanted:
            connection.close()
            raise ServerRefused("the trading server shows another certificate than the pinned one")
        return connection


def _exchange(
    connection: http.client.HTTPSConnection,
    path: str,
    values: dict[str, str | int],
    body: dict[str, str],
) -> Any:  # noqa: ANN401 - JSON
    query = f"?{urlencode(values)}" if values else ""
    payload = json.dumps(body).encode() if body else None
    connection.request("POST" if body else "GET", f"/api/{path}{query}", payload)
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise ConnectionError(f"{path}: status {answer.status}")
    reply = json.loads(data)
    code = str(reply.get("retcode", "")).split(" ")[0]
    if code != "0":
        raise ServerRefused(f"{path}: {reply.get('retcode')}")
    return reply


def _deal(told: dict[str, Any]) -> DealSeen:
    return DealSeen(
        ticket=int(told["Deal"]),
        login=int(told["Login"]),
        action=int(told["Action"]),
        entry=int(told["Entry"]),
        symbol=str(told["Symbol"]),
        lots=Decimal(told["VolumeExt"]) / 100_000_000,
        profit=Decimal(told["Profit"]),
        swap=Decimal(told["Storage"]),
        commission=Decimal(told["Commission"]),
        rate_profit=Decimal(told["RateProfit"]),
        contract=Decimal(told["ContractSize"]),
        digits=int(told["Digits"]),
        comment=str(told["Comment"]),
        time=int(told["Time"]),
        position=int(told["PositionID"]),
    )


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _password_hash(password: str) -> bytes:
    return _md5(_md5(password.encode("utf-16-le")) + b"WebAPI")
