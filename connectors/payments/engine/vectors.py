"""Runs the worked examples of a provider file: what goes in, and exactly what must come out.

    of = "signing.request"        `body` or `raw` (and headers, query, path)   expect = "signature"
    of = "callback.signature"     the same
    of = "callback"               `raw`, `headers`, `query`, `at`              expect = {notice}
    of = "reply"                  `at`                                         expect = {answer}
    of = "operations.deposit"     `order`, `environment`, `at`, `token`        expect = {request}
    of = "answers.deposit"        `raw`, `status`                              expect = {step}
    of = "asks.authorize"         `raw`                                        expect = {ask}
    of = "endpoints.authorize"    `raw`, and `profile`, `held` or `refusal`    expect = "body"
    of = "instructions"           `order`                                      expect = [lines]

Instead of `expect`, `refuse` names the reason. `account` lays credentials over the file's
`[sample]`. An order is SAMPLE_ORDER with what `order` changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.payments.engine.answers import (
    SoftDecline,
    parse_body,
    read,
    standing_of,
    step_of,
)
from connectors.payments.engine.callbacks import answering, receive
from connectors.payments.engine.definitions import Provider, Vector
from connectors.payments.engine.failures import (
    CallbackRefused,
    CertificateNeeded,
    EgressForbidden,
    OrderRefused,
)
from connectors.payments.engine.inverted import Held, HoldRefused, answer_to, ask_of
from connectors.payments.engine.literals import Value, parse_form, wrap
from connectors.payments.engine.port import (
    Account,
    Addresses,
    Call,
    Notice,
    Order,
    Payer,
    Received,
    Request,
)
from connectors.payments.engine.recipes import Recipe, canonical, sign
from connectors.payments.engine.requests import account_scope, build, instructions, order_scope
from connectors.payments.engine.scopes import Scope
from connectors.payments.port import PaymentError, PaymentRefused, PaymentUnknown
from kernel.money import Money

SAMPLE_TIME = 1795450000
SAMPLE_ORDER: dict[str, str] = {
    "reference": "DEP-7F3K2M",
    "amount": "50.00",
    "currency": "USD",
    "idempotency_key": "key-7F3K2M",
    "method": "",
    "description": "",
    "session_ref": "",
    "provider_ref": "",
}
SAMPLE_PAYER: dict[str, str] = {
    "public_id": "1",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "+37120000001",
    "country": "LV",
    "city": "Riga",
    "address": "Brivibas 1",
    "postal_code": "LV-1010",
    "birth_date": "1990-01-31",
    "tax_id": "",
    "ip": "203.0.113.7",
    "language": "en",
}
SAMPLE_ADDRESSES = Addresses(
    callback="https://www.broker.example/hooks/payments/T0KEN",
    done="https://my.broker.example/deposits/DEP-7F3K2M",
    cancel="https://my.broker.example/deposits/DEP-7F3K2M/cancelled",
)


class VectorFails(PaymentError):
    """A worked example does not come out as the file says."""


def failures(provider: Provider) -> list[str]:
    """Run all vectors of a file; return what is wrong, one line for each vector that fails."""
    found = []
    for vector in provider.vectors:
        try:
            check(provider, vector)
        except PaymentError as error:
            found.append(f"{vector.name}: {error}")
    return found


def check(provider: Provider, vector: Vector) -> None:
    """Run one vector; raise VectorFails, or the error that it did not ask for."""
    expected = vector.data.get("refuse", vector.data.get("expect"))
    if expected is None:
        raise VectorFails("write expect, or refuse.")
    refused = True
    try:
        actual: Any = outcome(provider, vector)
        refused = False
    except (CallbackRefused, OrderRefused, EgressForbidden) as error:
        actual = getattr(error, "reason", getattr(error, "code", "egress"))
    except SoftDecline as error:
        actual = f"soft {error.code} {error.text}".rstrip()
    except PaymentRefused as error:
        actual = f"refused {error.code} {error.text}".rstrip()
    except PaymentUnknown:
        actual = "unknown"
    except CertificateNeeded:
        actual = "certificate"
    if actual != expected or refused != ("refuse" in vector.data):
        raise VectorFails(f"expected {expected!r}, got {actual!r}")


def outcome(provider: Provider, vector: Vector) -> Any:
    """Return what comes out of one vector, in the form that a file writes it in."""
    what, _, name = vector.of.partition(".")
    data = vector.data
    account = account_of(provider, data)
    now = datetime.fromtimestamp(int(data.get("at", SAMPLE_TIME)), UTC)
    if what == "signing" or vector.of == "callback.signature":
        recipe = recipe_of(provider, vector.of)
        return sign(recipe, signing_scope(provider, account, data, now))
    if what == "callback":
        known = data.get("certificates", {})
        received = receive(provider, account, call_of(data), now=now, certificates=known)
        notices = [_plain(one) for one in received]
        return notices if "items" in data or len(notices) != 1 else notices[0]
    if what == "reply":
        return _plain(answering(provider, account, now=now))
    if what == "asks":
        return _plain(ask_of(provider, account, name, call_of(data), now=now))
    if what == "endpoints":
        return _endpoint_answer(provider, account, name, data, now)
    if what == "instructions":
        return [list(line) for line in instructions(provider, account, order_of(data), now=now)]
    operation = provider.operations.get(name)
    if operation is None:
        raise VectorFails(f"there is nothing named {vector.of}.")
    order = order_of(data)
    if what == "operations":
        request = build(provider, operation, account, order, now=now, token=data.get("token", ""))
        return _plain(request)
    answered = Received(int(data.get("status", 200)), str(data.get("raw", "")).encode())
    scope = order_scope(provider, account, order, now)
    reading = read(provider, operation, answered, scope)
    if name == "deposit" or provider.opens_page(name):
        return _plain(step_of(provider, operation, reading))
    if "token" in operation.answer.fields:
        return {"token": reading.text("token"), "seconds": reading.text("token_seconds")}
    return _plain(standing_of(operation, reading))


def _endpoint_answer(
    provider: Provider, account: Account, name: str, data: Mapping[str, Any], now: datetime
) -> str:
    """Return the body that we answer with at one of our own addresses."""
    ask = ask_of(provider, account, name, call_of(data), now=now)
    held = Held(**data["held"]) if "held" in data else None
    refusal = HoldRefused(*data["refusal"]) if "refusal" in data else None
    answered = answer_to(
        provider, name, ask, profile=data.get("profile"), held=held, refusal=refusal
    )
    return answered.body.decode()


def recipe_of(provider: Provider, of: str) -> Recipe:
    """Return the recipe at `signing.NAME` or `callback.signature`; raise VectorFails."""
    if of == "callback.signature" and provider.callback is not None:
        return provider.callback.signature
    recipe = provider.signing.get(of.removeprefix("signing."))
    if recipe is None:
        raise VectorFails(f"there is nothing named {of}.")
    return recipe


def account_of(provider: Provider, data: Mapping[str, Any]) -> Account:
    """Return the file's sample account with what a vector lays over it."""
    credentials = {**provider.sample, **data.get("account", {})}
    return Account(str(data.get("environment", "sandbox")), credentials)


def order_of(data: Mapping[str, Any]) -> Order:
    """Return the sample order with what a vector changes of it."""
    changed = dict(data.get("order", {}))
    beneficiary = changed.pop("beneficiary", {})
    payer = {name: changed.pop(name, text) for name, text in SAMPLE_PAYER.items()}
    one = {**SAMPLE_ORDER, **changed}
    amount = Money.of(one.pop("amount"), one.pop("currency"))
    return Order(
        amount=amount,
        payer=Payer(**payer),
        addresses=SAMPLE_ADDRESSES,
        created=datetime.fromtimestamp(SAMPLE_TIME, UTC),
        beneficiary=beneficiary,
        **one,
    )


def call_of(data: Mapping[str, Any]) -> Call:
    """Return the call that a vector describes."""
    return Call(
        body=str(data.get("raw", "")).encode(),
        headers=dict(data.get("headers", {})),
        query=str(data.get("query", "")),
        method=str(data.get("method", "POST")),
        path=str(data.get("path", "")),
    )


def signing_scope(
    provider: Provider, account: Account, data: Mapping[str, Any], now: datetime
) -> Scope:
    """Return the scope for signing what a vector gives: a table, or the raw bytes of one."""
    raw = str(data.get("raw", "")).encode()
    body: Value = wrap(data.get("body", {}))
    if "raw" in data and "body" not in data:
        body = parse_body(raw, str(data.get("encoding", "json")))
    headers = dict(data.get("headers", {}))
    return account_scope(provider, account, now).plus(
        body=body,
        item=wrap(data.get("item", {})),
        raw=raw,
        header=headers,
        query=parse_form(str(data.get("query", "")).encode()),
        part=dict(data.get("part", {})),
        verb=str(data.get("method", "POST")),
        path=str(data.get("path", "")),
    )


def canonical_of(provider: Provider, of: str, data: Mapping[str, Any], now: datetime) -> bytes:
    """Return the canonical bytes for any input, for whoever checks the engine."""
    scope = signing_scope(provider, account_of(provider, data), data, now)
    return canonical(recipe_of(provider, of), scope)


def _plain(thing: Any) -> dict[str, Any]:
    """Write a result as a file does: amounts as "50.00 USD", nothing that is empty."""
    assert is_dataclass(thing)
    found: dict[str, Any] = {}
    for one in fields(thing):
        value = getattr(thing, one.name)
        if isinstance(value, Money):
            value = f"{value.amount} {value.currency}"
        elif isinstance(value, bytes):
            value = value.decode()
        if one.name == "alarm":
            value = bool(value)
        elif one.name == "is_live" and value is not None:
            value = "live" if value else "test"
        if value not in ("", None, False, (), {}, []):
            found[one.name] = dict(value) if isinstance(value, Mapping) else value
    if isinstance(thing, Notice) and found["claims"] == found["state"]:
        del found["claims"]
    if isinstance(thing, Request):
        del found["host"]
    return found
