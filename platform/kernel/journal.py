"""New rows that nobody reads before the commit, written by one statement a table. Hot path.

Every change leaves a line in a trail or two. As objects of their own they would cost more than
the change they tell of, and a batch of deposits leaves a thousand of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

_PENDING = "journal"


@dataclass(frozen=True, eq=False)
class Journal:
    """A table of lines, and the SQL type of each column that is given; others have defaults."""

    table: str
    columns: Mapping[str, str]

    def add(self, session: AsyncSession, **values: Any) -> None:
        """Append a line; it is written with the others before the transaction commits."""
        pending: dict[Journal, list[dict[str, Any]]] = session.info.setdefault(_PENDING, {})
        pending.setdefault(self, []).append(values)

    def statement(self) -> str:
        """Return the statement that writes lines given as one JSON array."""
        names = ", ".join(self.columns)
        typed = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        into = f"INSERT INTO {self.table} ({names}) SELECT {names}"
        return f"{into} FROM json_to_recordset($1::json) AS line({typed})"


def taken(session: AsyncSession) -> list[tuple[str, str]]:
    """Take the lines that wait: a statement and its one parameter for each table."""
    pending: dict[Journal, list[dict[str, Any]]] = session.info.pop(_PENDING, {})
    return [
        (journal.statement(), msgspec.json.encode(lines).decode())
        for journal, lines in pending.items()
    ]
