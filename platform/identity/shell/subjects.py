"""What people look for and work on: records of any room, named alike.

A room offers a `Source` in its module `search.py`; wiring hands over the list, and says at which
address each kind of record is shown. A source answers within the reader's permissions and scope:
what a list hides from somebody, the search hides too, and so does the name of a task's subject.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from kernel.database import TenantSession
from kernel.viewer import Viewer

# What a reader may type, in characters and words; more is cut.
QUERY_MAX = 80
WORDS_MAX = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that a search found.

    `line` is the grey line below the title; `contact` follows it, masked where the reader sees
    contacts `masked`. `exact` says that the query is this record's own reference or number.
    `shown_as` names another record whose page shows this one.
    """

    kind: str
    id: UUID
    title: str
    line: str
    exact: bool = False
    contact: str = ""
    masked: bool = False
    shown_as: tuple[str, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody types into the search: as it is, in small letters, by words, and its digits.

    `number` is what could be a telephone number or a login: at least three digits and no letter.
    """

    text: str
    words: tuple[str, ...]
    number: str

    @classmethod
    def read(cls, typed: str) -> Query:
        """Return the query without what no search needs."""
        plain = "".join(sign for sign in typed if sign.isprintable())
        text = " ".join(plain.split())[:QUERY_MAX].strip()
        digits = "".join(sign for sign in text if sign in "0123456789")
        number = digits if len(digits) >= 3 and not any(map(str.isalpha, text)) else ""
        return cls(text, tuple(text.lower().split()[:WORDS_MAX]), number)

    @property
    def lower(self) -> str:
        """The query in small letters, as names and addresses are compared."""
        return self.text.lower()

    @property
    def upper(self) -> str:
        """The query in capitals, as references are written."""
        return self.text.upper()


def begins(
    column: ColumnElement[str] | InstrumentedAttribute[Any], text: str
) -> ColumnElement[bool]:
    """Return the condition that a column's text begins so, which an index can answer."""
    found: ColumnElement[bool] = column.startswith(text, autoescape=True)
    return found


Find = Callable[[TenantSession, Viewer, Query, int], Awaitable[list[Hit]]]
Name = Callable[[TenantSession, Viewer, Collection[UUID]], Awaitable[Mapping[UUID, str]]]


@dataclass(frozen=True)
class Source:
    """Records of one kind: `find` returns at most so many, `names` what some of them are called.

    Both leave out what the viewer may not see. Nobody without `permission` is searched for.
    `more` is the list's address that a query is put behind, for those that do not fit.
    """

    kind: str
    label: str
    icon: str
    permission: str
    find: Find
    names: Name
    more: str = ""


@dataclass(frozen=True)
class Catalogue:
    """Every source, in the order in which results are shown, and each kind's address.

    An address holds `{}` for the id; beside it stands the permission that its page asks for.
    """

    sources: Sequence[Source]
    pages: Mapping[str, tuple[str, str]]

    def href(self, viewer: Viewer, kind: str, record_id: UUID) -> str:
        """Return where a record is shown; nothing when the viewer may not open such a page."""
        address, permission = self.pages.get(kind, ("", ""))
        return address.format(record_id) if address and viewer.may(permission) else ""

    def source(self, kind: str) -> Source | None:
        """Return the source of a kind."""
        return next((one for one in self.sources if one.kind == kind), None)

    async def named(
        self, session: TenantSession, viewer: Viewer, subjects: Collection[tuple[str, UUID]]
    ) -> dict[tuple[str, UUID], str]:
        """Return what records are called, of those the viewer may see; one query for each kind."""
        found: dict[tuple[str, UUID], str] = {}
        for source in self.sources:
            ids = {record_id for kind, record_id in subjects if kind == source.kind}
            if ids and viewer.may(source.permission):
                names = await source.names(session, viewer, ids)
                found.update({(source.kind, key): name for key, name in names.items()})
        return found
