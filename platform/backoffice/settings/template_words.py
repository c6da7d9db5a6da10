"""What an author of a template may write, as the editor lists and completes it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from kernel.language import direction
from messaging.liquid.engine import TAGS
from messaging.liquid.filters import FILTERS
from messaging.liquid.markup import PAGE_CLASSES
from messaging.liquid.variables import Event
from messaging.sections import KIND as SECTION
from messaging.trials import Look
from themes.loader import static
from themes.page import Brand

_TAG_WORDS = {
    "if": ("{% if amount %}…{% endif %}", "Only when something holds"),
    "unless": ("{% unless amount %}…{% endunless %}", "Only when it does not hold"),
    "case": ("{% case language %}{% when 'de' %}…{% endcase %}", "One of several"),
    "for": ("{% for number in (1..3) %}…{% endfor %}", "Several times"),
    "assign": ("{% assign who = name %}", "Give a value a name"),
    "capture": ("{% capture who %}…{% endcapture %}", "Give a piece of text a name"),
    "cycle": ("{% cycle 'odd', 'even' %}", "Each in turn, in a loop"),
    "echo": ("{% echo name %}", "Write a value"),
    "comment": ("{% comment %}…{% endcomment %}", "A note to yourself"),
}
_ENDS = {"if": "endif", "unless": "endunless", "case": "endcase", "for": "endfor"} | {
    "capture": "endcapture",
    "comment": "endcomment",
}
_LAMBDA_WORDS = {
    "abs": "Leave out the sign.",
    "capitalize": "Begin with a capital letter.",
    "downcase": "Write in small letters.",
    "upcase": "Write in capital letters.",
    "strip": "Take off blanks at both ends.",
    "escape": "Write < > & as they are, in HTML.",
    "remove": "Take out every occurrence of a text.",
    "reverse": "Turn a list around.",
    "squish": "Leave one blank where there are several.",
    "strip_newlines": "Join all lines.",
}


def offered(event: Event, kind: str) -> dict[str, Any]:
    """Return the variables, tags and filters of an editor, and a section's classes."""
    return {
        "variables": [
            {
                "name": one.name,
                "meaning": one.meaning,
                "example": one.example,
                "note": _where(secret=one.secret, required=one.required, kind=kind),
                "usable": not one.secret or kind in ("html", "text"),
            }
            for one in event.variables
        ],
        "tags": [
            {"name": name, "form": _TAG_WORDS[name][0], "meaning": _TAG_WORDS[name][1]}
            for name in TAGS
        ],
        "ends": _ENDS,
        "filters": [
            {"name": name, "meaning": _LAMBDA_WORDS.get(name) or _first_sentence(work)}
            for name, work in sorted(FILTERS.items())
        ],
        "classes": list(PAGE_CLASSES.items()) if kind == SECTION else [],
    }


def note(look: Look) -> str:
    """Return what is to be said of a text beside how it reads."""
    if look.segments is None:
        return ""
    parts = look.segments
    unit = "characters" if parts.alphabet == "GSM-7" else "units"
    sms = "1 SMS" if parts.count == 1 else f"{parts.count} SMS"
    why = "" if parts.alphabet == "GSM-7" else ", because a character is outside the GSM alphabet"
    return f"{parts.units} {unit}, {sms} ({parts.alphabet}{why}). With the example values."


def stylesheets() -> str:
    """Return the links to the style sheets of the brokerage's pages, for a frame."""
    names = ("vendor/tabler.min.css", "marque.css", "pages.css")
    links = [f'<link rel="stylesheet" href="{static(name)}">' for name in names]
    return "".join([*links, '<link rel="stylesheet" href="/theme.css">'])


def speaking_brand(brand: Brand, language: str) -> Brand:
    """Return the brand as its texts of a language wear it."""
    return replace(
        brand, language=language, direction="rtl" if direction(language) == "rtl" else "ltr"
    )


def _where(*, secret: bool, required: bool, kind: str) -> str:
    if secret and kind not in ("html", "text"):
        return "A secret: only in the text of a mail"
    return "Must stand in it" if required and kind in ("html", "text", "sms") else ""


def _first_sentence(work: object) -> str:
    return (inspect.getdoc(work) or "").partition("\n")[0]
