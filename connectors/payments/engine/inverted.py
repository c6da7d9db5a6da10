"""Providers that call us: four addresses of ours, with a hold in the wallet in between.

`ask_of` reads what is asked and `answer_to` writes what came of it; both are pure. Who answers is
the `HoldBook`, which the treasury implements: it may be asked the same thing twice, and answers
the second time as the first.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from connectors.payments.engine.answers import Reading
from connectors.payments.engine.definitions import Endpoint, Provider
from connectors.payments.engine.failures import CallbackRefused, ValueMissing, ValueUnusable
from connectors.payments.engine.literals import Value, parse_json, render_json, wrap
from connectors.payments.engine.port import Account, Answering, Call
from connectors.payments.engine.requests import account_scope, filled
from connectors.payments.engine.scopes import Scope
from kernel.money import Money

BODY_BYTES_MAX = 64 * 1024
Direction = Literal["deposit", "withdrawal", ""]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a provider wants of us.

    purpose profile: who is this session's user, and what has he. reserve: may this payment go on
    (for a withdrawal: hold the money). settle: it is done. release: it came to nothing.
    """

    purpose: Literal["profile", "reserve", "settle", "release"]
    user: str
    session: str = field(default="", repr=False)
    transaction: str = ""
    auth_code: str = ""
    direction: Direction = ""
    amount: Money | None = None
    fee: Money | None = None
    method: str = ""
    provider_ref: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What came of an ask: our own reference, and the code that names the hold from now on."""

    reference: str = ""
    auth_code: str = ""


class HoldRefused(Exception):
    """We say no; the code and the text go to the provider, which may show them to the payer."""

    def __init__(self, code: str, text: str) -> None:
        """Keep what the provider is told."""
        super().__init__(text)
        self.code = code
        self.text = text


class HoldBook(Protocol):
    """What the treasury does for an inverted provider; each call raises HoldRefused for a no."""

    async def profile(self, ask: Ask) -> Mapping[str, str]:
        """Return the user's profile and balance; the session must be his and live."""

    async def reserve(self, ask: Ask) -> Held:
        """Let a deposit begin, or hold a withdrawal's money; once for a transaction."""

    async def settle(self, ask: Ask) -> Held:
        """Credit the deposit, or turn the hold into a payment; once for a code."""

    async def release(self, ask: Ask) -> Held:
        """Forget the deposit, or free the held money; once for a code."""


def ask_of(provider: Provider, account: Account, name: str, call: Call, *, now: datetime) -> Ask:
    """Read a call to one of our addresses; raise CallbackRefused for what can't be believed."""
    endpoint = provider.endpoints.get(name)
    if endpoint is None:
        raise CallbackRefused("no_endpoint", "This provider calls no such address.")
    if len(call.body) > BODY_BYTES_MAX:
        raise CallbackRefused("too_large", "The call is too large.")
    try:
        body = parse_json(call.body)
        if not isinstance(body, dict):
            raise ValueUnusable("it is no table of values.")
        scope = account_scope(provider, account, now).plus(body=body, raw=call.body)
        return _ask(provider, endpoint, scope)
    except ValueUnusable as error:
        raise CallbackRefused("unreadable", f"The call can't be read: {error}") from None


def _ask(provider: Provider, endpoint: Endpoint, scope: Scope) -> Ask:
    sources = {name: (one,) for name, one in endpoint.fields.items()}
    reading = Reading(sources, scope, provider.money)
    for name in endpoint.fields:
        if name in ("user", "session", "transaction", "auth_code") and not reading.text(name):
            raise ValueUnusable(f"{name} is missing.")
    amount = reading.text("amount")
    money = None
    if amount:
        code = provider.money.read_currency(reading.text("currency"))
        money = provider.money.read(amount.removeprefix("-"), code)
    return Ask(
        purpose=endpoint.purpose,
        user=reading.text("user"),
        session=reading.text("session"),
        transaction=reading.text("transaction"),
        auth_code=reading.text("auth_code"),
        direction="" if money is None else "withdrawal" if amount.startswith("-") else "deposit",
        amount=money,
        fee=reading.money("fee", "fee_currency"),
        method=reading.text("method"),
        provider_ref=reading.text("provider_ref"),
        error=reading.text("error"),
    )


def answer_to(
    provider: Provider,
    name: str,
    ask: Ask,
    *,
    profile: Mapping[str, str] | None = None,
    held: Held | None = None,
    refusal: HoldRefused | None = None,
) -> Answering:
    """Write the answer in the provider's words; raise ValueUnusable for a profile with gaps."""
    endpoint = provider.endpoints[name]
    roots: dict[str, Mapping[str, Value]] = {
        "hold": {"user": ask.user, "transaction": ask.transaction},
        "holder": {key: wrap(text) for key, text in (profile or {}).items() if text},
    }
    shape = endpoint.accepted
    if refusal is not None:
        shape = endpoint.refused
        roots["error"] = {"code": refusal.code, "text": refusal.text}
    elif held is not None:
        given = {"reference": held.reference, "auth_code": held.auth_code}
        roots["hold"] = {**roots["hold"], **{key: text for key, text in given.items() if text}}
    try:
        body = filled(shape, Scope(dict(roots), provider.money))
    except ValueMissing as error:
        raise ValueUnusable(str(error)) from None
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Answering(200, headers, render_json(body).encode())


async def answer(
    provider: Provider,
    account: Account,
    name: str,
    call: Call,
    book: HoldBook,
    *,
    now: datetime,
) -> Answering:
    """Read a call, have the book do what is asked, and write the answer.

    A no of the book's is an answer too. Raises CallbackRefused for calls that are not believed.
    """
    ask = ask_of(provider, account, name, call, now=now)
    try:
        if ask.purpose == "profile":
            return answer_to(provider, name, ask, profile=await book.profile(ask))
        act = {"reserve": book.reserve, "settle": book.settle, "release": book.release}
        return answer_to(provider, name, ask, held=await act[ask.purpose](ask))
    except HoldRefused as refusal:
        return answer_to(provider, name, ask, refusal=refusal)


def check_caller(account: Account, address: str) -> None:
    """Raise CallbackRefused unless a call comes from where the provider says that it calls from.

    `allowed_addresses` of the credentials lists addresses and networks; where there are none, the
    secret token in our address is all that there is.
    """
    listed = account.credentials.get("allowed_addresses", "").replace(",", " ").split()
    if not listed:
        return
    try:
        caller = ipaddress.ip_address(address)
        allowed = any(caller in ipaddress.ip_network(one, strict=False) for one in listed)
    except ValueError:
        raise CallbackRefused("foreign_address", "The list of addresses can't be read.") from None
    if not allowed:
        raise CallbackRefused("foreign_address", "The call comes from an address not listed.")
