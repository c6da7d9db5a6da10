"""New rows that nobody reads before the commit, written by one statement a table. Hot path.

Every change leaves a line in a trail or two. As objects of their own they would cost more than
the change they tell of, and a batch of deposits leaves a thousand of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

_PENDING = "journal"


@dataclass(frozen=True, eq=False)
class Journal:
    """A table of lines, and the SQL type of each column that is given; others have defaults.

    `made` names columns that are computed from what is given, by SQL that may use its name.
    """

    table: str
    columns: Mapping[str, str]
    made: Mapping[str, str] = field(default_factory=dict)

    def add(self, session: AsyncSession, **values: Any) -> None:
        """Append a line; it is written with the others before the transaction commits."""
        pending: dict[Journal, list[dict[str, Any]]] = session.info.setdefault(_PENDING, {})
        pending.setdefault(self, []).append(values)

    @cached_property
    def statement(self) -> str:
        """The statement that writes lines given as one JSON array."""
        names = ", ".join(self.columns)
        typed = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        values = ", ".join(self.made.get(name, name) for name in self.columns)
        into = f"INSERT INTO {self.table} ({names}) SELECT {values}"
        return f"{into} FROM json_to_recordset($1::json) AS line({typed})"


def taken(session: AsyncSession) -> list[tuple[str, str]]:
    """Take the lines that wait: a statement and its one parameter for each table."""
    pending: dict[Journal, list[dict[str, Any]]] = session.info.pop(_PENDING, {})
    return [
        (journal.statement, msgspec.json.encode(lines).decode())
        for journal, lines in pending.items()
    ]
