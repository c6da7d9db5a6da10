"""Hot path: the list of leads, in one statement for its rows and one for all around them.

Counts come from the tally (`crm.lead_tally`) wherever it knows the filters.

Sales keep this page open all day; rows come straight from the driver, and both statements
carry the tenant's tag so that PostgreSQL keeps their plans. Their text is put together from
constants of this module; everything typed is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from crm import lead_tally
from crm.models import SOURCES, STAGES
from identity.listings.views import Offered
from kernel.database import ReadSession, TenantSession, driver, tagged
from kernel.web.cursors import Key, Window, read_cursor, window
from kernel.web.table import UUIDS, Column, State, Table

PAGE = 50
NOBODY = "none"
SOURCE_WORDS = {
    "form": "Website form",
    "embed": "Embedded form",
    "api": "API",
    "referral": "Referral",
    "register": "Registration",
    "import": "Import",
}
STAGE_WORDS = {
    "new": "New",
    "contacted": "Contacted",
    "qualified": "Qualified",
    "converted": "Converted",
    "lost": "Lost",
    "nurture": "Nurture",
}
CONTACT = ("email", "phone")
TABLE = Table(
    name="leads",
    path="/crm/leads",
    columns=(
        Column("name", "Lead", sortable=True, pinned=True),
        Column("score", "Score", "number", sortable=True, filtered=True, end=True),
        Column(
            "stage",
            "Stage",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((stage, STAGE_WORDS[stage]) for stage in STAGES),
        ),
        Column(
            "source",
            "Source",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple((source, SOURCE_WORDS[source]) for source in SOURCES),
        ),
        Column(
            "country",
            "Country",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            pattern="[A-Z]{2}",
        ),
        Column(
            "owner",
            "Owner",
            "choice",
            filtered=True,
            wide=True,
            pattern=f"none|{UUIDS}",
        ),
        Column("created", "Created", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("updated", "Last touch", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("campaign", "Campaign", filtered=True, shown=False),
        Column("referral", "Referral code", filtered=True, shown=False),
        Column("language", "Language", filtered=True, shown=False),
        Column("email", "E-mail", shown=False),
        Column("phone", "Phone", shown=False),
    ),
    sort="-created",
)
_COLUMNS = (
    "l.id, l.reference, l.first_name, l.last_name, l.score, l.stage, l.source, l.campaign,"
    " l.referral_code, l.country, l.created_at, l.updated_at, u.name AS owner"
)
_MORE = ", l.language, l.email, l.phone"
_NAME = "lower(l.first_name || ' ' || l.last_name)"
_FOUND = "(lower(l.first_name || ' ' || l.last_name || ' ' || l.reference) LIKE {0}"
_FOUND_CONTACT = " OR lower(l.email) LIKE {0})"
_FOUND_NUMBER = " OR l.phone_digits LIKE {0})"
_OWNERS = (
    " UNION ALL SELECT 1, u.id::text, u.name, 0 FROM user_account u WHERE u.kind = 'staff'"
    " AND u.state = 'active' AND EXISTS (SELECT 1 FROM staff_role r WHERE r.user_id = u.id"
    " AND r.role IN ('sales_agent', 'sales_head', 'retention_agent'))"
)
# The id has always 36 characters, so that one column holds it and the query.
_VIEWS = (
    " UNION ALL SELECT CASE WHEN v.owner_id = {0} THEN 3 ELSE 2 END, v.id::text || v.query,"
    " v.name, v.shared::int + coalesce(p.first, false)::int * 2 + coalesce(p.position, 0) * 4"
    " FROM saved_view v LEFT JOIN view_pin p ON p.view_id = v.id AND p.owner_id = {0}"
    " WHERE v.list_name = 'leads' AND (v.shared OR v.owner_id = {0})"
)
# What a list may be sorted by: the expression, and how a cursor's value is read back.
_SORTS: dict[str, tuple[str, Literal["text", "number", "date"]]] = {
    "created": ("l.created_at", "date"),
    "updated": ("l.updated_at", "date"),
    "score": ("l.score", "number"),
    "name": (_NAME, "text"),
    "stage": ("l.stage", "text"),
    "source": ("l.source", "text"),
    "country": ("l.country", "text"),
}
_RANGES = {"score": "l.score", "created": "l.created_at", "updated": "l.updated_at"}
_TEXTS = {"campaign": "l.campaign", "referral": "l.referral_code", "language": "l.language"}


@dataclass(frozen=True)
class Wanted:
    """What to list, and for whom: `owned_by` is the scope own.

    `by_contact` lets the search look at addresses and numbers: not for a reader to whom they
    are masked, who could find them out letter by letter. `whole` reads the columns that the
    list does not have at first.
    """

    state: State
    reader: UUID
    owned_by: UUID | None = None
    by_contact: bool = False
    whole: bool = False


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
    language: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Found:
    """One page and what surrounds it.

    `counts` are by stage, without the stage filter; `countries` and `owners` (id and name) are
    what those filters can be set to; `views` are the reader's own and the shared ones.
    """

    window: Window[LeadRow]
    counts: dict[str, int]
    total: int
    countries: list[str]
    owners: list[tuple[str, str]]
    views: list[Offered]


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
    counted_in, number = _counted_in(wanted.state)
    counting = (
        f"SELECT 0 AS kind, l.stage AS a, l.country AS b, {number} AS n FROM {counted_in} l"  # noqa: S608
        f"{base.where} GROUP BY l.stage, l.country{_OWNERS if wanted.owned_by is None else ''}"
        f"{_VIEWS.format(f'${len(base.values) + 1}')}"
    )
    counted = await connection.fetch(tagged(session, counting), *base.values, wanted.reader)
    groups = [(row["a"], row["b"], row["n"]) for row in counted if row["kind"] == 0 and row["n"]]
    owners = sorted((row["b"], row["a"]) for row in counted if row["kind"] == 1)
    views = [_view(row) for row in counted if row["kind"] >= 2]
    stage, country = _places(wanted)
    counts: dict[str, int] = {}
    for one, place, number in groups:
        if not country or place == country:
            counts[one] = counts.get(one, 0) + number
    total = counts.get(stage, 0) if stage else sum(counts.values())
    _narrow_to_place(base, wanted)
    backwards, position = _from_cursor(base, wanted.state)
    found = await connection.fetch(
        tagged(session, _listing(base, wanted, backwards=backwards, limit=PAGE + 1)), *base.values
    )
    return Found(
        counts=counts,
        total=total,
        countries=sorted({place for _, place, _ in groups}),
        owners=[(owner_id, name) for name, owner_id in owners],
        views=sorted(views, key=lambda view: (view.name.lower(), view.id)),
        window=window(
            [LeadRow(*row) for row in found],
            size=PAGE,
            key=_key,
            backwards=backwards,
            position=position,
        ),
    )


def _view(row: Any) -> Offered:  # noqa: ANN401 - the driver's row
    marks: int = row["n"]
    return Offered(
        row["a"][:36],
        row["b"],
        row["a"][36:],
        shared=bool(marks & 1),
        own=row["kind"] == 3,
        position=marks >> 2 or None,
        first=bool(marks & 2),
    )


async def count(session: TenantSession | ReadSession, wanted: Wanted) -> int:
    """Return how many leads there are in a state of the list."""
    connection = await driver(session)
    base = _filtered(wanted)
    _narrow_to_place(base, wanted)
    counted_in, number = _counted_in(wanted.state)
    counting = f"SELECT coalesce({number}, 0) FROM {counted_in} l{base.where}"  # noqa: S608
    return int(await connection.fetchval(tagged(session, counting), *base.values))


async def rows(
    session: TenantSession | ReadSession, wanted: Wanted, *, limit: int
) -> list[LeadRow]:
    """Return the first leads of the whole list in its order, as an export writes them."""
    connection = await driver(session)
    base = _filtered(wanted)
    _narrow_to_place(base, wanted)
    listing = _listing(base, wanted, backwards=False, limit=limit)
    return [LeadRow(*row) for row in await connection.fetch(tagged(session, listing), *base.values)]


def _listing(base: _Statement, wanted: Wanted, *, backwards: bool, limit: int) -> str:
    expression, _ = _SORTS[wanted.state.sorted_by]
    direction = "DESC" if wanted.state.descending is not backwards else "ASC"
    more = _MORE if wanted.whole else ""
    return (
        f"SELECT {_COLUMNS}, {expression} AS sort_value{more} FROM lead l"  # noqa: S608 - constants
        f" LEFT JOIN user_account u ON u.id = l.owner_id{base.where}"
        f" ORDER BY {expression} {direction}, l.id {direction} LIMIT {limit}"
    )


def _counted_in(state: State) -> tuple[str, str]:
    """Return where leads are counted, and how: the leads themselves where the tally can't tell."""
    told = not state.search and lead_tally.COLUMNS.issuperset(state.filters)
    return (lead_tally.TABLE, "sum(l.number)") if told else ("lead", "count(*)")


def _key(row: LeadRow) -> tuple[Key, UUID]:
    return row.sort_value, row.id


def _places(wanted: Wanted) -> tuple[str, str]:
    choices = wanted.state.choices
    return choices.get("stage", ""), choices.get("country", "")


def _narrow_to_place(base: _Statement, wanted: Wanted) -> None:
    """Add stage and country, which the counts leave open: tabs and choices tell about all."""
    stage, country = _places(wanted)
    if country:
        base.add("l.country = {0}", country)
    if stage:
        base.add("l.stage = {0}", stage)


def _filtered(wanted: Wanted) -> _Statement:
    made = _Statement()
    state = wanted.state
    if wanted.owned_by is not None:
        made.add("l.owner_id = {0}", wanted.owned_by)
    owner = state.choices.get("owner")
    if owner == NOBODY:
        made.conditions.append("l.owner_id IS NULL")
    elif owner:
        made.add("l.owner_id = {0}", UUID(owner))
    if "source" in state.choices:
        made.add("l.source = {0}", state.choices["source"])
    for name, text in state.texts.items():
        made.add(f"lower({_TEXTS[name]}) LIKE {{0}}", f"%{_plain(text.lower())}%")
    for name, ends in state.ranges.items():
        if ends.low is not None:
            made.add(f"{_RANGES[name]} >= {{0}}", _bound(ends.low))
        if isinstance(ends.high, date):
            made.add(f"{_RANGES[name]} < {{0}}", _bound(ends.high + timedelta(days=1)))
        elif ends.high is not None:
            made.add(f"{_RANGES[name]} <= {{0}}", _bound(ends.high))
    for word in state.search.lower().split()[:5]:
        digits = "".join(one for one in word if one.isdigit())
        if not wanted.by_contact:
            made.add(f"{_FOUND})", f"%{_plain(word)}%")
        elif len(digits) >= 4 and not any(one.isalpha() for one in word):
            made.add(_FOUND + _FOUND_NUMBER, f"%{digits}%")
        else:
            made.add(_FOUND + _FOUND_CONTACT, f"%{_plain(word)}%")
    return made


def _bound(value: object) -> object:
    """Return what the driver compares with: the start of a day in UTC, or a whole number."""
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return int(str(value))


def _plain(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _from_cursor(statement: _Statement, state: State) -> tuple[bool, int]:
    """Add the cursor's condition; return whether to read backwards, and the cursor's position."""
    expression, kind = _SORTS[state.sorted_by]
    found = read_cursor(state.after or state.before, kind)
    if found is None:
        return False, 0
    backwards = not state.after
    statement.values.extend((found.value, found.id))
    a, b = len(statement.values) - 1, len(statement.values)
    sign = "<" if state.descending is not backwards else ">"
    statement.conditions.append(f"({expression}, l.id) {sign} (${a}, ${b})")
    return backwards, found.position
