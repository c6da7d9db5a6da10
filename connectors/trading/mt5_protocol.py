"""The MT5 Web API's rules without a network: challenge, return codes, kinds of money, envelopes.

H(password) = MD5(MD5(UTF-16LE(password)) || "WebAPI"), and each side proves that it knows H by
MD5(H || random). MD5 is what the server speaks; the transport under it is TLS.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import msgspec

from connectors.trading.port import CashKind

DONE = 0
DONE_NOTHING_CHANGED = 1
TOO_FREQUENT = 12
NOT_FOUND = 13
PARTIAL = 14

# The request may have been carried out although the answer says that something went wrong on
# the way: network, timeout, connection, no server, shutdown, busy.
_TRANSPORT = frozenset({7, 9, 10, 11, 15, 1018})

Outcome = Literal["done", "not_found", "partial", "slow_down", "transport", "refused"]

# Deal actions by kind of money, and the sign that the server wants: 2 balance, 3 credit,
# 4 charge, 5 correction, 6 bonus.
_CASH: dict[CashKind, tuple[int, int]] = {
    "deposit": (2, 1),
    "withdrawal": (2, -1),
    "credit": (3, 1),
    "credit_out": (3, -1),
    "charge": (4, -1),
    "correction": (5, 1),
    "bonus": (6, 1),
}
CASH_ACTIONS = frozenset(action for action, _ in _CASH.values())


class Malformed(Exception):
    """The server's answer can't be read; what it was an answer to may have been done."""


class Envelope(msgspec.Struct):
    """The outer object of every answer; unknown fields of newer builds are passed over."""

    retcode: str | int = ""
    answer: msgspec.Raw = msgspec.Raw(b"")
    login: str | int = ""
    version_access: str | int = ""
    version_trade: str | int = ""
    srv_rand: str = ""
    cli_rand_answer: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A parsed answer: the return code, its text, the envelope and the raw inner answer."""

    code: int
    text: str
    envelope: Envelope

    @property
    def answer(self) -> bytes:
        """The inner answer as the bytes that came, untouched; empty when there is none."""
        return bytes(self.envelope.answer)


def password_hash(password: str) -> bytes:
    """Return H(password), 16 raw bytes."""
    inner = hashlib.md5(password.encode("utf-16-le"), usedforsecurity=False).digest()
    return hashlib.md5(inner + b"WebAPI", usedforsecurity=False).digest()


def challenge_answer(password: str, random_hex: str) -> str:
    """Answer a challenge of 16 bytes in hex; raise Malformed when it is not that."""
    try:
        random = bytes.fromhex(random_hex)
    except ValueError:
        raise Malformed("the challenge is not hexadecimal") from None
    if len(random) != 16:
        raise Malformed("the challenge is not 16 bytes")
    return hashlib.md5(password_hash(password) + random, usedforsecurity=False).hexdigest()


def new_challenge() -> str:
    """Make our own challenge for the server: 16 random bytes in hex."""
    return secrets.token_hex(16)


def is_proof(password: str, challenge: str, answer: str) -> bool:
    """Say whether the server's answer to our challenge proves that it knows the password."""
    expected = challenge_answer(password, challenge)
    return hmac.compare_digest(expected.encode(), answer.lower().encode())


def parse(body: bytes) -> Reply:
    """Read an answer; raise Malformed when it is no envelope with a return code.

    The code is a string such as "0 Done" or "13 Not found", and the text may be missing.
    """
    try:
        envelope = msgspec.json.decode(body, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("the answer is not the JSON that was expected") from None
    code, _, text = str(envelope.retcode).strip().partition(" ")
    if not code.isascii() or not code.isdigit() or len(code) > 9:
        raise Malformed("the answer has no return code")
    return Reply(int(code), text.strip()[:200], envelope)


def outcome(code: int) -> Outcome:
    """Sort a return code by what may be done after it."""
    if code in (DONE, DONE_NOTHING_CHANGED):
        return "done"
    if code == NOT_FOUND:
        return "not_found"
    if code == PARTIAL:
        return "partial"
    if code == TOO_FREQUENT:
        return "slow_down"
    return "transport" if code in _TRANSPORT else "refused"


def cash_parameters(kind: CashKind, amount: Decimal) -> tuple[int, str]:
    """Return the deal action and the signed amount as text; raise ValueError for a bad amount."""
    action, sign = _CASH[kind]
    if not amount.is_finite() or amount == 0 or (amount < 0 and kind != "correction"):
        raise ValueError("the amount must be positive; the kind gives the direction")
    return action, format(amount * sign, "f")


def cut_comment(comment: str, limit: int) -> str:
    """Cut a comment to what the server keeps, so that what is searched is what was stored."""
    if not comment.isprintable():
        comment = "".join(character for character in comment if character.isprintable())
    return comment[:limit]
