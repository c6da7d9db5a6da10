"""Documents wear the brand, say what they are given as plain text, and come out the same again."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest

from tests.factories import pictures
from themes import documents, specimens
from themes.documents import Column, Document, DocumentNotMade, Logo, Seal

SEAL = Seal(
    "0123456789ABCDEF",
    datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    "https://www.meridian.example/verify/0123456789ABCDEF",
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><path d="M0 0h90v30H0z"/></svg>'
LOGO = Logo(SVG, "image/svg+xml")
HOSTILE = (
    '#panic("x")',
    "$ x^2 $ *bold* _low_ `raw`",
    '"); #import "@preview/x:1.0.0": * //',
    '#read("/etc/passwd")',
    '#image("/etc/hostname")',
    '\\ #sys.inputs #eval("1") <label> @ref',
    "]]]} #[ = heading\n- item",
    "https://evil.example/ // comment /* more */",
)


def _document(**changes: object) -> Document:
    made = Document(
        kind="wallet_statement",
        title="Wallet statement",
        addressee=("Sofia Keller",),
        facts=(("Opening balance", "1.00 USD"),),
        columns=(Column("Date"), Column("Amount", end=True)),
        rows=(("2026-11-02", "1.00"),),
        totals=(("Closing balance", "2.00 USD"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def _fonts(page: Any) -> list[Any]:
    """Return what a page says of each font it uses."""
    fonts = page["/Resources"]["/Font"].values()
    inner = [font.get_object()["/DescendantFonts"][0].get_object() for font in fonts]
    return [one["/FontDescriptor"].get_object() for one in inner]


async def _pages(document: Document, *, language: str = "en", brand: int = 0) -> list[str]:
    data = await documents.typeset(specimens.BRANDS[brand], document, language=language, seal=SEAL)
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


async def test_a_document_says_who_issued_it_and_where_it_is_checked() -> None:
    """Entity, regulator, page, fingerprint and the address are on the page; the title is set."""
    data = await documents.typeset(specimens.BRANDS[0], _document(), language="en", seal=SEAL)
    reader = pypdf.PdfReader(io.BytesIO(data))
    text = reader.pages[0].extract_text()
    mark = documents.fingerprint(specimens.BRANDS[0], _document(), language="en", logo=None)

    for wanted in (
        *("Meridian Markets EU Ltd", "A demonstration firm.", "Page 1 of 1", mark[:32]),
        *("www.meridian.example/verify/0123456789ABCDEF", "Sofia Keller", "2.00 USD"),
    ):
        assert wanted in text
    assert reader.metadata is not None
    assert reader.metadata.title == "Wallet statement 0123456789ABCDEF"
    assert "/Marked" in str(reader.root_object["/MarkInfo"])
    assert str(reader.root_object["/Lang"]) == "en"


@pytest.mark.parametrize("words", HOSTILE)
async def test_whatever_a_name_holds_is_printed_and_never_run(words: str) -> None:
    """Name, row, fact, note and issuer come back letter by letter."""
    document = _document(
        addressee=(words,), rows=((words, words),), facts=((words, words),), note=words
    )
    brand = replace(specimens.BRANDS[0], name=words, legal_name=words, regulator_line=words)
    data = await documents.typeset(brand, document, language="en", seal=SEAL)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)

    shown = "".join(text.split())
    for line in words.splitlines():
        assert shown.count("".join(line.split())) >= 4


@pytest.mark.parametrize("name", ["\u738b\u5c0f\u660e", "\u0e44\u0e17\u0e22", "Sofia \U0001f600"])
async def test_a_name_in_letters_that_no_font_has_gets_its_document_too(name: str) -> None:
    """Squares stand for those letters; a client is never left without a receipt for a name."""
    (text,) = await _pages(_document(addressee=(name, "Munich")))

    assert "Munich" in text
    assert "2.00 USD" in text


async def test_signs_that_nobody_sees_do_not_turn_a_line_round() -> None:
    """An override of direction in a name would print 10 as 01."""
    (text,) = await _pages(_document(addressee=("Sofia \u202e01\x00\x1b Keller",)))

    assert "\u202e" not in text
    assert "Sofia 01 Keller" in " ".join(text.split())


async def test_a_long_statement_repeats_its_head_and_counts_its_pages() -> None:
    """Every page carries the heads of the columns, the issuer and n of m."""
    rows = tuple((f"2026-11-{1 + number % 30:02d}", f"{number}.00") for number in range(400))
    pages = await _pages(_document(rows=rows))

    assert len(pages) > 5
    for number, text in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in text
        assert "Meridian Markets EU Ltd" in text
    assert all("Date" in text for text in pages[:-1])
    assert "399.00" in "".join(pages)


async def test_the_same_document_is_the_same_file_and_another_is_not() -> None:
    """Bytes are equal for equal content, and the fingerprint follows every part of it."""
    first, second = [
        await documents.typeset(
            specimens.BRANDS[0],
            _document(),
            language="en",
            seal=SEAL,
            logo=Logo(SVG, "image/svg+xml"),
        )
        for _ in range(2)
    ]
    marks = {
        documents.fingerprint(brand, document, language=language, logo=logo)
        for brand, document, language, logo in (
            (specimens.BRANDS[0], _document(), "en", None),
            (specimens.BRANDS[1], _document(), "en", None),
            (specimens.BRANDS[0], _document(note="x"), "en", None),
            (specimens.BRANDS[0], _document(), "de", None),
            (specimens.BRANDS[0], _document(), "en", Logo(SVG, "image/svg+xml")),
        )
    }

    assert first == second
    assert len(marks) == 5


@pytest.mark.parametrize("brand", range(3))
@pytest.mark.parametrize("language", ["en", "de", "es", "ar"])
async def test_every_brand_has_a_specimen_in_every_language(brand: int, language: str) -> None:
    """As a PDF whose fonts are all embedded, and as a picture."""
    made = specimens.BRANDS[brand]
    data = await documents.specimen(made, language)
    picture = await documents.specimen(made, language, kind="png")
    reader = pypdf.PdfReader(io.BytesIO(data))
    found = set()
    for page in reader.pages:
        for font in _fonts(page):
            found.add(any(key in font for key in ("/FontFile2", "/FontFile3")))

    assert found == {True}
    assert str(reader.root_object["/Lang"]) == language
    assert picture.startswith(b"\x89PNG")


async def test_a_logo_drawn_as_svg_becomes_a_picture_for_mails() -> None:
    """PNG of the wanted height."""
    data = await documents.picture_of(SVG, height=72)

    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[20:24], "big") == 72


async def test_a_document_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is killed and the asker told."""
    monkeypatch.setattr(documents, "SECONDS_MAX", 0.01)

    with pytest.raises(DocumentNotMade):
        await documents.typeset(specimens.BRANDS[0], _document(), language="en", seal=SEAL)


async def test_a_document_that_eats_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A design that loops for ever, or doubles without end, stops by the limits of its process."""
    for design in (
        b'#let s = "xxxxxxxxxxxxxxxx"\n#for _ in range(40) { s = s + s }\n#s',
        b"#while true { let a = range(99999) }",
    ):
        monkeypatch.setattr(documents, "_design", lambda _theme, made=design: made)
        monkeypatch.setattr(documents, "SECONDS_MAX", 30.0)
        with pytest.raises(DocumentNotMade):
            await documents.typeset(specimens.BRANDS[0], _document(), language="en", seal=SEAL)


async def test_a_page_design_reaches_no_file_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It sees the message it was given and nothing else."""
    monkeypatch.setattr(documents, "_design", lambda _theme: b'#read("/etc/passwd")')

    with pytest.raises(DocumentNotMade):
        await documents.typeset(specimens.BRANDS[0], _document(), language="en", seal=SEAL)


async def test_many_at_once_wait_and_too_many_are_told_to_come_again() -> None:
    """Twelve ask at once: ten are served, two are refused at once."""
    made = await asyncio.gather(
        *(
            documents.typeset(specimens.BRANDS[0], _document(), language="en", seal=SEAL)
            for _ in range(12)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(one, bytes) for one in made) == 10
    assert sum(isinstance(one, DocumentNotMade) for one in made) == 2
    assert json.dumps(documents._waiting) == "0"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
async def test_a_letterhead_carries_a_raster_logo_as_well_as_a_drawn_one(kind: str) -> None:
    """As the brand studio keeps it; the picture stands in the file."""
    data = io.BytesIO()
    pictures.mark((300, 120), "RGB").save(data, kind)
    logo = Logo(data.getvalue(), f"image/{kind.lower()}")
    plain, carried = [
        await documents.specimen(specimens.BRANDS[0], "en", logo=one) for one in (None, logo)
    ]

    def drawn(pdf: bytes) -> int:
        return len(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].images)

    assert (drawn(plain), drawn(carried)) == (0, 1)
