"""Pages, mail and statement of a look that nobody wears yet, with invented people and no scripts.

The templates are those of the product: what is seen is what will be worn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from backoffice.settings.brand_files import LOGOS
from backoffice.settings.brand_form import Places
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.language import LANGUAGES, direction, gettext, speaking
from kernel.money import Money
from tenants import brands
from themes import specimen_pages, specimens
from themes.brand_texts import BY_KEY
from themes.loader import render, render_mail
from themes.page import Brand, Direction, NavigationGroup, NavigationItem, Page, Surface, arranged
from themes.tokens import derive, theme_css

PARTS = {
    "phone": "Phone",
    "public": "Public site",
    "signin": "Sign-in",
    "trader": "Trader's room",
    "partner": "Partner portal",
    "staff": "Staff",
    "mail": "E-mail",
    "pdf": "Statement",
}
"""What can be looked at, and what it is called; the statement is a picture, all else are pages."""

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_SHEET = re.compile(r'<link rel="stylesheet" href="/theme\.css[^>]*>')
_ICON = re.compile(r'<link rel="(?:icon|manifest|apple-touch-icon)"[^>]*>')
_NAMES = {"en": "Sofia", "de": "Sofia", "es": "Sofía", "ar": "ليلى"}


def sheet(brand: Brand) -> str:
    """Return the style sheet of a look."""
    return theme_css(derive(brand.colours))


def dressed(
    tenant: TenantRef, look: Mapping[str, Any], *, language: str, pictures: str, query: str
) -> Brand:
    """Return the brand of a look in a language, its pictures below the address `pictures`."""
    language = language if language in LANGUAGES else "en"
    with speaking(language):
        brand = brands.dressed(tenant, {**look, "language": language})
    files = look.get("files") or {}

    def address(part: str) -> str:
        return f"{pictures}/{part}?{query}v={files[part]['sha']}" if part in files else ""

    light, dark, square = (address(part) for part in LOGOS)
    return replace(
        brand,
        logo_light_url=light,
        logo_dark_url=dark,
        logo_url=square,
        background_url=address("background"),
    )


def html(brand: Brand, part: str, *, dark: bool, places: Places) -> str:
    """Return one page of a look, complete and without scripts."""
    with speaking(brand.language):
        page = _mail(brand) if part == "mail" else _page(brand, part, places)
    if dark:
        page = page.replace('data-bs-theme="light"', 'data-bs-theme="dark"', 1)
        page = page.replace("@media (prefers-color-scheme:dark)", "@media all")
    style = f'<style id="mq-theme">{sheet(brand)}</style>'
    page = page.replace(" autofocus", "")
    return _SHEET.sub(lambda _: style, _ICON.sub("", _SCRIPT.sub("", page)))


def _page(brand: Brand, part: str, places: Places) -> str:
    if part == "public":
        context = specimen_pages.landing_context(brand)
        context |= {
            "headline": BY_KEY["headline"].said(brand.language, brand.name),
            "sub": BY_KEY["tagline"].said(brand.language, brand.name),
        }
        return render("public/landing.html", specimens.page(brand, "public", brand.name), **context)
    if part == "staff":
        shown = replace(brand, language="en")
        staff = specimens.page(shown, "staff", "Leads", direction=brand.direction)
        return render("catalogue/staff.html", staff, **specimens.staff_context())
    if part == "signin":
        login: dict[str, Any] = {"action": "#", "forgot_href": "#", "register_href": "#"}
        page = replace(specimens.page(brand, "trader", gettext("Sign in")), user=None)
        return render("auth/login.html", page, form=specimens.EMPTY_FORM, kind=brand.name, **login)
    if part == "partner":
        return render("partner/home.html", _portal(brand, "partner", places), **_partner(brand))
    return render("trader/home.html", _portal(brand, "trader", places), **_trader(brand))


def _mail(brand: Brand) -> str:
    mail, _ = render_mail(
        brand,
        heading=gettext("Confirm your e-mail address"),
        paragraphs=[
            gettext(
                "You registered with %(brand)s. Confirm your address to go on. The link works"
                " once, for 48 hours."
            )
            % {"brand": brand.name}
        ],
        action_label=gettext("Confirm address"),
        action_href="https://my.example/verify/x",
        facts=[(gettext("Account"), brand.name)],
        logo=brand.logo_light_url or brand.logo_url,
    )
    return mail


def _portal(brand: Brand, portal: Surface, places: Places) -> Page:
    items = tuple(
        NavigationItem(label, path, icon, active=path == "/")
        for label, path, icon, _ in places.get(portal, ())
    )
    page = specimens.page(brand, portal, gettext("Home"))
    return replace(
        page,
        navigation=tuple(arranged([NavigationGroup("", items)], brand, portal)),
        direction=cast("Direction", direction(brand.language)),
        apps=(),
    )


def _trader(brand: Brand) -> dict[str, Any]:
    first_name = _NAMES.get(brand.language, "Sofia")
    client = SimpleNamespace(first_name=first_name, reference="CL-SPECIMEN", email="sofia@mail")
    moment = now()
    account = SimpleNamespace(
        id="x", login="5012884", reference="ACC-1", leverage=30, state="open", currency="USD",
        synced_at=moment - timedelta(minutes=2),
    )  # fmt: skip
    card = SimpleNamespace(
        account=account, name="Everyday", server="Meridian-Live", margin_level=Decimal(842),
        balance=_money("512.36"), equity=_money("531.20"), margin_free=_money("468.14"),
        floating=_money("18.84"),
    )  # fmt: skip
    deposit = SimpleNamespace(created_at=moment - timedelta(hours=2), state="credited")
    return {
        "me": SimpleNamespace(client=client, verified=True),
        "left": 1,
        "steps": [
            {"state": "ok", "label": gettext("E-mail address confirmed")},
            {"state": "ok", "label": gettext("Identity verified")},
            {
                "state": "now",
                "label": gettext("Make your first deposit"),
                "line": gettext("Fee and arrival time are shown before you pay"),
                "href": "#",
                "action": gettext("Deposit"),
            },
        ],
        "wallet": _money("1240.00"),
        "pills": [],
        "cards": [card],
        "recent": [
            {
                "row": deposit,
                "icon": "arrow-down-left",
                "tone": "p",
                "title": gettext("Deposit by %s") % "SEPA Instant",
                "target": gettext("to your wallet"),
                "href": "#",
                "value": _money(amount),
            }
            for amount in ("500.00", "740.00")
        ],
        "may_open": True,
    }


def _partner(brand: Brand) -> dict[str, Any]:
    link = f"https://www.{brand.slug}.example/r/SOFIA"
    lines = [
        (
            SimpleNamespace(
                id="x", amount=Decimal(amount), symbol=symbol, lots=Decimal("0.50"),
                closed_at=now() - timedelta(hours=3), reason="", currency="USD",
            ),
            None,
        )
        for symbol, amount in (("EURUSD", "4.00"), ("XAUUSD", "6.50"), ("GER40", "2.25"))
    ]  # fmt: skip
    own = SimpleNamespace(id="own", name="")
    return {
        "partner": SimpleNamespace(name="Atlas FX", reference="IB-SPECIMEN", state="active"),
        "plan": None,
        "balance": _money("1882.40"),
        "waiting": _money("64.20"),
        "link": link,
        "join_link": f"{link}/join",
        "figures": SimpleNamespace(
            commission=Decimal("412.75"), lots=Decimal("86.20"), active=14, clients=23, visits=318
        ),
        "series": [3.0, 4.0, 3.6, 5.0, 6.0, 5.4, 7.0, 6.8, 8.0, 7.6],
        "shares": {"own": Decimal("412.75")},
        "branch": [SimpleNamespace(level=1, partner=own, clients=23)],
        "more": 0,
        "recent": lines,
        "currency": "USD",
        "reason": str,
    }


def _money(amount: str) -> Money:
    return Money(Decimal(amount), "USD")
