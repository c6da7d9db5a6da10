"""Renders specimens of pages and every component for three brands into a folder of static HTML.

Usage: `python -m themes.catalogue OUT_DIR`, then serve OUT_DIR over HTTP (icons need it).
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from themes import specimen_pages, specimens
from themes.drawings import favicon_svg
from themes.loader import render, render_bare, render_mail, static_path
from themes.page import Brand, Surface
from themes.tokens import derive, theme_css

_AUTH: dict[str, Any] = {"action": "#", "forgot_href": "#", "register_href": "#"}


def _specimens(brand: Brand) -> Iterator[tuple[str, str, Surface, str, dict[str, Any]]]:
    """File name, template, surface, title and context of every specimen of a brand."""
    staff, trader = specimens.staff_context(), specimen_pages.trader_context(brand)
    landing = specimen_pages.landing_context(brand)
    arabic = brand.language == "ar"
    login = {**_AUTH, "form": specimens.EMPTY_FORM, "kind": brand.name}
    yield "trader", "catalogue/trader.html", "trader", "الرئيسية" if arabic else "Home", trader
    yield "login", "auth/login.html", "trader", "تسجيل الدخول" if arabic else "Sign in", login
    yield "landing", "public/landing.html", "public", "تداول" if arabic else "Trading", landing
    yield "components", "catalogue/components.html", "staff", "Catalogue", staff
    yield "staff", "catalogue/staff.html", "staff", "Leads", staff
    yield "client", "catalogue/client.html", "staff", "Omar Al-Farsi", staff
    yield "deposit", "catalogue/deposit.html", "trader", "Deposit", staff
    yield "register", "auth/register.html", "trader", "Register", specimen_pages.register_context()
    reset = {"form": specimens.EMPTY_FORM, "action": "#", "token": "x", "login_href": "#"}
    yield "forgot", "auth/forgot.html", "trader", "Reset password", reset
    yield "reset", "auth/reset.html", "trader", "New password", reset
    message = {"heading": "Check your mail", "text": "We sent a link to sofia@mail.example."}
    yield "message", "auth/message.html", "trader", "Check your mail", message
    thanks = {**message, "register_href": "#"}
    yield "thanks", "public/thanks.html", "public", "Thank you", thanks
    yield "embed", "public/embed_lead.html", "public", "Ask for a call", landing
    problem = {
        "status": 404,
        "heading": "This page does not exist",
        "text": "The link may be old. Nothing was lost.",
        "reference": "7F3K2M",
    }
    yield "problem", "errors/problem.html", "trader", "Not found", problem


def _vendor_specimens() -> Iterator[tuple[str, str, Surface, str, dict[str, Any]]]:
    shown = [
        {"name": brand.name, "host": f"www.{brand.slug}.example", "href": "#"}
        for brand in specimens.BRANDS
    ]
    home = {"brands": shown, "console_href": "#"}
    yield "home", "vendor/home.html", "public", "Set up your brokerage", home
    yield "console", "catalogue/console.html", "console", "Tenants", specimens.staff_context()


def _relative(html: str) -> str:
    """Point the absolute addresses of a page into the folder it is written to."""
    html = re.sub(r'(["\'])/static/', r"\1../static/", html)
    return re.sub(r'"/(theme\.css|favicon\.svg)', r'"\1', html)


def write(out: Path) -> list[Path]:
    """Write every specimen below `out`; returns the HTML files."""
    shutil.copytree(static_path(), out / "static", dirs_exist_ok=True)
    files = []
    for brand in (*specimens.BRANDS, specimens.VENDOR):
        folder = out / brand.slug
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "theme.css").write_text(theme_css(derive(brand.colours)), encoding="utf-8")
        (folder / "favicon.svg").write_text(favicon_svg(brand), encoding="utf-8")
        pages = _vendor_specimens() if brand is specimens.VENDOR else _specimens(brand)
        for name, template, surface, title, context in pages:
            html = render(template, specimens.page(brand, surface, title), **context)
            file = folder / f"{name}.html"
            file.write_text(_relative(html), encoding="utf-8")
            files.append(file)
        html, text = render_mail(
            brand,
            heading="Confirm your address",
            paragraphs=["Open the link within 24 hours. It works once."],
            action_label="Confirm",
            action_href="https://my.example/verify/x",
            facts=[("Account", brand.name)],
        )
        (folder / "mail.html").write_text(html, encoding="utf-8")
        (folder / "mail.txt").write_text(text, encoding="utf-8")
        files.append(folder / "mail.html")
    unknown = out / "unknown_host.html"
    unknown.write_text(render_bare("errors/unknown_host.html"), encoding="utf-8")
    return [*files, unknown]


def main() -> int:
    """Write the catalogue to the folder named on the command line."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m themes.catalogue OUT_DIR\n")
        return 2
    for file in write(Path(sys.argv[1])):
        sys.stdout.write(f"{file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
