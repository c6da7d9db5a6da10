"""All that rooms offer to the shell, as entrypoints hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from identity.shell.counters import Counter
from identity.shell.home_cards import Offer
from identity.shell.subjects import Catalogue


@dataclass(frozen=True)
class Action:
    """Something a command palette can do: an address, and who may go there."""

    label: str
    href: str
    icon: str
    permission: str


@dataclass(frozen=True)
class Parts:
    """What can be found, counted, shown at home and done."""

    catalogue: Catalogue
    counters: Sequence[Counter] = ()
    offers: Sequence[Offer] = ()
    actions: Sequence[Action] = ()
