"""The Web API's own words: password hash and challenge, return codes, requests and answers.

The hash is MD5(MD5(UTF-16LE password) + "WebAPI"); an answer to a challenge is
MD5(hash + challenge), in lower-case hex. MD5 is what the protocol demands.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

DONE = 0
ERROR = 2
PARAMETERS = 3
PERMISSIONS = 8
TIMEOUT = 9
NOT_FOUND = 13
CLIENT_TYPE = 1000
ACCOUNT_INVALID = 1001
CLIENT_OLD = 1010
LOGIN_EXHAUSTED = 3002
LOGIN_PROHIBITED = 3003
LOGIN_EXISTS = 3004
INVALID_PASSWORD = 3006
HAS_TRADES = 3008
OTHER_CURRENCY = 3010
MONEY_LIMIT = 4005
REQUEST_DONE = 10009
INVALID_REQUEST = 10013
INVALID_VOLUME = 10014
TRADE_DISABLED = 10017
NO_MONEY = 10019
POSITION_CLOSED = 10036

_TEXTS = {
    DONE: "Done",
    1: "OK",
    ERROR: "Common error",
    PARAMETERS: "Invalid parameters",
    4: "Invalid data",
    7: "Network error",
    PERMISSIONS: "Not enough permissions",
    TIMEOUT: "Timeout",
    10: "No connection",
    11: "Service not available",
    12: "Too frequent requests",
    NOT_FOUND: "Not found",
    15: "Server shutdown in progress",
    17: "Duplicate record",
    CLIENT_TYPE: "Invalid client type",
    ACCOUNT_INVALID: "Invalid account",
    1002: "Account disabled",
    CLIENT_OLD: "Old client version",
    1011: "Manager account has no configuration",
    1012: "IP address is not allowed for manager",
    1018: "Server is busy",
    LOGIN_EXHAUSTED: "No free logins on server",
    LOGIN_PROHIBITED: "Login belongs to another server",
    LOGIN_EXISTS: "Account already exists",
    INVALID_PASSWORD: "Invalid account password",
    HAS_TRADES: "Account has open trades",
    OTHER_CURRENCY: "Group has another currency",
    MONEY_LIMIT: "Money limit reached",
    REQUEST_DONE: "Request executed",
    INVALID_REQUEST: "Invalid request",
    INVALID_VOLUME: "Invalid volume",
    TRADE_DISABLED: "Trade is disabled",
    NO_MONEY: "Not enough money",
    POSITION_CLOSED: "Position is already closed",
}

VERSION_MIN = 484
VERSION_SERVER = "4150"
HEAD_MAX_BYTES = 262_144
BODY_MAX_BYTES = 8_388_608


class Refused(Exception):
    """The server says no with a return code."""

    def __init__(self, code: int) -> None:
        """Keep the code; its text is the protocol's."""
        super().__init__(retcode(code))
        self.code = code


class BadRequest(Exception):
    """The bytes on the connection are not an HTTP request this server reads."""


def retcode(code: int) -> str:
    """Return a return code as the wire shows it: the number, a space, a text."""
    return f"{code} {_TEXTS.get(code, 'Error')}"


def password_hash(password: str) -> bytes:
    """Return the protocol's 16-byte hash of a manager's API password."""
    inner = hashlib.md5(password.encode("utf-16-le")).digest()  # noqa: S324
    return hashlib.md5(inner + b"WebAPI").digest()  # noqa: S324


def challenge_answer(hashed: bytes, challenge: bytes) -> str:
    """Return the lower-case hex answer to a 16-byte challenge."""
    return hashlib.md5(hashed + challenge).hexdigest()  # noqa: S324


def answers_match(given: str, expected: str) -> bool:
    """Compare two hex answers in constant time, in either case."""
    return hmac.compare_digest(given.lower().encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: the code, the ``answer`` value or texts of its items, values beside it."""

    code: int = DONE
    answer: Any = None
    items: Iterator[str] | None = None
    beside: Mapping[str, str] = field(default_factory=dict)

    def chunks(self) -> Iterator[bytes]:
        """Yield the JSON body in pieces of bounded size."""
        head: dict[str, Any] = {"retcode": retcode(self.code), **self.beside}
        if self.items is None:
            if self.answer is not None:
                head["answer"] = self.answer
            yield json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
            return
        text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
        gathered = [text[:-1], ',"answer":[']
        first = True
        for item in self.items:
            gathered.append(item if first else f",{item}")
            first = False
            if len(gathered) >= 200:
                yield "".join(gathered).encode()
                gathered = []
        gathered.append("]}")
        yield "".join(gathered).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: method, path, query parameters, headers in lower case, body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def body_object(self) -> dict[str, Any]:
        """Return the JSON object in the body, empty when there is none.

        Raises Refused with code 3 when the body holds something else.
        """
        if not self.body.strip():
            return {}
        try:
            found = json.loads(self.body)
        except ValueError as error:
            raise Refused(PARAMETERS) from error
        if not isinstance(found, dict):
            raise Refused(PARAMETERS)
        return found

    def keeps_alive(self) -> bool:
        """Return whether the client wants the connection to stay open."""
        return self.headers.get("connection", "").lower() != "close"


def parse_head(head: bytes) -> Request:
    """Read the head of an HTTP/1.1 request; raise BadRequest when it is none."""
    try:
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
    except ValueError as error:
        raise BadRequest("request line") from error
    if not version.startswith("HTTP/1.") or not target.startswith("/"):
        raise BadRequest("version or target")
    headers = {}
    for line in lines[1:]:
        if not line:
            continue
        name, separator, value = line.partition(":")
        if not separator:
            raise BadRequest("header line")
        headers[name.strip().lower()] = value.strip()
    path, _, query = target.partition("?")
    return Request(method, path, _parameters(query), headers, b"")


def _parameters(query: str) -> dict[str, str]:
    """Read a query string; of a name that comes twice the last value counts."""
    found = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        found[_plain(name).lower()] = _plain(value)
    return found


def _plain(encoded: str) -> str:
    spaced = encoded.replace("+", " ")
    return unquote(spaced, errors="replace") if "%" in spaced else spaced


def response_head(status: int, length: int, *, keep_alive: bool) -> bytes:
    """Return the head of an HTTP answer with a JSON body of that many bytes."""
    reason = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
    return (
        f"HTTP/1.1 {status} {reason.get(status, 'Error')}\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {length}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    ).encode("ascii")
