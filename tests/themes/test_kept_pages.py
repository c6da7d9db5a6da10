"""Kept pages: to the letter what rendering gives, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from markupsafe import Markup, escape

from kernel.declared import Declared
from kernel.language import Own, speaking
from themes.contents import Unkept, content
from themes.formats import ago
from themes.kept_pages import KeptPages
from themes.page import Brand, Page
from themes.tokens import BrandColours

BRAND = Brand("Alpha", "alpha", "A", BrandColours("#111111", "#3E63DD"))
PAGE = Page(BRAND, "staff", "Leads", csrf_token="token-1", nonce="nonce-1")
OLD = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _kept_is_rendered() -> None:
    """Nothing is rendered here beside what is asked for: these tests count."""


class Row(NamedTuple):
    """A row as lists have them."""

    name: str
    created_at: datetime
    amount: Any = 1


class Press:
    """Renders a page of rows, and counts how often it had to."""

    def __init__(self) -> None:
        """Nothing is printed yet."""
        self.printed = 0
        self.kept = KeptPages(most=3)

    def __call__(self, page: Page = PAGE, name: str = "leads", **context: Any) -> str:
        """Return the page, kept or not."""

        def render(one: Page) -> str:
            self.printed += 1
            told = [f"{row.name} {ago(row.created_at)} {row.amount}" for row in context["rows"]]
            return (
                f"{one.brand.name} {one.title} <input value='{escape(one.csrf_token)}'>"
                f"<script nonce='{one.nonce}'></script>{told}<script nonce='{one.nonce}'>"
            )

        return self.kept.page(name, page, context, render)

    def thrice(self, page: Page = PAGE, **context: Any) -> str:
        """Ask three times: the third answer is a kept one."""
        one, two, three = (self(page, **context) for _ in range(3))
        assert one == two == three
        return three


def test_a_page_is_rendered_twice_and_then_kept() -> None:
    """The first asking is remembered, the second keeps, whatever comes later costs nothing."""
    press = Press()
    rows = [Row("Ada", OLD), Row("Eve", OLD)]
    text = press.thrice(rows=rows)
    assert press.printed == 2
    assert press(rows=list(rows)) == text
    assert press.printed == 2


def test_token_and_nonce_are_each_request_s_own() -> None:
    """A kept page carries those of whoever asks, escaped as a template would."""
    press = Press()
    press.thrice(rows=[])
    other = replace(PAGE, csrf_token="'><script>", nonce="nonce-2")
    text = press(other, rows=[])
    assert press.printed == 2
    assert "nonce-1" not in text
    assert text.count("nonce-2") == 2
    assert "value='&#39;&gt;&lt;script&gt;'" in text
    # A page without a token, as in a preview, is another page.
    assert "value=''" in press(replace(PAGE, csrf_token=""), rows=[])
    assert press.printed == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0, False),
        (Decimal("1.0"), Decimal("1.00")),
        (1, Decimal(1)),
        ("<b>", Markup("<b>")),
        (OLD, OLD.astimezone(timezone(timedelta(hours=2)))),
        ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_what_is_equal_but_written_otherwise_is_another_page(one: Any, other: Any) -> None:
    """Python calls both sides equal, or nearly; a page shows the difference."""
    for wrapped in (lambda it: it, lambda it: Row("Ada", OLD, it), lambda it: {"x": [it]}):
        assert content(wrapped(one)) == content(wrapped(one))
        assert content(wrapped(one)) != content(wrapped(other))


def test_another_reader_brand_language_or_wording_has_another_page() -> None:
    """Everything around the rows counts too."""
    press = Press()
    rows = [Row("Ada", OLD)]
    press.thrice(rows=rows)
    twin = Brand("Alpha", "alpha", "A", BrandColours("#111111", "#3E63DD"))
    press(replace(PAGE, brand=twin), rows=rows)
    press(replace(PAGE, unread=1), rows=rows)
    press(replace(PAGE, query={"page": "2"}), rows=rows)
    press(name="clients", rows=rows)
    with speaking("de"):
        press(rows=rows)
    with speaking("en", own=Own({"en": {"Leads": ("Prospects",)}})):
        press(rows=rows)
    press(rows=[*rows, Row("Eve", OLD)])
    assert press.printed == 9


def test_a_page_is_rendered_anew_when_an_age_in_it_reads_differently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`3 s ago` holds for a second, and no longer."""
    press = Press()
    rows = [Row("Ada", datetime.now(UTC) - timedelta(seconds=30, milliseconds=300))]
    press(rows=rows)
    press(rows=rows)
    press(rows=rows)
    assert press.printed == 2
    later = datetime.now(UTC).timestamp() + 1.0
    monkeypatch.setattr("themes.kept_pages.time.time", lambda: later)
    press(rows=rows)
    assert press.printed == 3


def _generator() -> object:
    return (one for one in [1])


@dataclass
class _Loose:
    """A record that may change under the one who keeps it."""

    name: str = ""


@pytest.mark.parametrize(
    "odd", [print, _generator(), _Loose(), object(), {1, 2}], ids=lambda odd: type(odd).__name__
)
def test_a_page_of_unknown_things_is_never_kept(odd: object) -> None:
    """What may say another thing each time makes a page that is rendered each time."""
    press = Press()
    for _ in range(4):
        press(rows=[], odd=odd)
    assert press.printed == 4
    with pytest.raises(Unkept):
        content(odd)


def test_what_is_declared_is_known_by_itself() -> None:
    """The same object is the same; one that says as much is another."""

    @dataclass(frozen=True, eq=False)
    class Table(Declared):
        names: tuple[str, ...]

    leads = Table(("a",))
    assert content(leads) == content(leads)
    assert content(leads) != content(Table(("a",)))

    @dataclass(frozen=True)
    class Loose(Declared):
        names: tuple[str, ...]

    with pytest.raises(AssertionError, match="eq=False"):
        content(Loose(()))


def test_only_the_newest_pages_are_kept() -> None:
    """The store does not grow; what was asked for last stays."""
    press = Press()
    for number in range(5):
        press.thrice(rows=[Row(str(number), OLD)])
    assert press.printed == 10
    press(rows=[Row("4", OLD)])
    assert press.printed == 10
    press(rows=[Row("0", OLD)])
    assert press.printed == 11
