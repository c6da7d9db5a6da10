"""A list's state: read from an address, written back, and wrong values told, not lost."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest

from kernel.errors import InvalidInput
from kernel.ids import uuid7
from kernel.web import export
from kernel.web.cursors import cursor, read_cursor, window
from kernel.web.table import Column, Range, Table

TABLE = Table(
    name="things",
    path="/things",
    columns=(
        Column("name", "Name", filtered=True, sortable=True, pinned=True),
        Column("size", "Size", "number", filtered=True, sortable=True, end=True),
        Column("price", "Price", "money", filtered=True, sortable=True),
        Column("day", "Day", "date", filtered=True, sortable=True, wide=True),
        Column("kind", "Kind", "choice", filtered=True, choices=(("a", "A"), ("b", "B"))),
        Column("place", "Place", "choice", filtered=True, pattern="[A-Z]{2}", shown=False),
    ),
    sort="-day",
)


def test_an_address_is_read_by_the_kind_of_each_column() -> None:
    """Every kind of filter, the search, the order and the columns come out typed."""
    state = TABLE.read_text(
        "q=gold&name=bar&size_min=3&price_max=12.50&day_from=2026-01-02&day_to=2026-01-09"
        "&kind=b&place=DE&sort=size&cols=name,place"
    )

    assert state.errors == {}
    assert state.search == "gold"
    assert state.texts == {"name": "bar"}
    assert state.choices == {"kind": "b", "place": "DE"}
    assert state.ranges == {
        "size": Range(Decimal(3), None),
        "price": Range(None, Decimal("12.50")),
        "day": Range(date(2026, 1, 2), date(2026, 1, 9)),
    }
    assert (state.sorted_by, state.descending) == ("size", False)
    assert state.shown == ("name", "place")
    assert state.filters == ["day", "kind", "name", "place", "price", "search", "size"]


def test_a_written_state_is_read_back_as_itself() -> None:
    """What a saved view keeps gives the same list, whatever the words in it."""
    state = TABLE.read({"q": "a&b=c#?", "kind": "a", "size_min": "-4", "after": "xyz"})

    again = TABLE.read_text(state.written)

    assert again.query == state.query == {"q": "a&b=c#?", "kind": "a", "size_min": "-4"}
    assert (again.search, again.ranges) == (state.search, state.ranges)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("size_min", "many", "Size: write a whole number"),
        ("size_min", "2147483648", "Size: write a whole number"),
        ("size_max", "1e5", "Size: write a whole number"),
        ("price_max", "12,50", "Price: write an amount"),
        ("price_min", "NaN", "Price: write an amount"),
        ("price_min", "٣", "Price: write an amount"),
        ("day_from", "2026-13-45", "Day: write a day"),
        ("day_to", "9999-12-31", "Day: write a day"),
        ("kind", "c", "Kind: choose one"),
        ("place", "de'", "Place: choose one"),
        ("sort", "place", "no such order"),
        ("cols", "name,secret", "do not exist"),
    ],
)
def test_a_wrong_value_is_told_and_the_rest_holds(name: str, value: str, words: str) -> None:
    """The message says what to do, the typed text stays, the other filter still narrows."""
    state = TABLE.read({name: value, "name": "bar", "q": "gold"})

    assert [words in text for text in state.errors.values()] == [True]
    assert (state.search, state.texts) == ("gold", {"name": "bar"})
    if name not in ("sort", "cols"):
        assert state.query[name] == value
    assert state.sort == "-day"
    assert not state.ranges
    assert not state.choices


def test_ends_in_the_wrong_order_narrow_nothing() -> None:
    """A range from later to earlier is told, with both ends kept."""
    state = TABLE.read({"size_min": "5", "size_max": "3"})

    assert "after the last" in state.errors["size_min"]
    assert state.ranges == {}
    assert state.query == {"size_min": "5", "size_max": "3"}


def test_another_order_or_filter_begins_at_the_first_page() -> None:
    """Links of heads and chips keep the state and drop the cursor."""
    state = TABLE.read({"q": "gold", "size_min": "3", "after": "abc"})
    heads = {head["label"]: head for head in state.heads()}
    chip = state.chips()[0]

    assert dict(parse_qsl(heads["Day"]["href"].split("?")[1])) == {
        "q": "gold",
        "size_min": "3",
        "sort": "day",
    }
    assert heads["Day"]["aria"] == "descending"
    assert heads["Size"]["href"].endswith("sort=-size")
    assert "href" in heads["Kind"]
    assert not heads["Kind"]["href"]
    assert (chip["operator"], chip["value"]) == ("from", "3")
    assert chip["remove_href"] == "/things?q=gold"


def test_columns_nobody_wants_are_hidden_and_the_pinned_one_stays() -> None:
    """The usual choice costs nothing; another one names what to hide and what to add."""
    usual = TABLE.read({})
    chosen = TABLE.read({"cols": "size,place"})

    assert (usual.classes, usual.extras) == ("", [])
    assert chosen.shown == ("name", "size", "place")
    assert chosen.classes == "chosen x3 x4 x5"
    assert [column.name for column in chosen.extras] == ["place"]


def test_a_column_somebody_may_not_see_cannot_be_asked_for() -> None:
    """Neither as a column nor as a filter."""
    state = TABLE.without("place").read({"cols": "name,place", "place": "DE"})

    assert state.shown == ("name",)
    assert state.choices == {}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "Ä; DROP"),
        ("number", 7),
        ("money", Decimal("0.10000000")),
        ("date", datetime(2026, 1, 2, 3, 4, 5, 6, UTC)),
    ],
)
def test_a_cursor_brings_its_key_back(kind: str, value: object) -> None:
    """The key keeps its type and every digit."""
    row_id = uuid7()

    found = read_cursor(cursor(value, row_id, 50), kind)  # type: ignore[arg-type]

    assert found == (value, row_id, 50)


@pytest.mark.parametrize("text", ["", "zzz", "WzEsMl0", "é", "bnVsbA", "WyJOYU4iLCJ4IiwxXQ"])
@pytest.mark.parametrize("kind", ["text", "number", "money", "date"])
def test_a_cursor_nobody_wrote_is_none(text: str, kind: str) -> None:
    """The list then begins at its start."""
    assert read_cursor(text, kind) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e30"])
def test_a_cursor_holds_no_endless_amount(value: str) -> None:
    """What PostgreSQL would take for a number is refused before."""
    assert read_cursor(cursor(value, uuid4(), 1), "money") is None


def test_pages_by_key_meet_without_gap_or_repeat() -> None:
    """Forwards and backwards over equal keys, with a row that arrives in between."""
    rows = sorted(((1, UUID(int=number)) for number in range(25)), reverse=True)

    def read(after: str, *, size: int = 10) -> list[tuple[int, UUID]]:
        at = read_cursor(after, "number")
        return [row for row in rows if at is None or row < (at.value, at.id)][: size + 1]

    seen: list[tuple[int, UUID]] = []
    after, position = "", 0
    for _ in range(3):
        page = window(read(after), size=10, key=lambda row: row, backwards=False, position=position)
        seen += page.rows
        rows.insert(0, (2, uuid4()))
        after, position = page.next or "", position + len(page.rows)

    assert [row[1].int for row in seen] == list(range(24, -1, -1))
    assert page.next is None


HOSTILE = ["=1+1", "+49 151", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1"]


def test_no_cell_of_a_csv_is_a_formula() -> None:
    """A spreadsheet would run what begins like one; a negative amount stays a number."""
    body = export.as_csv(["text"], [[text] for text in HOSTILE] + [[Decimal("-1.50")]])
    cells = [row[0] for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))]

    assert cells[1:] == [f"'{text}" for text in HOSTILE] + ["-1.50"]


def test_no_cell_of_an_xlsx_is_a_formula_or_a_link() -> None:
    """Texts are written as shared strings, amounts as numbers or, when longer, as text."""
    amounts = [Decimal("1234.50"), Decimal("12345678901234.12345678")]
    rows: list[list[str | int | Decimal | datetime | None]]
    rows = [[text, 1] for text in [*HOSTILE, "https://x.example"]]
    body = export.as_xlsx(["text", "amount"], [*rows, amounts])
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
        names = book.namelist()

    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert not any("rels" in name and "sheet1" in name for name in names)
    assert "=1+1" in strings
    assert "<v>1234.50</v>" in sheet
    assert "12345678901234.12345678" in strings
    assert len(re.findall(r"<row ", sheet)) == len(HOSTILE) + 3


def test_a_file_needs_a_format_and_a_reason_and_ends_at_the_cap() -> None:
    """Each is told beside its field."""
    with pytest.raises(InvalidInput) as missing:
        export.wanted({"reason": "  "})
    with pytest.raises(InvalidInput) as long:
        export.require_within_cap(50_001)

    assert set(missing.value.fields) == {"format", "reason"}
    assert "50,000 rows" in long.value.fields["format"]
    assert export.wanted({"format": "csv", "reason": "For the auditor"}) == (
        "csv",
        "For the auditor",
    )
