"""Hot path: the list of leads, in one statement for its rows and one for its counts.

Sales keep this page open all day; rows come straight from the driver, and both statements
carry the tenant's tag so that PostgreSQL keeps their plans. Their text is put together from
constants of this module; everything typed is a parameter.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crm.models import SOURCES, STAGES
from kernel.database import ReadSession, TenantSession, driver, tagged

PAGE = 50
NOBODY = "none"
_COLUMNS = (
    "l.id, l.reference, l.first_name, l.last_name, l.score, l.stage, l.source, l.campaign,"
    " l.referral_code, l.country, l.created_at, l.updated_at, u.name AS owner"
)
_NAME = "lower(l.first_name || ' ' || l.last_name)"
_FOUND = "(lower(l.first_name || ' ' || l.last_name || ' ' || l.reference) LIKE {0}"
_FOUND_CONTACT = " OR lower(l.email) LIKE {0})"
_FOUND_NUMBER = " OR l.phone_digits LIKE {0})"
_OWNERS = (
    " UNION ALL SELECT 1, u.id::text, u.name, 0 FROM user_account u WHERE u.kind = 'staff'"
    " AND u.state = 'active' AND EXISTS (SELECT 1 FROM staff_role r WHERE r.user_id = u.id"
    " AND r.role IN ('sales_agent', 'sales_head', 'retention_agent'))"
)
# What a list may be sorted by: the expression, and how a cursor's value is read back.
_SORTS: dict[str, tuple[str, str]] = {
    "created": ("l.created_at", "timestamptz"),
    "updated": ("l.updated_at", "timestamptz"),
    "score": ("l.score", "int4"),
    "name": (_NAME, "text"),
}
DEFAULT_SORT = "-created"


@dataclass(frozen=True)
class Wanted:
    """What to list: `owned_by` is the scope own, the rest are the reader's filters.

    `by_contact` lets the search look at addresses and numbers: not for a reader to whom they
    are masked, who could find them out letter by letter.
    """

    owned_by: UUID | None = None
    by_contact: bool = False
    search: str = ""
    stage: str = ""
    owner: str = ""
    country: str = ""
    source: str = ""
    sort: str = DEFAULT_SORT
    after: str = ""
    before: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], *, owned_by: UUID | None, by_contact: bool) -> Wanted:
        """Read an address's query; what is not known is left out."""
        sort = query.get("sort", "")
        return cls(
            owned_by=owned_by,
            by_contact=by_contact,
            search=query.get("q", "")[:100].replace("\x00", ""),
            stage=_one_of(query.get("stage", ""), STAGES),
            owner=_owner(query.get("owner", "")),
            country=query.get("country", "") if len(query.get("country", "")) == 2 else "",
            source=_one_of(query.get("source", ""), SOURCES),
            sort=sort if sort.removeprefix("-") in _SORTS else DEFAULT_SORT,
            after=query.get("after", "")[:600],
            before=query.get("before", "")[:600],
        )


class LeadRow(NamedTuple):
    """A lead as the list shows it; a template reads attributes faster than keys."""

    id: UUID
    reference: str
    first_name: str
    last_name: str
    score: int
    stage: str
    source: str
    campaign: str | None
    referral_code: str | None
    country: str
    created_at: datetime
    updated_at: datetime
    owner: str | None
    sort_value: str | int | datetime


@dataclass(frozen=True)
class Window:
    """The rows of one page, the place of the first, and the cursors around them."""

    rows: list[LeadRow]
    first: int
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class Found:
    """One page and what surrounds it.

    `counts` are by stage, without the stage filter; `countries` and `owners` (id and name) are
    what those filters can be set to.
    """

    window: Window
    counts: dict[str, int]
    total: int
    countries: list[str]
    owners: list[tuple[str, str]]


@dataclass
class _Statement:
    """Conditions with their parameters."""

    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, value: object) -> None:
        """Append a condition whose `{0}` stands for the value."""
        self.values.append(value)
        self.conditions.append(condition.format(f"${len(self.values)}"))

    @property
    def where(self) -> str:
        """The whole condition."""
        return f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


async def find(session: TenantSession | ReadSession, wanted: Wanted) -> Found:
    """Return one page of leads, at most 50."""
    connection = await driver(session)
    base = _filtered(wanted)
    counting = (
        "SELECT 0 AS kind, l.stage AS a, l.country AS b, count(*) AS n FROM lead l"  # noqa: S608
        f"{base.where} GROUP BY l.stage, l.country{_OWNERS if wanted.owned_by is None else ''}"
    )
    counted = await connection.fetch(tagged(session, counting), *base.values)
    groups = [(row["a"], row["b"], row["n"]) for row in counted if row["kind"] == 0]
    owners = sorted((row["b"], row["a"]) for row in counted if row["kind"] == 1)
    counts: dict[str, int] = {}
    for stage, country, number in groups:
        if not wanted.country or country == wanted.country:
            counts[stage] = counts.get(stage, 0) + number
    total = counts.get(wanted.stage, 0) if wanted.stage else sum(counts.values())
    if wanted.country:
        base.add("l.country = {0}", wanted.country)
    if wanted.stage:
        base.add("l.stage = {0}", wanted.stage)
    backwards, position = _from_cursor(base, wanted)
    expression, _ = _SORTS[wanted.sort.removeprefix("-")]
    direction = "DESC" if wanted.sort.startswith("-") is not backwards else "ASC"
    listing = (
        f"SELECT {_COLUMNS}, {expression} AS sort_value FROM lead l"  # noqa: S608 - constants
        f" LEFT JOIN user_account u ON u.id = l.owner_id{base.where}"
        f" ORDER BY {expression} {direction}, l.id {direction} LIMIT {PAGE + 1}"
    )
    found = await connection.fetch(tagged(session, listing), *base.values)
    rows = [LeadRow(*row) for row in found]
    return Found(
        counts=counts,
        total=total,
        countries=sorted({country for _, country, _ in groups}),
        owners=[(owner_id, name) for name, owner_id in owners],
        window=_window(rows, backwards=backwards, position=position),
    )


def _window(rows: list[LeadRow], *, backwards: bool, position: int) -> Window:
    """Cut what was read to one page; `position` counts the rows before, or up to, the cursor."""
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    if backwards:
        rows.reverse()
    start = max(0, position - len(rows)) if backwards else position
    has_next = more or backwards
    has_previous = more if backwards else start > 0
    end = start + len(rows)
    return Window(
        rows=rows,
        first=start + 1 if rows else 0,
        next=_cursor(rows[-1], end) if rows and has_next else None,
        previous=_cursor(rows[0], start) if rows and has_previous else None,
    )


def _filtered(wanted: Wanted) -> _Statement:
    made = _Statement()
    if wanted.owned_by is not None:
        made.add("l.owner_id = {0}", wanted.owned_by)
    if wanted.owner == NOBODY:
        made.conditions.append("l.owner_id IS NULL")
    elif wanted.owner:
        made.add("l.owner_id = {0}", UUID(wanted.owner))
    if wanted.source:
        made.add("l.source = {0}", wanted.source)
    for word in wanted.search.lower().split()[:5]:
        digits = "".join(one for one in word if one.isdigit())
        if not wanted.by_contact:
            made.add(f"{_FOUND})", f"%{_plain(word)}%")
        elif len(digits) >= 4 and not any(one.isalpha() for one in word):
            made.add(_FOUND + _FOUND_NUMBER, f"%{digits}%")
        else:
            made.add(_FOUND + _FOUND_CONTACT, f"%{_plain(word)}%")
    return made


def _plain(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _one_of(value: str, known: tuple[str, ...]) -> str:
    return value if value in known else ""


def _owner(value: str) -> str:
    if value == NOBODY:
        return value
    try:
        return str(UUID(value))
    except ValueError:
        return ""


def _cursor(row: LeadRow, position: int) -> str:
    value = row.sort_value
    shown = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([shown, str(row.id), position])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _from_cursor(statement: _Statement, wanted: Wanted) -> tuple[bool, int]:
    """Add the cursor's condition; return whether to read backwards, and the cursor's position."""
    cursor = wanted.after or wanted.before
    expression, kind = _SORTS[wanted.sort.removeprefix("-")]
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value, row_id, position = json.loads(base64.urlsafe_b64decode(padded.encode()))
        parsed = _parsed(kind, value)
        identity = UUID(str(row_id))
        place = int(position)
    except (ValueError, TypeError, OverflowError, binascii.Error):
        return False, 0
    backwards = not wanted.after
    descending = wanted.sort.startswith("-")
    statement.values.extend((parsed, identity))
    a, b = len(statement.values) - 1, len(statement.values)
    sign = "<" if descending is not backwards else ">"
    statement.conditions.append(f"({expression}, l.id) {sign} (${a}, ${b})")
    return backwards, max(0, place)


def _parsed(kind: str, value: object) -> datetime | int | str:
    if kind == "timestamptz":
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError("a moment without a zone")
        return moment
    if kind == "int4":
        number = int(str(value))
        if abs(number) >= 2**31:
            raise ValueError("no score is as large")
        return number
    text = str(value)
    if "\x00" in text:
        raise ValueError("no name holds this")
    return text
