"""Reading the MT5 Web API's values: strings as numbers, old and new fields, server time."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.trading import mt5_values as values
from connectors.trading.mt5_wire import Address
from connectors.trading.port import Unreachable


def test_numbers_come_as_strings_and_stay_exact() -> None:
    """Cents survive, whether a build writes text or numbers."""
    (row,) = values.rows(b'[{"Balance":"26000.01","Credit":0.1,"Login":1020,"New":{"x":[]}}]')
    state = values.account_state(row)

    assert (state.balance, state.credit, state.login) == (Decimal("26000.01"), Decimal("0.1"), 1020)
    assert state.margin == 0


@pytest.mark.parametrize(
    ("source", "lots"),
    [
        ({"Volume": "10000"}, "1"),
        ({"Volume": "0", "VolumeExt": "12345"}, "0.00012345"),
        ({"Volume": "100", "VolumeExt": "1000000"}, "0.01"),
        ({}, "0"),
    ],
)
def test_volumes_are_lots_and_the_extended_one_counts(source: values.Row, lots: str) -> None:
    """Volume is 1/10000 lot and VolumeExt 1/100000000, which alone is right for crypto."""
    assert values.lots(source, "Volume") == Decimal(lots)


@pytest.mark.parametrize("bad", ["abc", "NaN", "Infinity", "1e999999"])
def test_a_number_that_is_none_is_an_error(bad: str) -> None:
    """A field that can't be read is never taken for zero."""
    with pytest.raises(Unreachable):
        values.decimal({"Balance": bad}, "Balance")


@pytest.mark.parametrize("bad", [b"[1]", b"{", b'"x"', b"\xff", b"[" * 100_000])
def test_an_answer_of_another_shape_is_an_error(bad: bytes) -> None:
    """What is not an array of objects is not an empty one."""
    with pytest.raises(Unreachable):
        values.rows(bad)


def test_server_seconds_become_utc() -> None:
    """The documented example: the seconds print the server's wall clock as if it were UTC."""
    moment = values.server_time(1572518788, 10800)

    assert moment.utc == datetime(2019, 10, 31, 7, 46, 28, tzinfo=UTC)
    assert (moment.raw, moment.offset_seconds) == (1572518788, 10800)


@pytest.mark.parametrize(
    ("settings", "offset"),
    [
        ({"TimeZone": "120", "Daylight": "0", "DaylightState": "1"}, 7200),
        ({"TimeZone": "120", "Daylight": "1", "DaylightState": "1"}, 10800),
        ({"TimeZone": "120", "Daylight": "1", "DaylightState": "0"}, 7200),
        ({"TimeZone": "-330", "Daylight": "0"}, -19800),
        ({"TimeZone": "120", "Daylight": "1"}, 10800),
        ({}, 10800),
    ],
)
def test_the_offset_is_declared_or_measured(settings: values.Row, offset: int) -> None:
    """What the server declares counts; where it is silent, the clocks are compared."""
    assert values.offset_seconds(settings, 1_000_010_807, 1_000_000_000.0) == offset


def test_a_group_tells_its_mark_ups_and_what_it_inherits() -> None:
    """A spread difference is points; "default" means that the symbol's own counts."""
    group = values.group(
        {
            "Group": "real\\pro-usd",
            "Currency": "USD",
            "CurrencyDigits": "2",
            "Symbols": [
                {"Path": "Forex\\*", "SpreadDiff": "10", "SpreadDiffBalance": "0"},
                {"Path": "Metals\\*", "SpreadDiff": "default"},
            ],
            "Commissions": [
                {"Name": "C", "Mode": "0", "Tiers": [{"Value": "3.5", "Currency": "USD"}, "x"]}
            ],
        }
    )

    assert [(item.path, item.spread_diff) for item in group.symbols] == [
        ("Forex\\*", 10),
        ("Metals\\*", None),
    ]
    assert group.commissions[0].tiers[0].value == Decimal("3.5")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mt5.example.com", ("mt5.example.com", 443)),
        ("mt5.example.com:1443", ("mt5.example.com", 1443)),
        ("https://mt5.example.com:443/", ("mt5.example.com", 443)),
        ("[::1]:444", ("::1", 444)),
    ],
)
def test_an_address_may_be_written_in_several_ways(text: str, address: tuple[str, int]) -> None:
    """Host, host and port, or an https address."""
    parsed = Address.parse(text)

    assert (parsed.host, parsed.port) == address


@pytest.mark.parametrize("text", ["", "http://mt5.example.com", "mt5.example.com:99999", "a/b"])
def test_other_addresses_are_refused(text: str) -> None:
    """Plain http, a path or an impossible port is a mistake to be shown at once."""
    with pytest.raises(ValueError, match=r"address|Port"):
        Address.parse(text)
