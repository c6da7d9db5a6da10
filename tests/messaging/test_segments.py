"""How many parts an SMS is sent in."""

from __future__ import annotations

import pytest

from messaging.segments import Segments, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 0)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),
        ("€" * 81, Segments("GSM-7", 162, 2)),
        # 153 is odd: an escape and its character are never parted, so each part holds 76 of them.
        ("€" * 153, Segments("GSM-7", 306, 3)),
        ("ä" * 160, Segments("GSM-7", 160, 1)),
        ("ç", Segments("UCS-2", 1, 1)),
        ("و" * 70, Segments("UCS-2", 70, 1)),
        ("و" * 71, Segments("UCS-2", 71, 2)),
        ("و" * 134, Segments("UCS-2", 134, 2)),
        ("و" * 135, Segments("UCS-2", 135, 3)),
        ("😀" * 35, Segments("UCS-2", 70, 1)),
        ("😀" * 67, Segments("UCS-2", 134, 3)),
    ],
)
def test_the_parts_of_a_text(text: str, expected: Segments) -> None:
    """GSM 03.38: 160 or 153 of seven bits, else 70 or 67 units of sixteen."""
    assert segments(text) == expected
