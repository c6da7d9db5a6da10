"""What the product asks of a trading server, in the product's words.

Amounts are `Decimal` in the account's currency, volumes are lots, spreads are points, times are
aware UTC. A server's own clock is not UTC: whatever carries a moment of the server keeps the raw
number of seconds beside the converted one.

Every call ends in one of five ways: a result, `Refused` (the server answered no, nothing
changed), `RateLimited` (the server asked to wait, nothing changed), `Unreachable` (the request
was a read or never left: nothing changed) or `Unknown` (a write may have been applied: never
send it again before a search has shown that it was not).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol
from uuid import UUID

CashKind = Literal["deposit", "withdrawal", "credit", "credit_out", "charge", "correction", "bonus"]

COMMENT_LIMIT = 31
"""Characters a server keeps of a comment, unless its connection is configured otherwise."""

_ADVICE = {
    1: "The server changed nothing; the values were already so.",
    3: "A parameter is not valid for this server: check the account's group, leverage and amount.",
    4: "The server could not read the request: its version may be too old for this operation.",
    8: (
        "The manager login lacks a right, or the group does not exist. Give it the rights "
        "Accountant, Access to accounts and Modify accounts and the group in its list; choose "
        "the group from the server's own list, because its path has backslashes."
    ),
    13: "The server knows no such record: it may have been deleted or archived there.",
    14: "The server returned only the first part of a long list: ask for a narrower group mask.",
    17: "The server already has such a record.",
    1000: "The server does not accept this kind of login: a manager login is needed.",
    1001: (
        "Wrong login or API password. Use a manager login (not a trading account) and its "
        "separate API password (not the terminal password), with Web API allowed."
    ),
    1002: "The manager login is disabled on the server.",
    1007: "This address is not an access server: enter the access server's address.",
    1010: "The server wants a newer client version than this connection announces.",
    1011: "The login is not configured as a manager: it must be in a Managers group.",
    1012: "The server blocks our IP address: add it to the manager's list of allowed addresses.",
    3002: "The server has no free login left in its range: extend the range.",
    3003: "The login belongs to the range of another trade server.",
    3004: "The account already exists.",
    3006: (
        "The server refuses the password: 8 to 16 characters with a lower-case letter, an "
        "upper-case letter, a digit and a special character are needed."
    ),
    3007: "The server's licence allows no more accounts.",
    3008: "The account has open trades.",
    3009: "The account lives on another trade server.",
    3010: "The account has another currency.",
    4001: "The request exceeds a limit of the server.",
    4005: "The amount is larger than the server accepts in one operation.",
    10018: "The market is closed.",
    10019: (
        "Not enough free funds: open positions may be using the balance as margin. Take a "
        "smaller amount or close positions first."
    ),
    12002: "The server does not support this operation.",
    12004: "The server is locked by another operation; try again shortly.",
}


def advice(code: int) -> str:
    """Say what a person should do about a return code of an MT5 server."""
    return _ADVICE.get(code, "The server refused the request; its administrator can say why.")


class TradingError(Exception):
    """The base of everything a trading connection raises; its text holds no personal data."""


class Refused(TradingError):
    """The server answered with a definite no: nothing changed."""

    def __init__(self, code: int, text: str) -> None:
        """Keep the server's return code, its text, and what to do about it."""
        super().__init__(f"The trading server refused: {code} {text}".rstrip())
        self.code = code
        self.text = text
        self.advice = advice(code)


class Unknown(TradingError):
    """A write may or may not have been applied: search for its token, never send it blindly."""


class Unreachable(TradingError):
    """The server could not be asked, or only a read failed: nothing changed."""


class Untrusted(Unreachable):
    """The server could not prove who it is (certificate, fingerprint or password answer)."""


class NotAdmitted(Unreachable):
    """The server does not let our manager login in; every call fails until that is put right."""

    def __init__(self, code: int, text: str) -> None:
        """Keep the server's return code, its text, and what to do about it."""
        super().__init__(f"The trading server does not admit the manager login: {code} {text}")
        self.code = code
        self.text = text
        self.advice = advice(code)


class RateLimited(TradingError):
    """The server asks to slow down; nothing changed. Try again after a pause."""


@dataclass(frozen=True, slots=True)
class ServerTime:
    """A moment on the server: its own seconds, their offset from UTC in seconds, and UTC."""

    raw: int
    offset_seconds: int
    utc: datetime


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this server's build can do; bid and ask at deals came with trade build 2890."""

    version_access: int
    version_trade: int
    market_prices: bool


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """A trading account to open; `token` is our own key, stored where a search finds it.

    Passwords and personal data stay out of the representation, so that no log can hold them.
    """

    group: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    leverage: int
    main_password: str = field(repr=False)
    investor_password: str = field(repr=False)
    token: str
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    zip_code: str = field(default="", repr=False)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class AccountState:
    """The money of one trading account now, in its own currency; the level is a percentage."""

    login: int
    currency_digits: int
    leverage: int
    balance: Decimal
    credit: Decimal
    equity: Decimal
    margin: Decimal
    margin_free: Decimal
    margin_level: Decimal
    profit: Decimal
    storage: Decimal
    floating: Decimal


@dataclass(frozen=True, slots=True)
class CashDeal:
    """A balance operation as the server booked it; the amount is signed, deposits positive."""

    ticket: int
    login: int
    action: int
    amount: Decimal
    comment: str
    time: ServerTime


@dataclass(frozen=True, slots=True)
class Position:
    """An open position: volume in lots, profit and storage in the account's currency."""

    ticket: int
    login: int
    symbol: str
    side: Literal["buy", "sell"]
    lots: Decimal
    contract_size: Decimal
    price_open: Decimal
    price_current: Decimal
    price_stop_loss: Decimal
    price_take_profit: Decimal
    profit: Decimal
    storage: Decimal
    rate_profit: Decimal
    comment: str
    opened: ServerTime
    updated: ServerTime


@dataclass(frozen=True, slots=True)
class CommissionTier:
    """One step of a commission: value per its type, for volumes or turnover from and to."""

    mode: int
    type: int
    value: Decimal
    minimal: Decimal
    range_from: Decimal
    range_to: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class GroupCommission:
    """A commission of a group: mode 0 broker, 1 agent, 2 fee; the rest as the server codes it."""

    name: str
    path: str
    mode: int
    range_mode: int
    charge_mode: int
    entry_mode: int
    tiers: tuple[CommissionTier, ...]


@dataclass(frozen=True, slots=True)
class GroupSymbol:
    """What a group changes for symbols under a path; None means inherited. Spreads in points."""

    path: str
    spread_diff: int | None
    spread_diff_balance: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of trading accounts; its name is the server's own path with backslashes."""

    name: str
    currency: str
    currency_digits: int
    company: str
    demo_leverage: int
    margin_call: Decimal
    margin_stop_out: Decimal
    symbols: tuple[GroupSymbol, ...]
    commissions: tuple[GroupCommission, ...]


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to create; spread differences are points by symbol path."""

    name: str
    currency: str
    currency_digits: int
    company: str = ""
    demo_leverage: int = 100
    margin_call: Decimal = Decimal(100)
    margin_stop_out: Decimal = Decimal(50)
    spread_diffs: Mapping[str, int] = field(default_factory=dict)
    commissions: tuple[GroupCommission, ...] = ()


@dataclass(frozen=True, slots=True)
class Symbol:
    """An instrument: point and tick sizes in price, volumes in lots."""

    name: str
    path: str
    description: str
    currency_base: str
    currency_profit: str
    currency_margin: str
    digits: int
    point: Decimal
    spread: int
    contract_size: Decimal
    tick_size: Decimal
    tick_value: Decimal
    calculation_mode: int
    lots_min: Decimal
    lots_max: Decimal
    lots_step: Decimal
    swap_mode: int
    swap_long: Decimal
    swap_short: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """The last prices of a symbol and when the server saw them."""

    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    time: ServerTime


class TradingConnection(Protocol):
    """One trading server. Any method may raise `Refused`, `RateLimited` or `Unreachable`;
    only the writes (`open_account`, `cash`, `add_group`) may raise `Unknown`.
    """

    async def server_time(self) -> ServerTime:
        """Read the server's clock."""

    async def capabilities(self) -> Capabilities:
        """Say what the server's build can do, connecting when necessary."""

    async def open_account(self, request: OpenAccount) -> int:
        """Open a trading account and return its login. A write: may raise `Unknown`."""

    async def find_account(self, token: str, group_mask: str) -> int | None:
        """Find the login that was opened with the token in the groups of the mask."""

    async def account_states(
        self, *, mask: str | None = None, logins: Sequence[int] = ()
    ) -> list[AccountState]:
        """Read the money of the accounts of a group mask, or of the logins."""

    async def cash(
        self,
        login: int,
        kind: CashKind,
        amount: Decimal,
        comment: str,
        *,
        check_margin: bool = True,
    ) -> int:
        """Book money in or out and return the server's ticket. A write: may raise `Unknown`.

        The amount is positive and the kind gives the direction; only a correction is signed.
        The comment must start with the operation's token and fit the server's comment limit.
        """

    async def find_cash(
        self, login: int, token: str, since: datetime, until: datetime
    ) -> list[CashDeal]:
        """Find the balance operations of a login whose comment starts with the token.

        The window may be searched wider than asked where the server's clock has changed.
        """

    async def find_cash_batch(
        self, tokens: Mapping[int, str], since: datetime, until: datetime
    ) -> list[CashDeal]:
        """Find the balance operations of logins whose comment starts with the login's own token.

        Few queries for many logins (`tokens` by login), for reading back what was booked. What
        is found is there; before anything is sent again, its absence is for `find_cash` to show.
        """

    async def deals_raw(self, mask: str, since: datetime, until: datetime) -> bytes:
        """Read the deals of a group mask as the JSON array of bytes that the server sent.

        The window is UTC, both ends included, converted with the server's offset of now.
        """

    async def positions(self, mask: str) -> list[Position]:
        """Read the open positions of the accounts of a group mask."""

    async def groups(self, mask: str = "*") -> list[Group]:
        """Read the groups of a mask with their mark-ups and commissions."""

    async def symbols(self) -> list[Symbol]:
        """Read all instruments the manager login may see."""

    async def quotes(self, symbols: Sequence[str] = ()) -> list[Quote]:
        """Read the last prices of the symbols, or of all."""

    async def add_group(self, group: NewGroup) -> None:
        """Create a group. A write: may raise `Unknown`."""

    async def close(self) -> None:
        """Say goodbye and drop the connection; a later call connects again."""


class TradingConnections(Protocol):
    """Where the domain gets its connection to a server: one serial connection a process."""

    async def get(self, server_id: UUID) -> TradingConnection:
        """Return the connection of a registered trading server."""
