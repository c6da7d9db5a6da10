"""The list of everything a brokerage may write itself: events, languages and channels. Pure.

The rows come from what the product knows, not from the database, which only says which of them
have a draft, are live, or failed: so all of them are put together, narrowed and sorted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.language import LANGUAGES
from kernel.web.table import Column, State, Table
from messaging import starters
from messaging.liquid import variables
from messaging.queries import TemplateState

PATH = "/settings/templates"
KIND_WORDS = {
    "subject": "Mail: subject",
    "html": "Mail: formatted",
    "text": "Mail: plain text",
    "sms": "SMS",
    "pdf_block": "Document",
    "landing": "Front page",
}
CHANNELS = {
    "mail": ("Mail", variables.MAIL_KINDS),
    "sms": ("SMS", ("sms",)),
    "document": ("Documents", ("pdf_block",)),
    "site": ("Public site", ("landing",)),
}
STATES = {
    "failing": "Failing",
    "draft": "Draft",
    "live": "Live",
    "built-in": "Built-in",
    "nothing": "Nothing",
}
TABLE = Table(
    name="templates",
    path=PATH,
    columns=(
        Column("event", "Occasion", sortable=True, filtered=True, pinned=True),
        Column(
            "language",
            "Language",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((code, code.upper()) for code in LANGUAGES),
        ),
        Column(
            "channel",
            "Channel",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((name, label) for name, (label, _) in CHANNELS.items()),
        ),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple(STATES.items()),
        ),
        Column("published", "Published", "date", sortable=True, end=True, wide=True),
    ),
    sort="event",
)


@dataclass(frozen=True)
class Row:
    """One text that can be written; times are UTC."""

    event: str
    label: str
    language: str
    kind: str
    live: int
    draft: int
    published_at: datetime | None
    failed_at: datetime | None

    @property
    def href(self) -> str:
        """Where it is written."""
        return f"{PATH}/{self.event}/{self.language}/{self.kind}"

    @property
    def channel(self) -> str:
        """The channel it belongs to."""
        return next(name for name, (_, kinds) in CHANNELS.items() if self.kind in kinds)

    @property
    def kind_label(self) -> str:
        """What it is, in words."""
        return KIND_WORDS[self.kind]

    @property
    def state(self) -> str:
        """The one thing to know about it: a failure, a draft that waits, or what is used."""
        if self.failed_at is not None:
            return "failing"
        if self.draft:
            return "draft"
        if self.live:
            return "live"
        return "built-in" if starters.has_built_in(self.kind) else "nothing"

    @property
    def state_label(self) -> str:
        """The state in words; beside a draft, whether something is live."""
        words = STATES[self.state]
        return (
            f"{words}, version {self.live} live" if self.state == "draft" and self.live else words
        )


def rows(states: Sequence[TemplateState]) -> list[Row]:
    """Return a row for each text that can be written, with what the database knows of it."""
    known = {(one.event, one.language, one.kind, one.state): one for one in states}
    made = []
    for event in variables.EVENTS.values():
        for language in LANGUAGES:
            for kind in event.kinds:
                live = known.get((event.name, language, kind, "live"))
                draft = known.get((event.name, language, kind, "draft"))
                made.append(
                    Row(
                        event.name,
                        event.label,
                        language,
                        kind,
                        live.version if live else 0,
                        draft.version if draft else 0,
                        live.published_at if live else None,
                        live.failed_at if live else None,
                    )
                )
    return made


def narrowed(every: Sequence[Row], state: State, *, places: bool = True) -> list[Row]:
    """Return the rows that a list asks for; without `places` its channel does not count."""
    wanted = state.search.casefold()
    text = state.texts.get("event", "").casefold()
    choices = dict(state.choices)
    if not places:
        choices.pop("channel", None)
    return [
        row
        for row in every
        if wanted in f"{row.label} {row.event} {row.kind_label}".casefold()
        and text in row.label.casefold()
        and all(getattr(row, name) == value for name, value in choices.items())
    ]


def ordered(some: Sequence[Row], state: State) -> list[Row]:
    """Return rows in the order of the list; equal ones keep the order of the product."""
    keys = {
        "event": lambda row: row.label.casefold(),
        "language": lambda row: row.language,
        "channel": lambda row: list(CHANNELS).index(row.channel),
        "state": lambda row: list(STATES).index(row.state),
        "published": lambda row: row.published_at.timestamp() if row.published_at else 0.0,
    }
    return sorted(some, key=keys[state.sorted_by], reverse=state.descending)


def tabs(every: Sequence[Row], state: State) -> list[dict[str, object]]:
    """Return the channels as tabs, each with what waits or fails in it."""
    current = state.choices.get("channel", "")
    made: list[dict[str, object]] = [
        {"label": "All", "href": state.address(channel=None), "active": not current}
    ]
    for name, (label, _) in CHANNELS.items():
        own = [row for row in every if row.channel == name]
        failing = sum(row.state == "failing" for row in own)
        made.append(
            {
                "label": label,
                "href": state.address(channel=name),
                "count": len(own),
                "active": current == name,
                "hot": failing > 0,
            }
        )
    return made
