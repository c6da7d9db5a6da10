"""Reads providers' answers, and the values that answers and callbacks have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from connectors.payments.engine.amounts import MoneyForm
from connectors.payments.engine.definitions import Operation, Provider, Source, State
from connectors.payments.engine.expressions import Condition, Missing, look_up
from connectors.payments.engine.failures import ValueMissing, ValueUnusable
from connectors.payments.engine.filters import text_of
from connectors.payments.engine.literals import Number, Value, parse_form, parse_json
from connectors.payments.engine.port import Received, Standing, Step
from connectors.payments.engine.scopes import Scope, Thing
from connectors.payments.port import PaymentRefused, PaymentUnknown
from kernel.money import Money

ANSWER_BYTES_MAX = 1024 * 1024
_UNREADABLE = "The provider's answer can't be read: its outcome is unknown."


class SoftDecline(PaymentRefused):
    """A no that is this provider's alone: another one may be tried."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of an answer or a callback; texts are empty where there are none."""

    fields: Mapping[str, Source]
    scope: Scope
    form: MoneyForm

    def text(self, name: str) -> str:
        """Return a field as text, empty when it is not there or null."""
        found = self.find(name)
        return "" if found is None else text_of(found)

    def find(self, name: str) -> Thing:
        """Return a field's value: of the first place where there is one, else None."""
        for one in self.fields.get(name, ()):
            with contextlib.suppress(ValueMissing):
                found = one.find(self.scope)
                if not isinstance(found, Missing) and found is not None:
                    return found
        return None

    def error(self, state: State) -> str:
        """Return what a payment ended in, empty for one that did not fail."""
        if state not in ("failed", "cancelled"):
            return ""
        return (self.text("error_text") or self.text("error_code"))[:200]

    def difference(self, state: State) -> str:
        """Return why a payment that succeeded waits for a person: other coins came than were due.

        `due` and `came` are counted in the coin itself; empty where they are equal or not told.
        """
        due, came = self.find("due"), self.find("came")
        if state != "succeeded" or not isinstance(due, Number) or not isinstance(came, Number):
            return ""
        if due.decimal == came.decimal:
            return ""
        return f"{came.decimal:f} coins came, {due.decimal:f} were due: credit what they are worth."

    def money(self, amount: str, currency: str) -> Money | None:
        """Return an amount exactly; None when it is not there or can't be read exactly."""
        found = self.find(amount)
        try:
            if isinstance(found, Number | str):
                return self.form.read(found, self.form.read_currency(self.text(currency)))
        except ValueUnusable:
            return None
        return None


def resolve(word: str, statuses: Mapping[str, State]) -> tuple[State, str]:
    """Return our state for a provider's word, and an alarm for one that nobody has mapped.

    What is unknown is pending and held for a person: it is never a success and never a failure.
    """
    known = statuses.get(word)
    if known == "held":
        return "held", f"The provider's status {word[:40]!r} needs a person's decision."
    if known is not None:
        return known, ""
    shown = f"{word[:40]!r} is not among its known ones" if word else "is missing"
    return "pending", f"The provider's status {shown}: look at this payment there."


def parse_body(raw: bytes, encoding: str) -> Value:
    """Read a body by its encoding; raise ValueUnusable."""
    if encoding == "json":
        return parse_json(raw)
    if encoding in ("form", "query"):
        return parse_form(raw)
    return {}


@contextlib.contextmanager
def _clear() -> Iterator[None]:
    """Turn a value of another kind than the file says into an outcome that is unknown."""
    try:
        yield
    except ValueUnusable:
        raise PaymentUnknown(_UNREADABLE) from None


@_clear()
def read(provider: Provider, operation: Operation, received: Received, scope: Scope) -> Reading:
    """Judge an answer and return its values.

    Raises PaymentRefused (SoftDecline where another provider may be tried) for a definite no, and
    PaymentUnknown for anything that leaves open whether the provider has acted.
    """
    answer = operation.answer
    if received.status >= 500 or received.status in (408, 409, 425, 429):
        raise PaymentUnknown(f"The provider answered {received.status}: its outcome is unknown.")
    is_good = 200 <= received.status < 300
    try:
        if len(received.body) > ANSWER_BYTES_MAX:
            raise ValueUnusable("The answer is too large.")
        # A refusal is a single line with or without an end: it must not pass for an empty form.
        text = received.body.rstrip() if answer.lines_before else received.body
        lines = text.split(b"\n", answer.lines_before)
        # Some print a form with each pair on a line of its own.
        text = lines[-1].replace(b"\n", b"") if answer.encoding == "form" else lines[-1]
        body = parse_body(text, answer.encoding)
    except ValueUnusable:
        if not is_good:
            raise _refusal(received.status, "", "") from None
        raise PaymentUnknown(_UNREADABLE) from None
    scope = scope.plus(body=body, raw=received.body)
    reading = Reading(answer.fields, scope, provider.money)
    if answer.soft is not None and answer.soft.holds(scope):
        raise SoftDecline(reading.text("error_code")[:60], reading.text("error_text")[:200])
    if is_good and answer.ok is not None and not _says(answer.ok, scope):
        raise PaymentUnknown("The provider's answer is of another kind: its outcome is unknown.")
    if not is_good or (answer.ok is not None and not answer.ok.holds(scope)):
        raise _refusal(received.status, reading.text("error_code"), reading.text("error_text"))
    return reading


def _says(condition: Condition, scope: Scope) -> bool:
    """Whether an answer has what tells a yes from a no; without it, it is neither."""
    found = [look_up(path, scope) for path in condition.paths()]
    return not any(isinstance(one, Missing) or one is None for one in found)


def _refusal(status: int, code: str, text: str) -> PaymentRefused:
    return PaymentRefused((code or str(status))[:60], text[:200])


@_clear()
def step_of(
    provider: Provider, operation: Operation, reading: Reading, *, stand_in: str = ""
) -> Step:
    """Return what the payer sees next; raise PaymentUnknown when the answer does not say.

    A local counterpart, whose origin `stand_in` is, may send the payer to itself without https.
    """
    kind = provider.capabilities.deposit if operation.name == "deposit" else "redirect"
    step = Step(
        kind=kind,
        session_ref=reading.text("session_ref"),
        url=_at_stand_in(provider, reading.text("redirect_url"), stand_in),
        qr=reading.text("qr"),
        qr_image=reading.text("qr_image"),
        address=reading.text("address"),
        address_tag=reading.text("address_tag"),
        expires=reading.text("expires"),
    )
    shown = {"redirect": step.url, "qr": step.qr, "address": step.address}.get(kind, "shown")
    if not shown:
        raise PaymentUnknown("The provider did not say where the payer goes next.")
    home = (f"{'://'.join(urlsplit(stand_in)[:2])}/",) if stand_in else ()
    if kind == "redirect" and not step.url.startswith(("https://", *home)):
        raise PaymentUnknown("The provider sends the payer to an address that is not https.")
    return step


def _at_stand_in(provider: Provider, url: str, stand_in: str) -> str:
    """Send the payer to the counterpart where a file names the provider's own host for the page."""
    parts = urlsplit(url)
    if not stand_in or parts.scheme != "https" or parts.hostname not in provider.hosts:
        return url
    return urlunsplit((*urlsplit(stand_in.rstrip("/"))[:2], *parts[2:]))


@_clear()
def standing_of(operation: Operation, reading: Reading) -> Standing:
    """Return what an answer says about the payment itself."""
    word = reading.text("status")
    state, alarm = resolve(word, operation.answer.statuses)
    if "status" not in operation.answer.fields:
        # An answer that only takes the order says nothing of what becomes of it.
        state, alarm = "pending", ""
    if differs := reading.difference(state):
        state, alarm = "held", differs
    return Standing(
        state=state,
        status=word,
        reference=reading.text("reference"),
        provider_ref=reading.text("provider_ref"),
        amount=reading.money("amount", "currency"),
        settled=reading.money("settled_amount", "settled_currency"),
        fee=reading.money("fee", "fee_currency"),
        alarm=alarm,
        error=reading.error(state),
    )
