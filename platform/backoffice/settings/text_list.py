"""The list of the product's texts beside the brokerage's own. Pure.

The rows come from the catalogue and not from the database, which only says which of them have
words of the brokerage's own: so they are put together, narrowed, sorted and cut here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backoffice.models import TextOverride
from backoffice.settings import own_texts
from identity.listings.listing import Cells
from kernel.language import LANGUAGES, SOURCE, direction
from kernel.slices import PAGE
from kernel.web.cursors import Window, read_cursor, window
from kernel.web.table import Column, State, Table
from themes import texts

PATH = "/settings/texts"
SURFACE_WORDS = {
    "public": "Public site",
    "trader": "Trader's Room",
    "partner": "Partner portal",
    "messages": "Mails and documents",
    "everywhere": "Everywhere",
}
STATES = {"product": "Product's", "own": "Your own", "missing": "Missing", "stale": "Outdated"}
KINDS = {"product": "neutral", "own": "positive", "missing": "warning", "stale": "negative"}
TABLE = Table(
    name="texts",
    path=PATH,
    columns=(
        Column("text", "English", sortable=True, filtered=True, pinned=True),
        Column(
            "language",
            "Language",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple(LANGUAGES.items()),
        ),
        Column("product", "The product says", filtered=True, wide=True),
        Column("own", "You say", filtered=True),
        Column(
            "surface",
            "Shown on",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple(SURFACE_WORDS.items()),
        ),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple(STATES.items()),
        ),
        Column("changed", "Changed", "date", sortable=True, filtered=True, shown=False),
        Column("by", "By", shown=False),
    ),
    sort="text",
)


@dataclass(frozen=True)
class Row:
    """One text in one language."""

    id: UUID
    hash: str
    text: str
    language: str
    product: tuple[str, ...]
    own: tuple[str, ...]
    surfaces: tuple[str, ...]
    state: str
    changed_at: datetime | None
    changed_by: str

    @property
    def href(self) -> str:
        """Where it is written."""
        return f"{PATH}/{self.language}/{self.hash}"

    @property
    def direction(self) -> str:
        """Which way its language is written."""
        return direction(self.language)

    @property
    def surface(self) -> str:
        """Where it is shown, in words."""
        return ", ".join(SURFACE_WORDS[one] for one in self.surfaces)


CELLS: dict[str, Callable[[Row], Cells]] = {
    "text": lambda row: row.text,
    "language": lambda row: LANGUAGES.get(row.language, row.language),
    "product": lambda row: " / ".join(row.product),
    "own": lambda row: " / ".join(row.own),
    "surface": lambda row: row.surface,
    "state": lambda row: STATES[row.state],
    "changed": lambda row: row.changed_at,
    "by": lambda row: row.changed_by,
}


def rows(own: Sequence[TextOverride]) -> list[Row]:
    """Return a row for each text and language, and for own ones the product has no more."""
    known = {(one.key_hash, one.language): one for one in own}
    made = []
    for key_hash, text in texts.every().items():
        surfaces = tuple(one for one in texts.SURFACES if one in text.surfaces)
        for at, language in enumerate(LANGUAGES):
            said = text.forms[language]
            row = known.pop((key_hash, language), None)
            state = "product" if all(said) or language == SOURCE else "missing"
            if row is not None:
                state = "own" if own_texts.fits(text, row) else "stale"
            made.append(
                _row(
                    key_hash,
                    text.key,
                    language,
                    at=at,
                    said=said,
                    row=row,
                    surfaces=surfaces,
                    state=state,
                )
            )
    for (key_hash, language), row in known.items():
        made.append(_row(key_hash, row.key, language, row=row, state="stale"))
    return made


def _row(
    key_hash: str,
    key: str,
    language: str,
    *,
    at: int = len(LANGUAGES),
    said: tuple[str, ...] = (),
    row: TextOverride | None,
    surfaces: tuple[str, ...] = (),
    state: str,
) -> Row:
    return Row(
        # The hash with the language's place instead of its last digit: an id of its own.
        UUID(f"{key_hash[:-1]}{at:x}"),
        key_hash,
        key,
        language,
        said,
        tuple(row.forms) if row else (),
        surfaces,
        state,
        row.changed_at if row else None,
        row.changed_by if row else "",
    )


def narrowed(every: Sequence[Row], state: State, *, leave: str = "") -> list[Row]:
    """Return the rows that a list asks for; the choice to `leave` does not count."""
    words = state.search.casefold().split()
    choices = {name: value for name, value in state.choices.items() if name != leave}
    return [row for row in every if _wanted(row, state, words, choices)]


def _wanted(row: Row, state: State, words: list[str], choices: Mapping[str, str]) -> bool:
    if words:
        said = " ".join((row.text, *row.product, *row.own)).casefold()
        if not all(word in said for word in words):
            return False
    for name, value in choices.items():
        held = row.surfaces if name == "surface" else (getattr(row, name),)
        if value not in held:
            return False
    places = {"text": row.text, "product": " ".join(row.product), "own": " ".join(row.own)}
    if any(text.casefold() not in places[name].casefold() for name, text in state.texts.items()):
        return False
    low, high = state.ranges.get("changed", (None, None))
    if low is None and high is None:
        return True
    day = row.changed_at.date() if row.changed_at else None
    return day is not None and (low is None or day >= low) and (high is None or day <= high)  # type: ignore[operator]


def cut(some: Sequence[Row], state: State) -> Window[Row]:
    """Return one page of the rows in the order of the list."""
    found = read_cursor(state.after or state.before, "text")
    backwards = found is not None and not state.after
    descending = state.descending is not backwards
    keyed = sorted(((_key(row, state), row.id), row) for row in some)
    ordered = [row for _, row in (reversed(keyed) if descending else keyed)]
    if found is not None:
        at = (str(found.value), found.id)
        ordered = [
            row
            for row in ordered
            if ((_key(row, state), row.id) < at if descending else (_key(row, state), row.id) > at)
        ]
    return window(
        ordered[: PAGE + 1],
        size=PAGE,
        key=lambda row: (_key(row, state), row.id),
        backwards=backwards,
        position=found.position if found else 0,
    )


def _key(row: Row, state: State) -> str:
    """Return what a row is sorted by: short, so that a cursor of it fits into an address."""
    if state.sorted_by == "changed":
        return row.changed_at.isoformat() if row.changed_at else ""
    if state.sorted_by == "state":
        return f"{list(STATES).index(row.state)}"
    held = {"language": row.language, "surface": row.surface}.get(state.sorted_by, row.text)
    return held.casefold()[:60]


def tabs(every: Sequence[Row], state: State) -> list[dict[str, object]]:
    """Return the languages as tabs, each with how many texts it has under the other filters."""
    current = state.choices.get("language", "")
    some = narrowed(every, state, leave="language")
    made: list[dict[str, object]] = [
        {"label": "All", "href": state.address(language=None), "active": not current}
    ]
    for code, label in LANGUAGES.items():
        made.append(
            {
                "label": label,
                "href": state.address(language=code),
                "count": sum(row.language == code for row in some),
                "active": current == code,
            }
        )
    return made
