"""The ECB's file is read in its four shapes, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.treasury.rates import files
from treasury.rates import reference_file
from treasury.rates.reference_file import UnreadableRates


@pytest.mark.parametrize("content", [files.DAILY, files.DAILY_CSV])
def test_the_daily_file_says_the_same_as_xml_and_as_csv(content: bytes) -> None:
    """Published at four in the afternoon in Frankfurt; unknown currencies are left out."""
    found = {one.currency: one for one in reference_file.read(content)}

    assert {name: one.mid for name, one in found.items()} == {
        "USD": Decimal("1.0850"),
        "JPY": Decimal("162.75"),
        "GBP": Decimal("0.8680"),
    }
    assert {one.quoted_at for one in found.values()} == {files.PUBLISHED}


def test_a_summer_day_is_published_an_hour_earlier_in_utc() -> None:
    """The hour is Frankfurt's."""
    [one] = reference_file.read(files.HISTORY_CSV.replace(b"2026-11", b"2026-07")[:-27])

    assert one.quoted_at == datetime(2026, 7, 27, 14, 0, tzinfo=UTC)


def test_history_has_each_day_and_leaves_gaps_out() -> None:
    """A currency that was not quoted on a day has no rate of it."""
    by_csv = [(one.currency, one.mid) for one in reference_file.read(files.HISTORY_CSV)]
    by_xml = [(one.currency, one.mid) for one in reference_file.read(files.HISTORY)]

    assert by_csv == [
        ("USD", Decimal("1.0850")),
        ("USD", Decimal("1.0800")),
        ("JPY", Decimal("160.00")),
    ]
    assert by_xml == [("USD", Decimal("1.0800")), ("USD", Decimal("1.0850"))]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<Cube><Cube time='2026-11-27'>",
        b"<Cube><Cube currency='USD' rate='1'/></Cube>",
        b"<Cube><Cube time='2026-11-27'><Cube currency='USD' rate='NaN'/></Cube></Cube>",
        b"<Cube><Cube time='2026-11-27'><Cube currency='USD' rate='-1'/></Cube></Cube>",
        b"<Cube><Cube time='2026-11-27'><Cube currency='USD' rate='0'/></Cube></Cube>",
        b"<Cube><Cube time='27.11.2026'><Cube currency='USD' rate='1'/></Cube></Cube>",
        b"<Cube><Cube time='2026-11-27'><Cube currency='XYZ' rate='1'/></Cube></Cube>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><Cube/>",
        b"Date,USD\n32 November 2026,1.0850\n",
        b"Date,USD\n2026-11-27,one\n",
        b"Day,USD\n2026-11-27,1\n",
        b"\xff\xfeD\x00a\x00",
        b" " * (12 * 1024 * 1024 + 1),
    ],
)
def test_what_is_no_file_of_rates_is_refused(content: bytes) -> None:
    """Half a file changes nothing."""
    with pytest.raises(UnreadableRates):
        reference_file.read(content)
