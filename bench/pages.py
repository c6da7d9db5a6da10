"""Every page of the product: whose it is, where it lies, and how to come to it by clicks.

The gallery, the proof of accessibility and the test that no page was forgotten read this list.
A page is named by its surface and its route; `path` is what is typed when the route has no
parameter of its own, `steps` are the clicks that lead on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from bench.eyes import WIDE

Step = Callable[[Page], None]


def click(selector: str) -> Step:
    """Return a step that follows the first link found."""

    def step(page: Page) -> None:
        page.locator(selector).first.click()
        page.wait_for_load_state()

    return step


@dataclass(frozen=True)
class View:
    """One page to look at: whose it is, where it lies, and how to go on from there."""

    name: str
    who: str | None
    slug: str
    surface: str
    path: str = "/"
    size: tuple[int, int] = WIDE
    steps: tuple[Step, ...] = ()
    dark: bool = False


@dataclass(frozen=True)
class Spot:
    """A page of every brokerage, or of the vendor: `host` is the first part of its address."""

    host: str
    route: str
    who: str | None = None
    path: str = ""
    steps: tuple[Step, ...] = ()
    label: str = ""

    @property
    def name(self) -> str:
        """A name for a file: the host, the route and, where a route has several, its label."""
        parts = [part for part in self.route.replace("{", "").replace("}", "").split("/") if part]
        words = [self.host, *(part.split(":")[0] for part in parts), self.label]
        return "-".join(word for word in words if word)

    def view(self, slug: str) -> View:
        """Return the page as one brokerage has it."""
        return View(self.name, self.who, slug, self.host, self.path or self.route, WIDE, self.steps)


LEAD = (click("main tbody a[href^='/crm/leads/']"),)
CLIENT = (click("main tbody a[href^='/crm/clients/']"),)
CASE = (click("main a[href^='/backoffice/kyc/']"),)
PAYMENT = (click("main tbody a[href^='/backoffice/deposits/']"),)
BREAK = (click("main tbody a[href^='/backoffice/reconciliation/']"),)
BANK = (click("main tbody a[href^='/backoffice/banks/accounts/']"),)
LINE = (click("main tbody a[href^='/backoffice/banks/lines/']"),)
CONNECTION = (click("main tbody a[href^='/backoffice/connections/']"),)
MOVED = (click("main tbody a[href^='/backoffice/transfers/']"),)
ADJUSTED = (click("main tbody a[href^='/backoffice/adjustments/']"),)
DISPUTED = (click("main tbody a[href^='/backoffice/disputes/']"),)
DAY = (click("main tbody a[href^='/backoffice/revenue/']"),)
DEAL = (click("main tbody a[href^='/backoffice/revenue/deals/']"),)
STATEMENT = (click("main tbody a[href^='/backoffice/book/statement']"),)
ENTRY = (click("main tbody a[href^='/backoffice/book/entries/']"),)
PARTNER = (click("main a[href^='/backoffice/partners/']"),)
COMMISSION = (click("main a[href^='/commissions/']:not([href*='export'])"),)
HOLDER = (click("main a[href^='/settings/roles/people/']"),)
VIEW_AS = "/settings/roles/view?role="
ACCOUNT = (click("main a[href^='/accounts/']"),)
WITHDRAWAL = (click("main a[href^='/withdraw/WDR']"),)
ASKED = (click("main tbody a[href^='/approvals/']"),)
PAID_OUT = (click("main tbody a[href^='/backoffice/withdrawals/']"),)
TRANSFER = (click("main a[href^='/transfer/TRF']"),)
DEPOSIT = (click("main a[href^='/deposit/DEP']"),)


def _own_pages(host: str, who: str) -> tuple[Spot, ...]:
    """Return what every signed-in person has."""
    return (
        Spot(host, "/notifications", who),
        Spot(host, "/offline", who),
        Spot(host, "/security", who),
        Spot(host, "/security/confirm", who),
    )


PUBLIC = (
    Spot("www", "/"),
    Spot("www", "/embed/lead"),
    Spot("www", "/thanks"),
    Spot("www", "/embed/thanks"),
    Spot("www", "/verify"),
)
TRADER = (
    Spot("my", "/login"),
    Spot("my", "/register"),
    Spot("my", "/", "trader"),
    Spot("my", "/verification", "trader"),
    Spot("my", "/accounts", "trader"),
    Spot("my", "/accounts/{account_id:uuid}", "trader", "/", ACCOUNT),
    Spot("my", "/deposit", "trader"),
    Spot("my", "/deposit/{reference:str}", "trader", "/history", DEPOSIT),
    Spot("my", "/withdraw", "trader"),
    Spot("my", "/withdraw/payees", "trader"),
    Spot("my", "/withdraw/{reference:str}", "trader", "/withdraw", WITHDRAWAL),
    Spot("my", "/history", "trader"),
    Spot("my", "/wallets", "trader"),
    Spot("my", "/transfer", "trader"),
    Spot("my", "/convert", "trader"),
    Spot("my", "/transfers", "trader"),
    Spot("my", "/transfer/{reference:str}", "trader", "/transfers", TRANSFER),
    *_own_pages("my", "trader"),
)
PARTNERS = (
    Spot("ib", "/login"),
    Spot("ib", "/register"),
    Spot("ib", "/", "partner"),
    Spot("ib", "/referrals", "partner"),
    Spot("ib", "/commissions", "partner"),
    Spot("ib", "/commissions/{line_id:uuid}", "partner", "/commissions", COMMISSION),
    Spot("ib", "/balance", "partner"),
    *_own_pages("ib", "partner"),
)
STAFF = (
    Spot("team", "/login"),
    Spot("team", "/crm/leads", "owner"),
    Spot("team", "/crm/leads", "owner", "/crm/leads?panel=filter", label="filter"),
    Spot("team", "/crm/leads", "owner", "/crm/leads?panel=export", label="export"),
    Spot("team", "/crm/leads", "owner", "/crm/leads?q=nobody-has-this-name", label="empty"),
    Spot("team", "/crm/leads/new", "admin"),
    Spot("team", "/crm/leads/{lead_id:uuid}", "owner", "/crm/leads", LEAD),
    Spot("team", "/crm/clients", "owner"),
    Spot("team", "/crm/clients/{client_id:uuid}", "owner", "/crm/clients", CLIENT),
    Spot("team", "/crm/accounts", "owner"),
    Spot("team", "/crm/rules", "owner"),
    Spot("team", "/home", "owner"),
    Spot("team", "/home", "sales", label="sales"),
    Spot("team", "/home", "compliance", label="compliance"),
    Spot("team", "/home", "finance", label="finance"),
    Spot("team", "/search", "owner", "/search?q=ma&stay=1"),
    Spot("team", "/tasks", "sales", "/tasks?new=yes"),
    Spot("team", "/approvals", "finance", "/approvals?place="),
    Spot("team", "/looks", "owner"),
    Spot("team", "/backoffice/deposits", "owner"),
    Spot(
        "team", "/backoffice/deposits/{deposit_id:uuid}", "owner", "/backoffice/deposits", PAYMENT
    ),
    Spot("team", "/backoffice/connections", "owner"),
    Spot("team", "/backoffice/connections/new", "owner"),
    Spot(
        "team",
        "/backoffice/connections/new",
        "owner",
        "/backoffice/connections/new?provider=nuvei",
        label="form",
    ),
    Spot(
        "team",
        "/backoffice/connections/{connection_id:uuid}",
        "owner",
        "/backoffice/connections",
        CONNECTION,
    ),
    Spot("team", "/backoffice/deposit-limits", "owner"),
    Spot("team", "/backoffice/payment-routes", "owner"),
    Spot("team", "/backoffice/transfers", "owner"),
    Spot("team", "/backoffice/transfers/sending", "owner"),
    Spot("team", "/backoffice/transfers/{reference:str}", "owner", "/backoffice/transfers", MOVED),
    Spot("team", "/backoffice/adjustments", "owner"),
    Spot("team", "/backoffice/adjustments/new", "owner"),
    Spot(
        "team",
        "/backoffice/adjustments/{adjustment_id:uuid}",
        "owner",
        "/backoffice/adjustments",
        ADJUSTED,
    ),
    Spot("team", "/backoffice/disputes", "owner"),
    Spot(
        "team", "/backoffice/disputes/{dispute_id:uuid}", "owner", "/backoffice/disputes", DISPUTED
    ),
    Spot("team", "/backoffice/rates", "owner"),
    Spot("team", "/backoffice/treasury", "finance"),
    Spot("team", "/backoffice/reconciliation", "finance"),
    Spot("team", "/backoffice/reconciliation/runs", "finance"),
    Spot(
        "team",
        "/backoffice/reconciliation/{break_id:uuid}",
        "finance",
        "/backoffice/reconciliation",
        BREAK,
    ),
    Spot("team", "/backoffice/banks", "finance"),
    Spot(
        "team", "/backoffice/banks/accounts/{account_id:uuid}", "finance", "/backoffice/banks", BANK
    ),
    Spot("team", "/backoffice/banks/lines", "finance"),
    Spot(
        "team", "/backoffice/banks/lines/{line_id:uuid}", "finance", "/backoffice/banks/lines", LINE
    ),
    Spot("team", "/approvals/{approval_id:uuid}", "finance", "/approvals", ASKED),
    Spot("team", "/backoffice/withdrawals", "finance"),
    Spot("team", "/backoffice/withdrawals/rules", "finance"),
    Spot(
        "team",
        "/backoffice/withdrawals/{withdrawal_id:uuid}",
        "finance",
        "/backoffice/withdrawals",
        PAID_OUT,
    ),
    Spot("team", "/backoffice/kyc", "compliance"),
    Spot("team", "/backoffice/kyc/{case_id:uuid}", "compliance", "/backoffice/kyc", CASE),
    Spot("team", "/backoffice/revenue", "finance"),
    Spot("team", "/backoffice/revenue/deals", "finance"),
    Spot("team", "/backoffice/revenue/{day:date}", "finance", "/backoffice/revenue", DAY),
    Spot(
        "team",
        "/backoffice/revenue/deals/{server_id:uuid}/{ticket:int}",
        "finance",
        "/backoffice/revenue/deals",
        DEAL,
    ),
    Spot("team", "/backoffice/partners", "owner"),
    Spot(
        "team", "/backoffice/partners/{partner_id:uuid}", "owner", "/backoffice/partners", PARTNER
    ),
    Spot("team", "/backoffice/book", "finance"),
    Spot("team", "/backoffice/book/accounts", "finance"),
    Spot("team", "/backoffice/book/statement", "finance", "/backoffice/book/accounts", STATEMENT),
    Spot("team", "/backoffice/book/entries", "finance"),
    Spot(
        "team",
        "/backoffice/book/entries/{entry_id:uuid}",
        "finance",
        "/backoffice/book/entries",
        ENTRY,
    ),
    Spot("team", "/backoffice/book/periods", "finance"),
    Spot("team", "/backoffice/audit", "owner"),
    *_own_pages("team", "sales"),
    Spot("team", "/settings", "owner"),
    Spot("team", "/settings/mail", "owner"),
    Spot("team", "/settings/mail/log", "owner"),
    Spot("team", "/settings/mail/suppressed", "owner"),
    Spot("team", "/settings/mail/preview", "owner"),
    Spot("team", "/settings/templates", "owner"),
    Spot(
        "team",
        "/settings/templates/{event:str}/{language:str}/{kind:str}",
        "owner",
        "/settings/templates",
        (click("main tbody a[href^='/settings/templates/']"),),
    ),
    Spot("team", "/settings/roles", "owner"),
    Spot("team", "/settings/roles/new", "owner"),
    Spot("team", "/settings/roles/{role:str}", "owner", "/settings/roles/sales_agent"),
    Spot(
        "team",
        "/settings/roles/{role:str}/review",
        "owner",
        "/settings/roles/sales_agent/review?c=crm.lead.export:all,crm.lead.change:off",
    ),
    Spot("team", "/settings/roles/people/{user_id:uuid}", "owner", "/settings/roles", HOLDER),
    Spot("team", "/settings/roles/view", "owner", f"{VIEW_AS}sales_head&q=ma"),
    Spot(
        "team",
        "/settings/roles/{role:str}/view/client/{client_id:uuid}",
        "owner",
        f"{VIEW_AS}marketing&q=ma",
        (click("main a[href*='/view/client/']"),),
    ),
    Spot(
        "team",
        "/settings/roles/{role:str}/view/lead/{lead_id:uuid}",
        "owner",
        f"{VIEW_AS}marketing&q=ma",
        (click("main a[href*='/view/lead/']"),),
    ),
    Spot("team", "/settings/brand", "owner"),
    Spot("team", "/settings/texts", "owner"),
    Spot("team", "/settings/texts/file", "owner"),
    Spot(
        "team",
        "/settings/texts/{language:str}/{key_hash:str}",
        "owner",
        "/settings/texts?language=ar",
        (click("main a[href^='/settings/texts/ar/']"),),
    ),
)
CONSOLE = (
    Spot("console", "/login"),
    Spot("console", "/security", "vendor"),
    Spot("console", "/looks", "vendor"),
    Spot("console", "/tenants", "vendor"),
    Spot(
        "console",
        "/tenants/{slug:str}",
        "vendor",
        "/tenants",
        (click("main a[href^='/tenants/']"),),
    ),
)
VENDOR = (Spot("", "/"),)
OF_A_BROKERAGE = (*PUBLIC, *TRADER, *PARTNERS, *STAFF)
OF_THE_VENDOR = (*CONSOLE, *VENDOR)
HOST_OF = {"public": "www", "trader": "my", "partner": "ib", "staff": "team",
           "console": "console", "vendor": ""}  # fmt: skip

_SIGN_IN = "a step of signing in or of a factor, seen in its own test"
_PARTS = ("/events", "/manifest.webmanifest", "/sw.js", "/app-icon/{part:str}")
_STEPS = ("/login/enrol", "/login/passkey", "/login/second", "/security/add",
          "/security/recovery-codes", "/security/{kind:str}/{factor_id:uuid}/remove")  # fmt: skip
# What answers a GET and is no page to look at here, and why.
NO_PAGE = {
    ("public", "/r/{code:str}"): "leads on",
    ("trader", "/verify/{secret:str}"): "a mailed link, seen in the journeys",
    ("trader", "/invite/{secret:str}"): "a mailed link, seen in the journeys",
    ("trader", "/verification/documents/{document_id:uuid}"): "a file",
    ("partner", "/join/{code:str}"): "leads on",
    ("partner", "/verify/{secret:str}"): "a mailed link",
    ("staff", "/crm/leads/bulk/{run_id:uuid}"): "a change under way, seen in its own test",
    ("staff", "/crm/leads/bulk/{run_id:uuid}/skipped.csv"): "a file",
    ("staff", "/crm/clients/bulk/{run_id:uuid}"): "a change under way, seen in its own test",
    ("staff", "/crm/clients/bulk/{run_id:uuid}/skipped.csv"): "a file",
    ("staff", "/"): "leads on",
    ("staff", "/crm"): "leads on",
    ("staff", "/backoffice/kyc/documents/{document_id:uuid}"): "a file",
    ("staff", "/backoffice/revenue/export"): "a file",
    ("staff", "/backoffice/deposit-proofs/{proof_id:uuid}"): "a file",
    ("staff", "/settings/brand/check"): "part of a page",
    ("staff", "/settings/brand/preview/{part:str}"): "part of a page",
    ("staff", "/settings/brand/versions/{version_id:uuid}/{part:str}"): "a file",
    ("staff", "/settings/brand/export"): "a file",
    ("staff", "/settings/texts/file/{language:str}"): "a file",
    ("console", "/"): "leads on",
    ("console", "/palette"): "part of a page",
    ("console", "/security/confirm"): _SIGN_IN,
    ("public", "/go/{place:str}"): "leads on",
    ("public", "/unsubscribe/{token:str}"): "a mailed link",
    ("public", "/verify/{code:str}"): "a printed link, seen in its own test",
    ("trader", "/deposit/{reference:str}/receipt.pdf"): "a file",
    ("trader", "/transfer/{reference:str}/receipt.pdf"): "a file",
    ("trader", "/history/statement.pdf"): "a file",
    ("partner", "/commissions/statement.pdf"): "a file",
    ("staff", "/backoffice"): "leads on",
    ("staff", "/backoffice/deposits/{deposit_id:uuid}/receipt.pdf"): "a file",
    ("staff", "/palette"): "part of a page",
    ("staff", "/search/suggest"): "part of a page",
    ("staff", "/settings/access"): "needs a fresh proof, seen in its own test",
    ("staff", "/settings/access/{user_id:uuid}/reset"): "needs a fresh proof",
    ("staff", "/settings/brand/pictures/{part:str}"): "a file",
    ("staff", "/settings/mail/preview/{template:str}/{language:str}"): "part of a page",
    **{
        (surface, path): "leads on"
        for surface in ("trader", "partner", "staff")
        for path in ("/notifications/{notification_id:uuid}",)
    },
    **{
        (surface, path): "part of the app"
        for surface in ("trader", "partner", "staff")
        for path in _PARTS
    },
    **{
        (surface, path): _SIGN_IN
        for surface in ("trader", "partner", "staff", "console")
        for path in _STEPS
    },
}
