"""How many parts an SMS is sent in, by the rules of 3GPP TS 23.038 and 23.040. Pure.

A message of the GSM alphabet holds 160 characters of seven bits, or 153 in each part of several,
whose header takes the rest; some characters take two. Anything else is sent in UCS-2: 70 units
of sixteen bits, or 67 in each part. No character is cut in two between parts.
"""

from __future__ import annotations

from dataclasses import dataclass

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True)
class Segments:
    """The alphabet, the length in its units, and the parts that are paid for."""

    alphabet: str
    units: int
    count: int


def segments(text: str) -> Segments:
    """Return in how many parts a text is sent; an empty one in none."""
    gsm = all(one in _GSM or one in _GSM_TWO for one in text)
    if gsm:
        sizes = [2 if one in _GSM_TWO else 1 for one in text]
    else:
        sizes = [2 if ord(one) > 0xFFFF else 1 for one in text]
    alone, each = (160, 153) if gsm else (70, 67)
    units = sum(sizes)
    alphabet = "GSM-7" if gsm else "UCS-2"
    if units <= alone:
        return Segments(alphabet, units, 1 if text else 0)
    count, left = 0, 0
    for size in sizes:
        if size > left:
            count, left = count + 1, each
        left -= size
    return Segments(alphabet, units, count)
