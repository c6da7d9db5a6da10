"""Cuts a font to the characters and weights that pages use, and writes the style sheet for it."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

_RANGE = re.compile(r"unicode-range:\s*([^;}]+)")
_FAMILY_NAMES = {1, 16}
_WEIGHT = re.compile(r"font-weight:\s*[^;}]+")


def cut(source: Path, target: Path, *, characters: set[int], weights: tuple[int, int]) -> None:
    """Writes a WOFF2 with the characters, the shapes they join to, and a range of weights."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    font = TTFont(source)
    options = subset.Options(layout_features=["*"], flavor="woff2")
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted(characters))
    subsetter.subset(font)
    font = instancer.instantiateVariableFont(font, {"wght": weights})
    font.flavor = "woff2"
    font.save(target)


def unpack(source: Path, target: Path, *, family: str) -> None:
    """Writes a WOFF2 as the TrueType font it holds, all weights in it, under a name of its own.

    Documents are set with it: a type-setter reads no WOFF2, and finds a font by its family.
    """
    font = TTFont(source, recalcTimestamp=False)
    font.flavor = None
    for record in font["name"].names:
        if record.nameID in _FAMILY_NAMES:
            record.string = family
    font.save(target)


def faces(
    face: str, *, blocks: tuple[tuple[int, int], ...], cut_name: str, weights: tuple[int, int]
) -> str:
    """Two `@font-face` rules in place of one: the cut file for the ranges that lie in the blocks,
    and the whole file for the others, fetched only where one of those is used.
    """
    spans = ranges(face)
    shared = [span for span in spans if any(low <= span[0] <= high for low, high in blocks)]
    rest = [span for span in spans if span not in shared]
    small = re.sub(r"url\([^)]*\)", f"url({cut_name})", face)
    small = _WEIGHT.sub(f"font-weight: {weights[0]} {weights[1]}", small)
    return f"{_ranged(small, shared)}\n{_ranged(face, rest)}"


def ranges(face: str) -> list[tuple[int, int]]:
    """The ranges of characters that a `@font-face` rule is for, both ends included."""
    found = _RANGE.search(face)
    spans = []
    for part in found[1].split(",") if found else []:
        low, _, high = part.strip().removeprefix("U+").partition("-")
        spans.append((int(low, 16), int(high or low, 16)))
    return spans


def _ranged(face: str, spans: list[tuple[int, int]]) -> str:
    text = ",".join(f"U+{low:04X}" + (f"-{high:04X}" if high > low else "") for low, high in spans)
    return _RANGE.sub(f"unicode-range: {text}", face)
