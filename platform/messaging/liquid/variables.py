"""The values that each event offers to its templates: names, meanings and examples.

An editor lists and completes them, a check refuses what is not among them, and a rendering is
given these and nothing else, as plain values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kernel.errors import NotFound, ProductError

Plain = str | int | bool | list["Plain"] | dict[str, "Plain"]


MAIL_KINDS = ("subject", "html", "text")


class ValueRefused(ProductError):
    """A value that no template may see was about to be handed to one: a programmer's error."""

    code = "template_value_refused"
    status = 500
    message = "This message can't be written."


@dataclass(frozen=True)
class Variable:
    """One value: its dotted name, what it means to an author, and an example."""

    name: str
    meaning: str
    example: str
    secret: bool = False  # never in a subject or an SMS, which are stored and shown in clear
    required: bool = False  # without it the message is of no use


@dataclass(frozen=True)
class Event:
    """One occasion for a text: a message by the name under which it is queued, or a place.

    `kinds` are the texts that it has, `group` where its reader finds them.
    """

    name: str
    label: str
    variables: tuple[Variable, ...]
    kinds: tuple[str, ...] = MAIL_KINDS
    group: str = "message"

    def variable(self, name: str) -> Variable | None:
        """Return a variable by its dotted name."""
        return next((one for one in self.variables if one.name == name), None)


_NAME = Variable("name", "The reader's name", "Omar Haddad")
_ROOM = Variable("link", "Leads to the page for it", "https://my.example.com/")
_ONCE = Variable(
    "link", "Works once, for the reader alone", "https://my.example.com/t/abc123", required=True
)
BRAND = (
    Variable("brand.name", "Your brand", "Alpha Markets"),
    Variable("brand.legal_name", "Your company", "Alpha Markets Ltd"),
    Variable("brand.support_email", "Where readers can write to", "support@alpha.example"),
    Variable("brand.regulator_line", "Your licence", "Licensed by the FSA under SD123"),
    Variable("brand.risk_warning", "Your risk warning", "CFDs are complex instruments."),
    Variable("language", "The language of the message", "en"),
)
_REGISTER = Variable(
    "register_href", "Where an account is opened", "https://my.example.com/register"
)
_SIGN_IN = Variable("sign_in_href", "Where clients sign in", "https://my.example.com/login")
_AMOUNT = Variable("amount", "Amount and currency", "250.00 USD")
_WITHDRAWN = Variable("reference", "Reference of the withdrawal", "WDR-7F3K2M9A")
_SERVER = Variable("server", "Name of the trading server", "Alpha-Live")


def _event(name: str, label: str, *variables: Variable, sms: bool = False) -> Event:
    kinds = (*MAIL_KINDS, "sms") if sms else MAIL_KINDS
    return Event(name, label, (*variables, *BRAND), kinds)


def _document(name: str, label: str, *variables: Variable) -> Event:
    return Event(name, label, (*variables, *BRAND), ("pdf_block",), "document")


def _section(name: str, label: str) -> Event:
    return Event(name, label, (_REGISTER, _SIGN_IN, *BRAND), ("landing",), "site")


EVENTS: dict[str, Event] = {
    event.name: event
    for event in (
        _event("verify_email", "Confirm the e-mail address", _NAME, _ONCE),
        _event("invite_client", "Invite a client", _NAME, _ONCE),
        _event("reset_password", "Set a new password", _NAME, _ONCE),
        _event(
            "account_opened",
            "Trading account opened",
            *(_NAME, Variable("login", "Login of the account", "700123", required=True), _SERVER),
            Variable("password", "Password", "Kx7-example", secret=True, required=True),
            Variable("investor_password", "Password to look only", "Lz8-example", secret=True),
        ),
        _event("kyc_approved", "Documents accepted", _NAME, _ROOM, sms=True),
        _event(
            "kyc_rejected",
            "A document is needed again",
            *(_NAME, Variable("reason", "What is wrong with it", "The photo is blurred."), _ROOM),
        ),
        _event(
            "deposit_received",
            "Deposit received",
            *(_NAME, _AMOUNT, Variable("reference", "Reference of the deposit", "D-2041")),
            *(Variable("target", "Where the money stands", "your wallet"), _ROOM),
            sms=True,
        ),
        _event(
            "withdrawal_code",
            "Code for a withdrawal",
            *(_NAME, Variable("code", "The code", "482913", secret=True, required=True), _AMOUNT),
            Variable("payee", "Where the money goes", "DE02 … 2051"),
        ),
        _event("withdrawal_paid", "Withdrawal paid", *(_NAME, _AMOUNT, _WITHDRAWN, _ROOM)),
        _event(
            "withdrawal_closed",
            "Withdrawal not paid",
            *(_NAME, _AMOUNT, Variable("reason", "Why it was not paid", "The name differs.")),
            *(_WITHDRAWN, _ROOM),
        ),
        _event(
            "partner_welcome",
            "A partnership begins",
            *(_NAME, Variable("referral_link", "Link to pass on", "https://example.com/r/omar")),
            _ROOM,
        ),
        _event("lead_welcome", "Welcome to somebody who left their details", _NAME, _ROOM),
        _document(
            "receipt",
            "Receipt of a deposit: the block under the table",
            *(_NAME, _AMOUNT, Variable("reference", "Reference of the deposit", "D-2041")),
        ),
        _document("statement", "Statement of an account: the block under the table", _NAME),
        _section("below_hero", "Front page: below the first picture"),
        _section("features", "Front page: what you offer"),
        _section("faq", "Front page: questions and answers"),
        _section("closing", "Front page: before the footer"),
    )
}
# Of the public site, in the order of the page.
SLOTS = tuple(name for name, one in EVENTS.items() if one.group == "site")


def event(name: str) -> Event:
    """Return an event by name; raises NotFound."""
    found = EVENTS.get(name)
    if found is None:
        raise NotFound(f"There is no message named {name}.")
    return found


def plain(value: object) -> Plain:
    """Return a value made of text, whole numbers, booleans, lists and dictionaries only.

    A Decimal becomes its text and None an empty text; raises ValueRefused for anything else,
    so that no object of ours, with all that hangs on it, ever comes near a template.
    """
    if isinstance(value, bool | int):
        return value
    if value is None:
        return ""
    if type(value) is str:
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return {_key(key): plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [plain(one) for one in value]
    raise ValueRefused(f"A template can't be given a {type(value).__name__}.")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueRefused("The names of a template's values are text.")
    return key


def offered(name: str, context: Mapping[str, object]) -> dict[str, Plain]:
    """Return those values of a context that the event declares, as plain values."""
    roots = {one.name.partition(".")[0] for one in event(name).variables}
    return {key: plain(value) for key, value in context.items() if key in roots}


def example(name: str, *, language: str = "en") -> dict[str, Plain]:
    """Return the example of every variable of an event, in the shape of a context."""
    made: dict[str, Plain] = {}
    for variable in event(name).variables:
        root, _, leaf = variable.name.partition(".")
        if leaf:
            group = made.setdefault(root, {})
            assert isinstance(group, dict)
            group[leaf] = variable.example
        else:
            made[root] = variable.example
    return made | {"language": language}
