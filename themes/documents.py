"""Documents in the brand: what is on one, and the PDF or the picture that is made from it.

A document is words and numbers; the page design (`documents/document.typ` of the theme) reads
them as data. Each is set in a process of its own with limits of memory, processor and time.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from kernel import images
from kernel.errors import ProductError
from kernel.language import direction, gettext, marked, speaking
from kernel.money import Money
from themes.formats import datetime_text, day_text, isolated, money_text
from themes.page import Brand
from themes.tokens import derive

Format = Literal["pdf", "png"]
ROOT = Path(__file__).parent
FONTS = ROOT / "default" / "documents" / "fonts"
SECONDS_MAX = 15.0
BYTES_MAX = 20 * 1024 * 1024
PICTURE_PPI = 96
# So many processes of one server set documents at the same time; the others wait.
_AT_ONCE = 2
# The files of a brand's font and of its Arabic; what they lack is taken from Inter's.
_STEMS = {
    "inter": ("inter-latin", "inter", "noto-sans-arabic"),
    "manrope": ("manrope-latin", "manrope", "noto-sans-arabic"),
    "readex": ("readex-pro-latin", "readex-pro"),
    "source-serif": ("source-serif-4-latin", "source-serif-4", "noto-naskh-arabic"),
}
# Whoever comes when so many wait already is told to come again.
_WAITING_MAX = 10
_waiting = 0
_slots: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}
# Control signs but the line feed, and overrides of direction (isolates stay: we write them).
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]")
_LOGO = "logo.svg"
_KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


class DocumentNotMade(ProductError):
    """The type-setter failed, or took more time or memory than a document needs."""

    code = "document_not_made"
    status = 503
    message = marked("This document could not be made. Try again in a moment.")


@dataclass(frozen=True)
class Logo:
    """The picture of a letterhead: a cleaned SVG, PNG, JPEG or WebP."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True)
class Column:
    """A column of a document's table; `share` is its part of the width, `end` for figures."""

    label: str
    share: float = 1.0
    end: bool = False


@dataclass(frozen=True)
class Document:
    """Everything on a document, in words of its language; `note` is text that a tenant wrote."""

    kind: str
    title: str
    subtitle: str = ""
    addressee: tuple[str, ...] = ()
    amount: tuple[str, str] | None = None
    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    empty: str = ""
    totals: tuple[tuple[str, str], ...] = ()
    note: str = ""
    small_print: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seal:
    """What makes an issued document checkable: its code, its moment (UTC), where it is checked."""

    code: str
    issued_at: datetime
    verify_url: str


def fingerprint(brand: Brand, document: Document, *, language: str, logo: Logo | None) -> str:
    """Return the SHA-256 of what a document says and how it looks, in hexadecimal.

    Two documents with the same fingerprint and the same seal are the same file.
    """
    look = {
        "design": hashlib.sha256(_design(brand.theme)).hexdigest(),
        "colours": asdict(brand.colours),
        "issuer": [brand.name, brand.legal_name, brand.regulator_line, brand.logo_initials],
        "logo": hashlib.sha256(logo.data).hexdigest() if logo else "",
    }
    said = {"language": language, "document": asdict(document), "look": look}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def typeset(
    brand: Brand,
    document: Document,
    *,
    language: str,
    seal: Seal,
    logo: Logo | None = None,
    kind: Format = "pdf",
) -> bytes:
    """Return the PDF of a document, or the picture of its first page as PNG.

    Raises DocumentNotMade when the type-setter fails or is stopped.
    """
    files = {"main": _design(brand.theme)}
    data = _data(brand, document, language=language, seal=seal, logo=logo)
    if logo is not None:
        files[_LOGO] = _drawing(logo)
    files["data.json"] = json.dumps(_visible(data), ensure_ascii=False).encode()
    return await _made(files, kind)


def _drawing(logo: Logo) -> bytes:
    """Return the logo as SVG: the type-setter is handed texts, so a raster goes inside one."""
    if logo.media_type not in _KINDS:
        return logo.data
    width, height = images.measured(logo.data, _KINDS[logo.media_type])
    inside = base64.b64encode(logo.data).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}"'
        f' href="data:{logo.media_type};base64,{inside}"/></svg>'
    ).encode()


async def picture_of(svg: bytes, *, height: int) -> bytes:
    """Draw a cleaned SVG as PNG, `height` pixels high, for readers that show no SVG.

    Raises DocumentNotMade when it can't be drawn.
    """
    page = (
        "#set page(width: auto, height: auto, margin: 0pt, fill: none)\n"
        f'#image("logo.svg", height: {height}pt, alt: "")\n'
    )
    return await _made({"main": page.encode(), "logo.svg": svg}, "png", ppi=72)


async def _made(files: dict[str, bytes], kind: Format, *, ppi: int = PICTURE_PPI) -> bytes:
    order = {
        "files": {name: base64.b64encode(data).decode() for name, data in files.items()},
        "fonts": str(FONTS),
        "format": kind,
        "ppi": ppi,
    }
    global _waiting  # noqa: PLW0603 - a counter of this process's own documents
    if _waiting >= _WAITING_MAX:
        raise DocumentNotMade
    loop = asyncio.get_running_loop()
    _waiting += 1
    try:
        async with _slots.setdefault(loop, asyncio.Semaphore(_AT_ONCE)):
            return await _child(json.dumps(order).encode())
    finally:
        _waiting -= 1


async def _child(order: bytes) -> bytes:
    """Run one type-setting process; it is killed when it takes too long or its asker leaves."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "themes.typesetting"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT.parent,
        env={"PATH": os.defpath, "RAYON_NUM_THREADS": "1", "PYTHONPATH": str(ROOT.parent)},
    )
    try:
        data, _ = await asyncio.wait_for(process.communicate(order), SECONDS_MAX)
    except TimeoutError:
        raise DocumentNotMade from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not data or len(data) > BYTES_MAX:
        raise DocumentNotMade
    return data


@cache
def _design(theme: str) -> bytes:
    """The page design of a theme; what the theme lacks comes from the default one."""
    own = ROOT / theme / "documents" / "document.typ"
    if theme.isidentifier() and own.is_file():
        return own.read_bytes()
    return (ROOT / "default" / "documents" / "document.typ").read_bytes()


@cache
def _families(font: str) -> tuple[str, ...]:
    """The fonts of a document in the order they are looked into: the brand's own one first."""
    names = sorted((path.stem for path in FONTS.glob("*.ttf")), key=lambda name: (len(name), name))
    stems = (*_STEMS.get(font, ()), *_STEMS["inter"])
    ordered = [
        name for stem in stems for name in names if name == stem or name.startswith(f"{stem}-")
    ]
    return tuple(f"Mq {name}" for name in dict.fromkeys(ordered))


def _data(
    brand: Brand, document: Document, *, language: str, seal: Seal, logo: Logo | None
) -> dict[str, Any]:
    tokens = derive(brand.colours).light
    shown = seal.verify_url.partition("://")[2]
    mark = fingerprint(brand, document, language=language, logo=logo)
    with speaking(language):
        foot = {
            "entity": _own(brand.legal_name or brand.name),
            "regulator": _own(brand.regulator_line),
            "page": gettext("Page {page} of {pages}"),
            "fingerprint_label": gettext("Issued %s. Fingerprint")
            % isolated(datetime_text(seal.issued_at)),
            "fingerprint": isolated(mark[:32]),
            "verify_label": gettext("Check this document at"),
            "verify_url": seal.verify_url,
            "verify_shown": isolated(shown),
        }
    table = {
        "columns": [asdict(one) for one in document.columns],
        "rows": document.rows,
        "empty": document.empty,
    }
    return {
        "look": {
            "brand": tokens["brand-solid"],
            "on_brand": tokens["on-brand"],
            "fonts": _families(brand.colours.font),
            "logo": _LOGO if logo else "",
            "initials": (brand.logo_initials or brand.name[:1])[:2],
        },
        "foot": foot,
        "issuer": brand.name,
        "code": seal.code,
        "language": language.partition("-")[0],
        "direction": direction(language),
        "title": document.title,
        "subtitle": document.subtitle,
        "addressee": document.addressee,
        "amount": _labelled(document.amount),
        "facts": document.facts,
        "table": table if document.columns else None,
        "totals": document.totals,
        "note": document.note,
        "small_print": document.small_print,
    }


def _visible(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    """Leave out signs that no reader sees but that turn a line round or end it."""
    if isinstance(value, str):
        return _UNSEEN.sub("", value)
    if isinstance(value, dict):
        return {key: _visible(one) for key, one in value.items()}
    return [_visible(one) for one in value] if isinstance(value, list | tuple) else value


def _own(text: str) -> str:
    """Keep what a brokerage wrote in the order of its own language, whatever stands around it."""
    return f"\u2068{text}\u2069" if text else ""


def _labelled(amount: tuple[str, str] | None) -> dict[str, str] | None:
    return {"label": amount[0], "value": amount[1]} if amount else None


async def specimen(
    brand: Brand, language: str, *, logo: Logo | None = None, kind: Format = "pdf"
) -> bytes:
    """Return a statement of invented numbers in the brand, as PDF or as a picture of page one."""
    with speaking(language):
        document = _invented(brand)
    moment = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    seal = Seal("SPECIMEN", moment, f"https://www.{brand.slug}.example/verify/SPECIMEN")
    return await typeset(brand, document, language=language, seal=seal, logo=logo, kind=kind)


def _invented(brand: Brand) -> Document:
    rows = []
    balance = Decimal("2500.00")
    for day, what, amount in (
        (2, "DEP-7F3K2M9Q", "1250.00"),
        (4, "DEP-7F3K2M9Q", "-1250.00"),
        (9, "DEP-91QX04TB", "480.50"),
        (17, "DEP-M3WZ55PA", "75.25"),
    ):
        balance += Decimal(amount)
        kind = gettext("Deposit") if Decimal(amount) > 0 else gettext("Moved to a trading account")
        rows.append(
            (
                isolated(day_text(date(2026, 11, day))),
                kind,
                isolated(what),
                isolated(money_text(Money(Decimal(amount), "USD"), signed=True)),
                isolated(money_text(Money(balance, "USD"))),
            )
        )
    return Document(
        kind="wallet_statement",
        title=gettext("Wallet statement"),
        subtitle=isolated(f"{day_text(date(2026, 11, 1))} – {day_text(date(2026, 11, 30))}"),
        addressee=("Sofia Keller", "CL-SPECIMEN"),
        facts=((gettext("Opening balance"), isolated("2,500.00 USD")),),
        columns=statement_columns(),
        rows=tuple(rows),
        totals=((gettext("Closing balance"), isolated(money_text(Money(balance, "USD")))),),
        small_print=(brand.risk_warning,) if brand.risk_warning else (),
    )


def statement_columns() -> tuple[Column, ...]:
    """Return the columns of a wallet's statement."""
    return (
        Column(gettext("Date"), 1.1),
        Column(gettext("What"), 1.8),
        Column(gettext("Reference"), 1.5),
        Column(gettext("Amount"), 1.5, end=True),
        Column(gettext("Balance"), 1.5, end=True),
    )
