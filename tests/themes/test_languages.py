"""The catalogues: complete, nothing over, the same places for values; formats of each language."""

from __future__ import annotations

import ast
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import write_po
from babel.numbers import format_decimal

from kernel import language
from kernel.language import gettext, ngettext, speaking
from kernel.money import Money
from themes import formats
from themes.words import LOCALE
from tools import texts

_PLACES = re.compile(r"%(?:%|[sd])")
ROOT = texts.ROOT


def forms(string: object) -> list[str]:
    """Return the translations of a message as a list, whatever their number."""
    return [str(one) for one in string] if isinstance(string, (list, tuple)) else [str(string)]


@pytest.mark.parametrize("spoken", texts.LANGUAGES)
def test_a_catalogue_holds_what_the_sources_show_and_nothing_else(spoken: str) -> None:
    """Every text has a translation, and no translation is of a text that is gone."""
    used = texts.used()
    messages = {message.id: message.string for message in texts.catalogue(spoken) if message.id}

    assert set(messages) == set(used)
    empty = [key for key, string in messages.items() if not all(forms(string))]
    assert not empty
    assert len(used) > 500


def test_what_the_code_looks_up_is_collected() -> None:
    """The collector does not see into f-strings: a text that is looked up there stays English."""
    known = {text if isinstance(text, str) else text[0] for text in texts.used()}
    missed = []
    for path in (path for room in ("platform", "tenants") for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                text = getattr(node.args[0], "value", None)
                asked = node.func.id in ("gettext", "ngettext", "marked")
                if asked and isinstance(text, str) and text not in known:
                    missed.append(f"{path.name}:{node.lineno}: {text}")

    assert not missed


@pytest.mark.parametrize("spoken", texts.LANGUAGES)
def test_a_translation_has_the_same_places_in_the_same_order(spoken: str) -> None:
    """Values are put in by position, so another order would say something false."""
    wrong: list[object] = []
    for message in texts.catalogue(spoken):
        if isinstance(message.id, str):
            if _PLACES.findall(message.id) != _PLACES.findall(str(message.string)):
                wrong.append(message.id)
            continue
        wanted = _PLACES.findall(message.id[1])
        found = [_PLACES.findall(one) for one in forms(message.string)]
        if found[-1] != wanted or any(one not in ([], wanted) for one in found):
            wrong.append(message.id)

    assert not wrong


@pytest.mark.parametrize(("spoken", "count"), [("de", 2), ("es", 2), ("ar", 6)])
def test_a_counted_text_has_all_plural_forms(spoken: str, count: int) -> None:
    """Arabic counts in six forms: none, one, two, a few, many and hundreds."""
    counted = [message for message in texts.catalogue(spoken) if isinstance(message.id, tuple)]

    assert counted
    assert all(len(forms(message.string)) == count for message in counted)


def test_arabic_takes_the_form_of_the_number() -> None:
    """One, two, a few and many fields are said in four different ways."""
    one, many = "One field needs another look.", "%d fields need another look."
    with speaking("ar"):
        said = [ngettext(one, many, count) for count in (1, 2, 3, 11)]

    assert len(set(said)) == 4
    assert said[1] == "حقلان يحتاجان إلى مراجعة."
    assert ngettext(one, many, 2) == many


def test_a_text_outside_a_request_is_english() -> None:
    """What workers and staff write is never translated."""
    assert gettext("Your payment has arrived") == "Your payment has arrived"
    with speaking("de-AT"):
        assert gettext("Your payment has arrived") == "Ihre Zahlung ist eingegangen"
    with speaking("xx"):
        assert gettext("Your payment has arrived") == "Your payment has arrived"


def test_a_catalogue_is_read_from_where_it_is_said_to_be(tmp_path: Path) -> None:
    """Another folder is another set of texts, at once."""
    made = Catalog(locale="de")
    made.add("Home", "⟦Home⟧")
    file = tmp_path / "de" / "LC_MESSAGES" / "messages.po"
    file.parent.mkdir(parents=True)
    with file.open("wb") as target:
        write_po(target, made)
    try:
        language.read_from(tmp_path)
        with speaking("de"):
            assert gettext("Home") == "⟦Home⟧"
    finally:
        language.read_from(LOCALE)
    with speaking("de"):
        assert gettext("Home") == "Start"


@pytest.mark.parametrize("folder", ["trader", "partner", "auth", "public", "notifications"])
def test_no_template_writes_a_text_of_its_own(folder: str) -> None:
    """Between the tags of a template stand values and catalogue texts, never plain words."""
    own = []
    for path in sorted((ROOT / "themes").glob(f"*/templates/{folder}/*.html")):
        # The block of a class name is no text.
        source = path.read_text().replace("{% block auth_width %} broad", "")
        source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\x00", source, flags=re.DOTALL)
        shown = re.sub(r"<[^>]*>", "\n", source)
        own += [f"{path.name}: {words}" for words in re.findall(r"[A-Za-z][A-Za-z' ,.]{3,}", shown)]

    assert not own


@pytest.mark.parametrize("spoken", ["de", "es", "ar"])
@pytest.mark.parametrize("figure", ["0", "1.5", "999.99", "1234.5", "9999.99", "12345.6", "-1e7"])
def test_a_number_is_written_as_the_locale_data_say(spoken: str, figure: str) -> None:
    """Separators and grouping are those of CLDR; the minus is always the true one."""
    value = Decimal(figure)
    with speaking(spoken):
        written = formats.number_text(value, 2)

    expected = format_decimal(abs(value), "#,##0.00", locale=spoken)
    assert written.lstrip(formats.MINUS) == expected
    assert written.startswith(formats.MINUS) == (value < 0)


def test_english_figures_and_days_stay_as_they_are() -> None:
    """The walk and the mails read them."""
    at = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)

    assert formats.number_text(Decimal("1234567.5"), 2) == "1,234,567.50"
    assert formats.datetime_text(at) == "2026-11-24 09:05 UTC"
    assert formats.day_text(date(2026, 11, 4)) == "2026-11-04"


@pytest.mark.parametrize(
    ("spoken", "day", "money"),
    [
        ("de", "04.11.2026", "1.234,50 EUR"),
        ("es", "04/11/2026", "1.234,50 EUR"),
        ("ar", "04/11/2026", "1,234.50 EUR"),
    ],
)
def test_days_and_money_are_written_in_the_language(spoken: str, day: str, money: str) -> None:
    """Order and signs follow the language, the currency's code stays behind the number."""
    at = datetime(2026, 11, 4, 9, 5, tzinfo=UTC)
    with speaking(spoken):
        assert formats.day_text(at) == day
        assert formats.datetime_text(at) == f"{day}, 09:05 UTC"
        assert formats.money_text(Money(Decimal("1234.5"), "EUR")) == money


@pytest.mark.parametrize(("spoken", "words"), [("de", "vor 6"), ("es", "hace 6"), ("ar", "قبل 6")])
def test_a_short_while_ago_is_said_in_the_language(spoken: str, words: str) -> None:
    """The distance is a phrase, not a number with an English word."""
    at = datetime(2026, 11, 4, 9, 5, tzinfo=UTC)
    with speaking(spoken):
        assert words in formats.ago(at, at + timedelta(minutes=6))


@pytest.mark.parametrize(
    ("spoken", "typed", "amount"),
    [
        ("en", "250.00", "250.00"),
        ("en", "1,250.5", "1250.5"),
        ("en", "250,00", None),
        ("en", "1 000", "1000"),
        ("de", "250,00", "250.00"),
        ("de", "1.250,50", "1250.50"),
        ("de", "250.00", None),
        ("es", "1250,5", "1250.5"),
        ("ar", "1,250.50", "1250.50"),
        ("en", "٢٥٠", None),
        ("en", "-5", None),
        ("en", "1e3", None),
        ("en", "", None),
    ],
)
def test_an_amount_is_read_as_the_language_writes_it(
    spoken: str, typed: str, amount: str | None
) -> None:
    """A comma for a point is refused, so that nobody pays a hundred times what they meant."""
    with speaking(spoken):
        assert formats.typed_amount(typed) == (Decimal(amount) if amount else None)
