"""Invented brands, people and numbers of the catalogue; no page of the product uses them."""

from decimal import Decimal
from typing import Any

from kernel.money import Money
from themes.page import (
    AppLink,
    Brand,
    Direction,
    NavigationGroup,
    NavigationItem,
    Page,
    Surface,
    Viewer,
)
from themes.tokens import BrandColours

_RISK = (
    "CFDs are complex instruments and come with a high risk of losing money rapidly due to "
    "leverage. 74 % of retail accounts lose money when trading CFDs with this provider."
)
BRANDS = (
    Brand(
        "Meridian Markets",
        "meridian",
        "MM",
        BrandColours("#0B2545", "#13A89E"),
        support_email="help@meridian.example",
        legal_name="Meridian Markets EU Ltd",
        regulator_line="A demonstration firm.",
        risk_warning=_RISK,
    ),
    Brand(
        "نور كابيتال",
        "noor",
        "ن",
        BrandColours("#0F5132", "#C9A227"),
        language="ar",
        direction="rtl",
        support_email="help@noor.example",
        risk_warning=(
            "ينطوي التداول بالرافعة المالية على مخاطر عالية، وقد تخسر كل ما أودعته. "
            "تأكد من فهم طريقة عمل هذه المنتجات قبل التداول."
        ),
    ),
    Brand(
        "Kestrel Trade",
        "kestrel",
        "K",
        BrandColours("#5B2A86", "#FF7F6B", radius="1.25"),
        support_email="help@kestrel.example",
        risk_warning=_RISK,
    ),
)
VENDOR = Brand(
    "Marque", "marque", "M", BrandColours("#15182B", "#5B5BD6"), support_email="help@marque.example"
)


def money(amount: str, currency: str = "USD") -> Money:
    """Money from text."""
    return Money(Decimal(amount), currency)


def _items(*rows: tuple[str, str, int | None]) -> tuple[NavigationItem, ...]:
    return tuple(
        NavigationItem(label, "#", icon, active=at == 0 and count is not None, count=count)
        for at, (label, icon, count) in enumerate(rows)
    )


_STAFF = (
    NavigationGroup(
        "",
        (
            NavigationItem("Home", "#", "home"),
            NavigationItem("My inbox", "#", "inbox", count=7, hot=True),
        ),
    ),
    NavigationGroup(
        "Sell",
        _items(("Leads", "user-plus", 148), ("Clients", "users", None), ("Tasks", "checkbox", 12)),
    ),
    NavigationGroup("Partners", _items(("Partners", "affiliate", None))),
    NavigationGroup("Measure", _items(("Funnel", "chart-funnel", None), ("Team", "trophy", None))),
)
_TRADER = (
    NavigationGroup(
        "",
        (
            NavigationItem("Home", "#", "home", active=True),
            NavigationItem("Accounts", "#", "chart-candle"),
            NavigationItem("Funds", "#", "arrows-exchange"),
            NavigationItem("History", "#", "history"),
            NavigationItem("Documents", "#", "file-text"),
            NavigationItem("Support", "#", "headset"),
        ),
    ),
)
_TRADER_ARABIC = (
    NavigationGroup(
        "",
        (
            NavigationItem("الرئيسية", "#", "home", active=True),
            NavigationItem("الحسابات", "#", "chart-candle"),
            NavigationItem("الأموال", "#", "arrows-exchange"),
            NavigationItem("السجل", "#", "history"),
            NavigationItem("المستندات", "#", "file-text"),
            NavigationItem("الدعم", "#", "headset"),
        ),
    ),
)
_SITE = (
    NavigationGroup(
        "",
        (NavigationItem("Accounts", "#", "chart-candle"), NavigationItem("Partners", "#", "users")),
    ),
)
_APPS = (
    AppLink("CRM", "#", "users", active=True),
    AppLink("Back Office", "#", "building-bank"),
    AppLink("Settings", "#", "settings"),
)


def page(brand: Brand, surface: Surface, title: str, *, direction: Direction | None = None) -> Page:
    """A page of a brand on a surface, with navigation and a signed-in person where it has one."""
    arabic = brand.language == "ar"
    trader = _TRADER_ARABIC if arabic else _TRADER
    navigation = {
        "staff": _STAFF,
        "console": _STAFF,
        "trader": trader,
        "partner": trader,
        "public": _SITE,
    }[surface]
    people = {
        "staff": Viewer("Hannah Brandt", "hannah@meridian.example", "Sales head"),
        "console": Viewer("Jonas Weber", "jonas@marque.example", "Operator"),
        "public": None,
    }
    trader_name = "ليلى حداد" if arabic else "Sofia Keller"
    inside = surface in ("staff", "console")
    return Page(
        brand=brand,
        surface=surface,
        title=title,
        user=people.get(surface, Viewer(trader_name, "sofia@mail.example")),
        csrf_token="specimen",  # noqa: S106 - no session behind it
        navigation=navigation,
        apps=_APPS if surface == "staff" else (),
        language=brand.language,
        direction=direction or brand.direction,
        search_href="#" if inside else "",
        truth=(("MT5", "0.4 s"),) if inside else (),
        notifications_href="" if surface == "public" else "#",
        unread=3,
        profile_href="#",
        query={"stage": "new"} if inside else {},
    )


FORM: dict[str, Any] = {
    "values": {
        "name": "Sofia Keller",
        "email": "sofia@mail",
        "amount": "500.00",
        "country": "DE",
        "method": "sepa",
        "kind": "live",
        "colour": "#0E4D64",
        "spread": "12",
    },
    "errors": {"email": "This address has no domain ending. Write it as name@example.com."},
    "message": None,
}
EMPTY_FORM: dict[str, Any] = {"values": {}, "errors": {}, "message": None}

_LEADS = (
    ("Khalid Al Mansoori", 92, "new", "Google · gold-ar", "AE", "Call today 13:30", False, "6 min"),
    (
        "Noura Al Otaibi",
        88,
        "qualified",
        "IB · Atlas FX",
        "SA",
        "Call today 15:00",
        False,
        "41 min",
    ),
    ("Markus Vogel", 84, "contacted", "Webinar 19 Nov", "DE", "Reply to question", False, "2 h"),
    ("Fatima Zahra Idrissi", 81, "new", "Meta · first-trade", "MA", "4 min to SLA", True, "11 min"),
    ("Javier Ortega", 77, "contacted", "Organic", "ES", "Call 20 min late", True, "1 d"),
    ("Pablo Serrano", 63, "nurture", "E-book", "ES", "Journey day 4", False, "2 d"),
)
_LEAD_KEYS = ("name", "score", "stage", "source", "country", "next", "late", "touched")


def staff_context() -> dict[str, Any]:
    """Values for the staff specimens and the catalogue."""
    return {
        "form": FORM,
        "small": money("2.20"),
        "big": money("12400.00"),
        "wallet": money("1240.00", "EUR"),
        "total": money("118.50"),
        "leads": [dict(zip(_LEAD_KEYS, lead, strict=True)) for lead in _LEADS],
        "positions": [
            {"symbol": "EURUSD", "lots": Decimal("0.10"), "revenue": money("15.21")},
            {"symbol": "XAUUSD", "lots": Decimal("0.02"), "revenue": money("15.94")},
            {"symbol": "GER40", "lots": Decimal("0.50"), "revenue": money("-4.20")},
        ],
        "kpis": _KPIS,
        "checklist": [
            {"state": "ok", "label": "Profile, identity and questions", "time": "19 Nov"},
            {
                "state": "wait",
                "label": "Proof of address",
                "line": "We are checking it. Answer today by 14:00.",
            },
            {
                "state": "now",
                "label": "Turn on two-step sign-in",
                "line": "Needed for withdrawals",
                "href": "#",
                "action": "Turn on",
            },
        ],
        "days": _DAYS,
        "stops": _STOPS,
        "chart": {
            "x": ["4 Nov", "5 Nov", "6 Nov", "9 Nov", "10 Nov", "11 Nov"],
            "series": [
                {
                    "name": "Mark-up",
                    "type": "bar",
                    "c": "chart-1",
                    "data": [51, 55, 69, 48, 54, 59],
                },
                {
                    "name": "Commission",
                    "type": "bar",
                    "c": "chart-2",
                    "data": [21, 19, 28, 20, 22, 24],
                },
            ],
        },
        "actions": [
            {"label": "Deposit", "href": "#", "icon": "plus"},
            {"label": "Withdraw", "href": "#", "icon": "arrow-up-right", "flip": True},
            {"label": "Transfer", "href": "#", "icon": "arrows-left-right"},
        ],
    }


_DAYS = [
    {
        "day": "Today",
        "entries": [
            {
                "icon": "id",
                "kind": "warning",
                "fact": "ID card expires in 6 days",
                "detail": "reminder 3 of 4 sent",
                "line": "On 29 Nov deposits pause. Trading and withdrawals stay open.",
                "time": "09:00",
            },
            {
                "icon": "phone",
                "fact": "Yusuf called",
                "detail": "4 min 12 s · Interested",
                "line": "“Wants lower leverage, asks about Atlas Balanced.”",
                "time": "08:15",
            },
        ],
    },
    {
        "day": "Yesterday",
        "entries": [
            {
                "icon": "arrow-down-left",
                "kind": "positive",
                "fact": "Deposit DEP-48211 credited",
                "detail": "2,500.00 USD",
                "line": "11 minutes end to end",
                "time": "19:02",
            }
        ],
    },
]
_STOPS = [
    {"state": "ok", "label": "Received", "line": "Reference WD-20418", "time": "09:12"},
    {"state": "ok", "label": "Checks passed", "line": "All seven, automatic", "time": "09:12"},
    {
        "state": "now",
        "label": "Finance approval",
        "line": "Usually 40 minutes. We promised by 14:00.",
        "time": "now",
    },
    {"state": "todo", "label": "Arrived", "line": "Promised today by 15:00"},
]
_KPIS: list[dict[str, Any]] = [
    {"label": "Net deposit", "value": money("18400.00"), "basis": "22,900 in · 4,500 out"},
    {
        "label": "Equity",
        "value": money("21736.18"),
        "spark": [3, 4, 3.6, 5, 6, 5.4, 7, 6.8, 8, 7.6],
        "delta": "3.4 %",
        "direction": "up",
        "good": True,
        "basis": "this week",
        "href": "#",
    },
    {
        "label": "Lots, 30 days",
        "value": Decimal("46.20"),
        "delta": "12.0 %",
        "direction": "down",
        "good": False,
        "basis": "vs. 30 before",
        "href": "#",
    },
    {"label": "Revenue, 30 days", "value": money("512.40"), "basis": "after rebates"},
    {"label": "Last trade", "value": "2 h ago", "basis": "XAUUSD 0.50"},
]
