"""The sentences that a brokerage may say in its own words, in each language, and their limits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.language import gettext, marked, speaking

RISK_WARNING = marked(
    "CFDs are complex instruments and come with a high risk of losing money rapidly due to"
    " leverage. Consider whether you understand how they work and whether you can afford the risk."
)
# Joiners and marks of direction that Arabic is written with; whatever else is unseen is refused.
_UNSEEN = str.maketrans("", "", "\u200c\u200d\u200e\u200f")
_SENTENCE = re.compile(r"(?<=[.!?؟。])\s+")


@dataclass(frozen=True)
class BrandText:
    """One text: its name, where it stands, its longest length and what is said without it.

    `standard` is an English text of the catalogues; `%s` in it is the brokerage's name. An
    empty one means that nothing stands there.
    """

    key: str
    label: str
    where: str
    limit: int
    standard: str = ""

    def said(self, language: str, name: str) -> str:
        """Return what readers of a language see when the brokerage writes nothing."""
        with speaking(language):
            return gettext(self.standard).replace("%s", name) if self.standard else ""


TEXTS = (
    BrandText("welcome", "Welcome line", "Beside the sign-in form", 80),
    BrandText("headline", "Headline", "Public site", 80, marked("Trade with %s")),
    BrandText(
        "tagline",
        "Sentence below the headline",
        "Public site",
        200,
        marked("Open an account online, or leave your number and talk to a person first."),
    ),
    BrandText("support", "Support hint", "Beside your support address", 160),
    BrandText("footer", "Footer line", "At the end of every page of clients and partners", 200),
    BrandText("risk", "Risk warning", "At the end of every page and mail", 900, RISK_WARNING),
)
BY_KEY = {one.key: one for one in TEXTS}


def refusal(key: str, language: str, text: str) -> str:
    """Return why a text can't be used, in a sentence that says what to do; else nothing."""
    known = BY_KEY[key]
    if len(text) > known.limit:
        return f"Use at most {known.limit} characters; these are {len(text)}."
    if not text.translate(_UNSEEN).isprintable():
        return "Write one line of plain text, without line breaks or hidden characters."
    if key == "risk" and text:
        missing = [one for one in _sentences(known.said(language, "")) if one not in _plain(text)]
        if missing:
            return (
                "Keep every sentence of the standard warning and add yours before or after it."
                f" Missing: {missing[0]}"
            )
    return ""


def own(chosen: Mapping[str, Mapping[str, str]], key: str, language: str) -> str:
    """Return what a brokerage says itself in a language; nothing when it has not written it."""
    return str((chosen.get(key) or {}).get(language) or "")


def _sentences(text: str) -> list[str]:
    return _SENTENCE.split(_plain(text))


def _plain(text: str) -> str:
    return " ".join(text.split())
