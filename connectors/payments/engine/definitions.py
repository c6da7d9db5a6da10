"""What a provider file says, read and checked: the words the rest of the engine works with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from connectors.payments.engine.amounts import MoneyForm
from connectors.payments.engine.expressions import Condition, Expression, Path, Template
from connectors.payments.engine.literals import Value
from connectors.payments.engine.recipes import Recipe

Kind = Literal["direct", "aggregator", "dialect", "brand", "manual", "inverted"]
Level = Literal["L0", "L1", "L2", "L3", "L4"]
State = Literal[
    "pending",
    "succeeded",
    "failed",
    "cancelled",
    "refunded",
    "chargeback",
    "held",
    "ignored",
]
STATES: tuple[State, ...] = (
    "pending",
    "succeeded",
    "failed",
    "cancelled",
    "refunded",
    "chargeback",
    "held",
    "ignored",
)
Show = Literal[
    "redirect", "form_post", "qr", "push", "address", "instructions", "inverted", "hosted"
]
Encoding = Literal["json", "form", "query", "none"]
Confirm = Literal["none", "query", "person"]

# Where a value is read from: the first of these that is there.
Source: TypeAlias = "tuple[Expression | Template, ...]"
# A template at the leaves, whatever structure around them.
Shape: TypeAlias = "Template | Value | list[Shape] | Mapping[str, Shape]"


def shape_paths(shape: Any) -> Iterator[Path]:
    """Return the paths in any structure of templates."""
    if isinstance(shape, Template):
        yield from shape.paths()
    elif isinstance(shape, Mapping):
        for one in shape.values():
            yield from shape_paths(one)
    elif isinstance(shape, list | tuple):
        for one in shape:
            yield from shape_paths(one)


@dataclass(frozen=True, slots=True)
class Credential:
    """A field of the form that an administrator fills; a secret is sealed and never shown."""

    name: str
    kind: Literal["string", "secret", "url"]
    label: str
    help: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """How a provider's answer to a request is read.

    `lines_before` lines stand before what is to be read. `fields` are among ANSWER_FIELDS;
    `soft` tells a decline after which another provider may be tried from one that ends it.
    """

    encoding: Literal["json", "form", "text"]
    lines_before: int
    ok: Condition | None
    soft: Condition | None
    fields: Mapping[str, Source]
    statuses: Mapping[str, State]


@dataclass(frozen=True, slots=True)
class Operation:
    """One request that can be made."""

    name: str
    method: str
    base: str
    path: Template
    encoding: Encoding
    headers: Mapping[str, Template]
    query: Mapping[str, Template]
    body: Mapping[str, Shape]
    sign: str
    with_auth: bool
    sent_by: Literal["server", "browser"]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Auth:
    """How requests say who we are: headers, a name and a password, or a token.

    A token comes from the operation named in `token_from` and is kept as long as that one's answer
    says (else for one request); whatever speaks of `auth.token` needs one.
    """

    headers: Mapping[str, Template]
    user: Template | None
    password: Template | None
    token_from: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What we answer to a callback."""

    code: int
    text: Template | None
    json: Mapping[str, Shape] | None
    sign: str


@dataclass(frozen=True, slots=True)
class KeyedList:
    """A list of {name, value} that is read as a table under `list`."""

    path: Expression
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A call to make when a callback says that it is time for it."""

    when: Condition
    operation: str


@dataclass(frozen=True, slots=True)
class Callback:
    """How a provider's callback is verified and read.

    `unsigned` names what the signature does not cover of status, reference, amount and currency.
    Where anything is unsigned the callback is only a hint, and `confirm` is "query"; or "person"
    where the provider can't be asked. `ours` pairs
    what names the merchant in the message with the credential that it must equal.
    """

    encoding: Encoding
    methods: tuple[str, ...]
    signature: Recipe
    items: Expression | None
    keyed: KeyedList | None
    fields: Mapping[str, Source]
    event_key: tuple[Expression, ...]
    ours: tuple[tuple[Expression, Expression], ...]
    ignore: Condition | None
    live: Condition | None
    confirm: Confirm
    unsigned: frozenset[str]
    follow_up: FollowUp | None
    reply: Reply


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of our own addresses that an inverted provider calls, and what we answer there."""

    purpose: Literal["profile", "reserve", "settle", "release"]
    fields: Mapping[str, Expression]
    accepted: Mapping[str, Shape]
    refused: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Limit:
    """The smallest and the largest amount in one currency, in major units."""

    smallest: Decimal
    largest: Decimal


@dataclass(frozen=True, slots=True)
class Fee:
    """What a payment costs: a percentage of the amount and something on top."""

    percent: Decimal
    fixed: Decimal
    currency: str
    payer: Literal["merchant", "client"]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to pay that this provider reaches; without countries or currencies it takes any."""

    id: str
    code: str
    name: str
    currencies: tuple[str, ...]
    countries: tuple[str, ...]
    limits: Mapping[str, Limit]
    fees: Mapping[str, Fee]
    kyc_level: int
    settlement: str
    arrival: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, for the screens and for the treasury's policies."""

    deposit: Show
    withdraw: Literal["api", "same_session", "refund_first", "manual", "none"]
    refund: bool
    partial_refund: bool
    chargeback: bool
    idempotency: Literal["header", "merchant_reference", "none"]
    callback_order: Literal["ordered", "unordered"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of what a payer is told who pays by hand."""

    label: str
    value: Template


@dataclass(frozen=True, slots=True)
class Vector:
    """A worked example in the file: what goes in and exactly what must come out."""

    name: str
    of: str
    source: str
    data: Mapping[str, Any]

    @property
    def proves(self) -> bool:
        """Whether the expectation is the vendor's own and not only ours."""
        return self.source.startswith(("vendor:", "sdk:"))


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider, whole."""

    file: str
    id: str
    name: str
    kind: Kind
    extends: str
    docs: str
    doc_checked: str
    level: Level
    enabled: bool
    disabled_because: str
    proof: tuple[str, ...]
    adapter: str
    credentials: Mapping[str, Credential]
    environments: Mapping[str, Mapping[str, str]]
    hosts: frozenset[str]
    capabilities: Capabilities
    auth: Auth
    money: MoneyForm
    callback_money: MoneyForm
    signing: Mapping[str, Recipe]
    operations: Mapping[str, Operation]
    endpoints: Mapping[str, Endpoint]
    callback: Callback | None
    statuses: Mapping[str, State]
    methods: tuple[Method, ...]
    codes: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    sample: Mapping[str, str]
    vectors: tuple[Vector, ...]

    @property
    def reaches(self) -> int:
        """How many ways to pay are reached: the methods, else the codes, else the one."""
        return (len(self.methods) or len(self.codes) or 1) if self.enabled else 0

    def needs_token(self, operation: str) -> bool:
        """Whether a request speaks of `auth.token`, which has to be fetched before it is built."""
        one = self.operations[operation]
        if one.name == self.auth.token_from:
            return False
        shapes: list[Any] = [one.path, one.headers, one.query, one.body]
        if one.with_auth:
            shapes += [self.auth.headers, self.auth.user, self.auth.password]
        return any(path.root == "auth" for path in shape_paths(shapes))

    def opens_page(self, operation: str) -> bool:
        """Whether an operation's answer sends the payer to a page, instead of a standing."""
        return operation == "withdraw" and self.capabilities.withdraw == "same_session"

    @property
    def earned(self) -> Level:
        """The level that the file's own vectors show.

        L1 takes an expectation of the vendor's for what credits money: the callback's signature
        where there is one, else whatever the file signs.
        """
        signature = self.callback.signature.alg if self.callback else "none"
        wanted = "" if signature in ("none", "equals") else "callback"
        shown = any(v.proves and v.of.startswith(wanted) for v in self.vectors)
        return "L1" if shown else "L0"

    @property
    def is_connectable(self) -> bool:
        """Whether a brokerage can connect it: enabled, and its address is known or asked for."""
        has_address = bool(self.environments) or "base_url" in self.credentials
        return self.enabled and (has_address or bool(self.adapter) or not self.operations)
