"""The brand studio's form: read into a look as it was typed, and shown from a look again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backoffice.settings import looks
from kernel.language import LANGUAGES
from themes import arrangement
from themes.arrangement import CARDS, MUST, PORTALS
from themes.brand_texts import TEXTS

# The places of each portal: label, path, icon, permission, as its room lists them.
Places = Mapping[str, Sequence[tuple[str, str, str, str | None]]]


def typed(values: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the look as it stands in a form, unchecked; what the form lacks stays as it was."""
    look = {name: values.get(name, before.get(name, "")) for name in looks.PLAIN}
    look["menu"] = {
        portal: menu
        for portal in PORTALS
        if (menu := _menu(values, portal) or (before.get("menu") or {}).get(portal))
    }
    look["cards"] = {
        portal: order
        for portal in PORTALS
        if (order := _order(values, f"card-{portal}-") or (before.get("cards") or {}).get(portal))
    }
    look["texts"] = _texts(values, before.get("texts") or {})
    return look


def menu_rows(look: Mapping[str, Any], places: Places) -> list[dict[str, Any]]:
    """Return each portal with its pages in their order, and whether they may be hidden."""
    chosen = arrangement.menus(look.get("menu") or {})
    found = []
    for portal in PORTALS:
        menu = chosen.get(portal, arrangement.Menu())
        rows = arrangement.ordered(places.get(portal, ()), menu.order, lambda place: place[1])
        found.append(
            {
                "portal": portal,
                "rows": [
                    {
                        "key": path,
                        "label": label,
                        "icon": icon,
                        "must": path in MUST[portal],
                        "shown": menu.shows(portal, path),
                    }
                    for label, path, icon, _ in rows
                ],
            }
        )
    return found


def card_rows(look: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each portal with the cards of its first page in their order."""
    return [
        {
            "portal": portal,
            "rows": [
                {"key": card, "label": CARDS[portal][card], "must": True, "shown": True}
                for card in arrangement.cards(look.get("cards") or {}, portal)
                if card in CARDS[portal]
            ],
        }
        for portal in PORTALS
    ]


def text_rows(look: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return each text with what the brokerage says and what is said without it."""
    own = look.get("texts") or {}
    return [
        {
            "text": text,
            "written": sum(1 for one in LANGUAGES if (own.get(text.key) or {}).get(one)),
            "languages": [
                {
                    "code": code,
                    "label": label,
                    "value": (own.get(text.key) or {}).get(code, ""),
                    "standard": text.said(code, name),
                }
                for code, label in LANGUAGES.items()
            ],
        }
        for text in TEXTS
    ]


def _menu(values: Mapping[str, str], portal: str) -> dict[str, list[str]] | None:
    order = _order(values, f"place-{portal}-")
    if not order:
        return None
    hidden = [
        path
        for path in order
        if path not in MUST[portal] and not values.get(f"shown-{portal}-{path}")
    ]
    return {"order": order, "hidden": hidden}


def _order(values: Mapping[str, str], start: str) -> list[str]:
    """Return names in the order of the places typed for them; equal places stay as listed."""
    found = [
        (_place(value), name.removeprefix(start))
        for name, value in values.items()
        if name.startswith(start)
    ]
    return [name for _, name in sorted(found, key=lambda one: one[0])]


def _place(value: str) -> int:
    return int(value) if value.isdecimal() and len(value) < 4 else 999


def _texts(values: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    texts = {}
    for text in TEXTS:
        said = dict(before.get(text.key) or {})
        for code in LANGUAGES:
            name = f"text-{text.key}-{code}"
            if name in values:
                # A text is one line: a line break typed in a larger field is a space.
                said[code] = " ".join(values[name].split())
        texts[text.key] = {code: one for code, one in said.items() if one}
    return {key: said for key, said in texts.items() if said}
