"""What a running copy says about itself: its ports, its logins, and one tenant's walk in it."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from infra.walk.authenticator import second_step
from infra.walk.browser import Browser
from infra.walk.inbox import Inbox, Mail
from infra.walk.markup import Missing, Page
from infra.walk.mt5 import DealSeen, Server

Found = TypeVar("Found")
_PAUSE = 0.25


@dataclass(frozen=True)
class Surroundings:
    """A running copy: its domain and port, its inbox, simulators and kept passwords."""

    data: Path
    domain: str
    port: int
    inbox: Inbox
    psp_port: int
    mt5: dict[str, str] = field(repr=False)
    logins: dict[str, dict[str, dict[str, str]]] = field(repr=False)

    @classmethod
    def of(cls, data: Path) -> Surroundings:
        """Read the files that a start leaves in its data folder; raise Missing without them."""
        try:
            told = json.loads((data / "environment.json").read_text())
            logins = json.loads((data / "logins.json").read_text())
        except FileNotFoundError as error:
            raise Missing(
                f"{error.filename} is not there: start the product with `make up`, or name its"
                " data folder by --data or MARQUE_DATA"
            ) from None
        return cls(
            data=data,
            domain=told["MARQUE_DOMAIN"],
            port=int(told["MARQUE_PORT"]),
            inbox=Inbox(told["MARQUE_INBOX_URL"]),
            psp_port=urlsplit(told["MARQUE_SIM_PSP_URL"]).port or 80,
            mt5={name: told[f"MARQUE_SIM_{name}"] for name in _SIMULATOR},
            logins=logins,
        )

    @property
    def tenants(self) -> list[str]:
        """The demo brokerages: every group of logins that is not the vendor's."""
        return [slug for slug in self.logins if slug != "console"]

    def server(self) -> Server:
        """Return a client of the trading server, with a session of its own."""
        return Server(
            address=self.mt5["MT5_URL"],
            login=self.mt5["MT5_LOGIN"],
            password=self.mt5["MT5_PASSWORD"],
            fingerprint=self.mt5["MT5_FINGERPRINT"],
            operator_token=self.mt5["OPERATOR_TOKEN"],
        )


_SIMULATOR = ("MT5_URL", "MT5_LOGIN", "MT5_PASSWORD", "MT5_FINGERPRINT", "OPERATOR_TOKEN")


@dataclass
class Somebody:
    """A fresh person of this walk, with a browser and a mailbox of their own."""

    first_name: str
    last_name: str
    email: str
    phone: str
    browser: Browser
    password: str = field(default_factory=lambda: f"walking-{secrets.token_hex(6)}", repr=False)

    @property
    def name(self) -> str:
        """First and last name as one line."""
        return f"{self.first_name} {self.last_name}"


@dataclass
class Walk:
    """One walk through one tenant: who walks, and what they have found so far."""

    around: Surroundings
    slug: str
    patience: float
    server: Server
    suffix: str = field(default_factory=lambda: secrets.token_hex(4))
    staff: dict[str, Browser] = field(default_factory=dict)
    agent: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    lead_page: str = ""
    client_page: str = ""
    case_page: str = ""
    account_page: str = ""
    deposit_reference: str = ""
    deposit_page: str = ""
    login: int = 0
    group: str = ""
    trades: list[DealSeen] = field(default_factory=list)
    master: Somebody = field(init=False)
    sub: Somebody = field(init=False)
    trader: Somebody = field(init=False)

    def __post_init__(self) -> None:
        """Invent this walk's people; every walk has others."""
        self.master = self._somebody("Atlas", "Mercer")
        self.sub = self._somebody("Sari", "Penn")
        self.trader = self._somebody("Mira", "Tarrant")

    def _somebody(self, first: str, family: str) -> Somebody:
        tail = "".join(chr(ord("a") + int(digit, 16)) for digit in self.suffix)
        return Somebody(
            first_name=first,
            last_name=f"{family} {tail.capitalize()}",
            email=f"{first.lower()}.{self.suffix}@walk.example",
            phone=f"+4477{secrets.randbelow(10**9):09d}",
            browser=self.browser(),
        )

    def browser(self) -> Browser:
        """Return a browser without any cookie."""
        return Browser(self.around.domain, self.around.port, timeout=max(30.0, self.patience))

    def at(self, surface: str, path: str = "/") -> str:
        """Return the address of a page on one of the tenant's hosts."""
        return f"http://{surface}.{self.slug}.{self.around.domain}:{self.around.port}{path}"

    def console(self, path: str = "/") -> str:
        """Return the address of a page of the vendor's console."""
        return f"http://console.{self.around.domain}:{self.around.port}{path}"

    def until(self, what: str, work: Callable[[], Found | None]) -> Found:
        """Repeat until there is something to return; raise Missing that says what was awaited."""
        end = time.monotonic() + self.patience
        last = "nothing"
        while True:
            try:
                found = work()
                if found:
                    return found
            except Missing as missing:
                last = str(missing)
            if time.monotonic() > end:
                raise Missing(f"waited {self.patience:.0f} s for {what}; {last}")
            time.sleep(_PAUSE)

    def mail(self, recipient: str, what: str, fits: Callable[[Mail], object]) -> Mail:
        """Wait for a mail to somebody that fits, whatever its language, and return it."""

        def look() -> Mail | None:
            return next(filter(fits, self.around.inbox.mails_to(recipient)), None)

        return self.until(f"a mail to {recipient} with {what}", look)

    def mailed_link(self, recipient: str, path: str) -> str:
        """Wait for a mail to somebody that links to a path, and return the link."""

        def links(mail: Mail) -> list[str]:
            return [one for one in mail.links if path in one]

        return links(self.mail(recipient, f"a link to {path}", links))[0]

    def colleague(self, name: str) -> Browser:
        """Return the browser of a member of staff, signed in; raise Missing."""
        if name not in self.staff:
            email = f"{name}@{self.slug}.example"
            browser = self.browser()
            kept = self.around.logins[self.slug].get(email)
            if kept is None:
                raise Missing(f"expected a kept password of {email}, saw none")
            sign_in(browser, self.at("team", "/login"), email, **kept)
            self.staff[name] = browser
        return self.staff[name]

    def vendor(self) -> Browser:
        """Return a browser signed in to the console."""
        browser = self.browser()
        email, kept = next(iter(self.around.logins["console"].items()))
        sign_in(browser, self.console("/login"), email, **kept)
        return browser


def sign_in(
    browser: Browser, address: str, email: str, password: str, authenticator: str = ""
) -> Page:
    """Sign somebody in and return the page they land on; raise Missing when they are refused.

    With the secret of an authenticator the second step is taken too.
    """
    form = browser.open(address).form("email", "password")
    page = browser.submit(form, {"email": email, "password": password})
    if page.address.split("?")[0].endswith("/login"):
        raise Missing(f"expected {email} to be let in, saw {page.where()}: {page.problems()}")
    return second_step(browser, page, authenticator) if authenticator else page


def shown(amount: Decimal) -> str:
    """Return how pages write an amount of two decimals."""
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    return f"{sign}{abs(amount):,.2f}"


def amounts(words: str) -> Iterator[Decimal]:
    """Yield the two-decimal amounts that a text shows."""
    for found in re.findall(r"[-\N{MINUS SIGN}]?\d[\d,]*\.\d{2}", words):
        yield Decimal(found.replace(",", "").replace("\N{MINUS SIGN}", "-"))
