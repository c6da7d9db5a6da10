"""What a statement's line is for: pure rules with a score and the reason for it.

A line settles a deposit by itself only when it names it, has its amount and does not come from
somebody else. Everything short of that is a proposal for a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal
from uuid import UUID

from kernel.money import Money

# Shares of the score: a reference of ours, the amount, the payer's name.
_REFERENCE, _AMOUNT, _NAME = 60, 25, 15
# Below it the payer counts as a third party (compliance.md, monitoring rules).
LIKENESS = 0.85
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "sr", "sra"})
# What is misread or mistyped in Crockford's base32.
_MISREAD = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deposit that waits for its bank transfer."""

    deposit_id: UUID
    reference: str
    amount: Money
    name: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a line is for: settle a deposit, propose it to a person, or nothing that is known."""

    action: Literal["settle", "propose", "nothing"]
    deposit_id: UUID | None
    score: int
    reason: str
    third_party: bool = False


def judge(amount: Money, texts: str, name: str, candidates: Iterable[Candidate]) -> Judgement:
    """Judge money that came in: what the line says, who paid, and which deposits wait."""
    waiting = list(candidates)
    written = plain(texts)
    named = [one for one in waiting if plain(one.reference) in written]
    if len(named) > 1:
        return Judgement("nothing", None, 0, "The line names several deposits.")
    if named:
        return _named(amount, name, named[0])
    alike = [
        one
        for one in waiting
        if one.amount == amount and name and likeness(name, one.name) >= LIKENESS
    ]
    if len(alike) == 1:
        reason = "Amount and payer agree; the line names no deposit."
        return Judgement("propose", alike[0].deposit_id, _AMOUNT + _NAME, reason)
    if alike:
        return Judgement("nothing", None, 0, "Several deposits have this amount and payer.")
    return Judgement("nothing", None, 0, "The line names no deposit that waits.")


def _named(amount: Money, name: str, one: Candidate) -> Judgement:
    same = one.amount == amount
    close = likeness(name, one.name) if name else None
    third = close is not None and close < LIKENESS
    score = _REFERENCE + (_AMOUNT if same else 0) + (_NAME if close and not third else 0)
    if third:
        reason = "The payer has another name than the client: a third party may have paid."
        return Judgement("propose", one.deposit_id, score, reason, third_party=True)
    if not same:
        reason = f"It names a deposit of {one.amount}, and {amount} came."
        return Judgement("propose", one.deposit_id, score, reason)
    payer = "payer" if name else "no payer named"
    return Judgement("settle", one.deposit_id, score, f"Reference, amount, {payer}: agree.")


def plain(text: str) -> str:
    """Return letters and digits alone, without what is easily misread."""
    return re.sub(r"[^0-9A-Z]", "", text.upper()).translate(_MISREAD)


def likeness(first: str, second: str) -> float:
    """Return how alike two people's names are, 0 to 1, whatever their order, accents or titles.

    A name that has all words of the other is the same: a second first name, a joint account.
    """
    ours, theirs = _words(first), _words(second)
    if not ours or not theirs:
        return 0.0
    shorter, longer = sorted((ours, theirs), key=len)
    if len(shorter) > 1 and set(shorter) <= set(longer):
        return 1.0
    return SequenceMatcher(None, " ".join(sorted(ours)), " ".join(sorted(theirs))).ratio()


def _words(name: str) -> list[str]:
    bare = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    letters = "".join(one for one in bare if not unicodedata.combining(one))
    # German banks write umlauts out, passports do not.
    for long, short in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        letters = letters.replace(long, short)
    return [one for one in re.findall(r"[^\W\d_]+", letters) if one not in _TITLES]


def sender_of(name: str, texts: str, senders: Sequence[tuple[str, UUID]]) -> UUID | None:
    """Return the connection whose settlement a line is, by the longest words that stand in it."""
    written = f"{' '.join(name.casefold().split())}\n{' '.join(texts.casefold().split())}"
    found = [(len(words), one) for words, one in senders if words.casefold() in written]
    return max(found, key=lambda one: one[0])[1] if found else None


def named(prefix: str, texts: str) -> str:
    """Return the first of our references with a prefix in a text, or nothing."""
    found = re.search(rf"{prefix}[-\s]?([0-9A-Z]{{8}})(?![0-9A-Z])", texts.upper())
    return f"{prefix}-{found.group(1).translate(_MISREAD)}" if found else ""


def fits(number: str, stated: str, currency: str) -> bool:
    """Say whether a statement's account is one of ours: with or without bank code or currency."""
    return stated in (number, f"{number}{currency}") or stated.endswith(f"/{number}")
