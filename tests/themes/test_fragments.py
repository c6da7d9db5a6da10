"""Kept rows of lists: never out of date, never another's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from markupsafe import Markup

from kernel.language import speaking
from themes.formats import ago
from themes.fragments import Fragments


class Lead(NamedTuple):
    """A row with a name and a moment."""

    name: str
    created_at: datetime


class Pen:
    """Writes rows, and counts how often it had to."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self.written = 0

    def __call__(self, row: object) -> Markup:
        """Write one row."""
        assert isinstance(row, Lead)
        self.written += 1
        return Markup("<td>{}</td><td>{}</td>").format(row.name, ago(row.created_at))


OLD = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_row_is_written_once_for_its_content_and_its_language() -> None:
    """The same row costs nothing; a changed one, another list and another language are others."""
    kept, pen = Fragments(), Pen()
    rows = [Lead("Ada", OLD), Lead("<b>", OLD)]

    once = kept.rows(rows, "leads", "cells", caller=pen)
    again = kept.rows(list(rows), "leads", "cells", caller=pen)
    assert (once, pen.written) == (again, 2)
    assert "&lt;b&gt;" in once

    assert "Eve" in kept.rows([Lead("Eve", OLD)], "leads", "cells", caller=pen)
    kept.rows(rows, "clients", "cells", caller=pen)
    kept.rows(rows, "leads", "boxes", caller=pen)
    with speaking("de"):
        kept.rows(rows, "leads", "cells", caller=pen)
    assert pen.written == 9


def test_a_row_is_written_anew_when_its_age_is_said_differently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A piece lasts until the distance to a moment changes, and no longer."""
    kept, pen = Fragments(), Pen()
    row = Lead("Ada", datetime.now(UTC) - timedelta(minutes=10, seconds=1))
    kept.rows([row], "leads", "cells", caller=pen)
    kept.rows([row], "leads", "cells", caller=pen)
    assert pen.written == 1

    later = datetime.now(UTC).timestamp() + 60
    monkeypatch.setattr("themes.fragments.time.time", lambda: later)
    kept.rows([row], "leads", "cells", caller=pen)
    assert pen.written == 2


def test_without_a_name_for_its_cells_nothing_is_kept() -> None:
    """A list that did not say what its cells depend on is rendered as it is."""
    kept, pen = Fragments(), Pen()
    for _ in range(2):
        kept.rows([Lead("Ada", OLD)], "leads", caller=pen)
    assert pen.written == 2


def test_the_longest_unused_piece_goes_first() -> None:
    """The store stays within its bound."""
    kept, pen = Fragments(most=2), Pen()
    for name in ("Ada", "Ben", "Ada", "Cem", "Ada", "Ben"):
        kept.rows([Lead(name, OLD)], "leads", "cells", caller=pen)
    assert pen.written == 4
