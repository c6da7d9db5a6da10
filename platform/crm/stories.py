"""A timeline as pages show it: grouped by day, with a colour for each kind of entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from clients.models import TimelineEntry
from kernel.clock import now
from themes.drawings import icon_names

_TONES = {
    "call": "accent",
    "mail": "info",
    "message": "info",
    "money": "positive",
    "trading": "accent",
    "compliance": "warning",
}


def days(entries: Sequence[TimelineEntry]) -> list[dict[str, Any]]:
    """Return entries, newest first, as the timeline macro reads them; days are UTC."""
    grouped: list[dict[str, Any]] = []
    today = now().date()
    words = {today: "Today", today - timedelta(days=1): "Yesterday"}
    for entry in entries:
        day = entry.at.date()
        label = words.get(day, day.isoformat())
        if not grouped or grouped[-1]["day"] != label:
            grouped.append({"day": label, "entries": []})
        grouped[-1]["entries"].append(
            {
                # An entry is kept for ever, the sprite changes.
                "icon": entry.icon if entry.icon in icon_names() else "activity",
                "kind": _TONES.get(entry.kind, ""),
                "fact": entry.fact,
                "line": entry.detail,
                "detail": entry.actor_label,
                "time": entry.at.strftime("%H:%M"),
            }
        )
    return grouped
