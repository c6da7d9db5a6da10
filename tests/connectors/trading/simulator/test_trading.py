"""Trades: the group's mark-up on each side, commission per side, swap nights, conversion."""

import time
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from connectors.trading.simulator.deals import swap_nights
from connectors.trading.simulator.symbols import SYMBOLS
from tests.connectors.trading.simulator.client import Client

CENT = Decimal("0.01")


def _group(client: Client, name: str, currency: str = "USD", **changes: Any) -> int:
    record = {"Group": name, "Currency": currency, "Symbols": [], "Commissions": []}
    client.get("group/add", record | changes)
    login = client.open_account(name)
    client.deposit(login, "100000")
    return login


def _commission(per_side: str, **changes: str) -> dict[str, Any]:
    rule = {"Path": "*", "Mode": "0", "ChargeMode": "2", "EntryMode": "0"}
    tier = {"Mode": "0", "Type": "1", "Value": per_side, "RangeFrom": "0", "RangeTo": "0"}
    return {**rule, "Tiers": [tier], **changes}


def _last(weekday: int, hour: int) -> datetime:
    """Return the last such weekday (Monday is 0) over a week ago, at an hour of UTC."""
    day = datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    day -= timedelta(days=8)
    return day - timedelta(days=(day.weekday() - weekday) % 7)


def _trip(client: Client, login: int, opens: datetime, closes: datetime, **body: str) -> Any:
    body = {"symbol": "EURUSD", "action": "buy", "lots": "1.00"} | body
    times = {"open_time": int(opens.timestamp()), "close_time": int(closes.timestamp())}
    call = {"login": login, **body, **times}
    tickets = client.simulator.operator("POST", "/_simulator/trade", call)["tickets"]
    return [client.get("deal/get", ticket=ticket) for ticket in tickets]


def test_a_spread_diff_of_10_points_costs_half_a_pip_on_each_side(client: Client) -> None:
    """Buy one lot of EURUSD: 5 points over the market's ask; the close 5 under its bid."""
    login = _group(client, "real\\T\\TEN", Symbols=[{"Path": "EURUSD", "SpreadDiff": "10"}])
    result = client.trade(login, "EURUSD", Volume="10000", TypeOrder="0")
    assert result["ResultRetcode"] == "10009"
    client.trade(login, "EURUSD", Position=result["PositionID"])
    opened, closed = client.deals(login)[1:]
    half_pip = Decimal("0.00005")
    assert Decimal(opened["Price"]) - Decimal(opened["MarketAsk"]) == half_pip
    assert Decimal(closed["MarketBid"]) - Decimal(closed["Price"]) == half_pip
    assert Decimal(opened["MarketAsk"]) - Decimal(opened["MarketBid"]) == Decimal("0.00001")
    profit = (Decimal(closed["Price"]) - Decimal(opened["Price"])) * 100_000
    assert Decimal(closed["Profit"]) == profit.quantize(CENT)
    assert closed["PricePosition"] == opened["Price"]
    assert (opened["Entry"], closed["Entry"]) == ("0", "1")
    assert (opened["Action"], closed["Action"]) == ("0", "1")
    assert opened["PositionID"] == closed["PositionID"] == result["PositionID"]
    balance = Decimal(client.get("user/get", login=login)["Balance"])
    assert balance == 100_000 + Decimal(closed["Profit"])


def test_the_most_specific_path_decides_the_spread(client: Client) -> None:
    """Symbol before path mask before the star; an odd point goes on the ask."""
    entries = [
        {"Path": "*", "SpreadDiff": "2"},
        {"Path": "FX Majors\\*", "SpreadDiff": "8"},
        {"Path": "GBPUSD", "SpreadDiff": "13"},
    ]
    login = _group(client, "real\\T\\PATHS", Symbols=entries)
    for symbol, ask_points, bid_points in [("EURUSD", 4, 4), ("GBPUSD", 7, 6), ("XAUUSD", 1, 1)]:
        point = Decimal(1).scaleb(-SYMBOLS[symbol].digits)
        client.trade(login, symbol, Volume="1000", TypeOrder="0")
        client.trade(login, symbol, Volume="1000", TypeOrder="1")
        bought, sold = client.deals(login)[-2:]
        assert Decimal(bought["Price"]) - Decimal(bought["MarketAsk"]) == ask_points * point
        assert Decimal(sold["MarketBid"]) - Decimal(sold["Price"]) == bid_points * point


def test_the_operator_changes_a_spread_behind_the_products_back(client: Client) -> None:
    """The next quote has the new spread, and the group's record shows it."""
    name = "real\\T\\MOVED"
    login = _group(client, name, Symbols=[{"Path": "*", "SpreadDiff": "10"}])
    change = {"group": name, "path": "EURUSD", "spread_diff": 30}
    client.simulator.operator("POST", "/_simulator/group", change)
    client.trade(login, "EURUSD", Volume="100", TypeOrder="0")
    deal = client.deals(login)[-1]
    assert Decimal(deal["Price"]) - Decimal(deal["MarketAsk"]) == Decimal("0.00015")
    shown = client.get("symbol/get_group", symbol="EURUSD", group=name)
    assert shown["SpreadDiff"] == "30"


def test_commission_is_per_side_and_each_deal_rounds_on_its_own(client: Client) -> None:
    """3.50 per lot and side: 1.23, 0.50 and 0.73 lots cost 4.31, 1.75 and 2.56."""
    login = client.open_account("real\\MM\\RAW-USD")
    client.deposit(login, "50000")
    position = client.trade(login, "EURUSD", Volume="12300", TypeOrder="0")["PositionID"]
    client.trade(login, "EURUSD", Position=position, Volume="5000")
    assert client.get("position/get_total", login=login) == {"Total": "1"}
    client.trade(login, "EURUSD", Position=position)
    assert client.get("position/get_total", login=login) == {"Total": "0"}
    found = [deal["Commission"] for deal in client.deals(login)[1:]]
    assert found == ["-4.31", "-1.75", "-2.56"]
    money = sum(
        Decimal(deal[part])
        for deal in client.deals(login)
        for part in ("Profit", "Storage", "Commission", "Fee")
    )
    assert Decimal(client.get("user/get", login=login)["Balance"]) == money


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"EntryMode": "1"}, ["-6.00", "0.00"]),
        ({"EntryMode": "2"}, ["0.00", "-6.00"]),
        ({"ChargeMode": "0"}, ["0.00", "0.00"]),
        ({"Mode": "1"}, ["0.00", "0.00"]),
        ({"Path": "Metals\\*"}, ["0.00", "0.00"]),
    ],
)
def test_a_commission_rule_says_when_it_applies(
    client: Client, changes: dict[str, str], expected: list[str]
) -> None:
    """Entry or exit only, instant broker commission only, and only on its path."""
    name = "real\\T\\RULE" + "".join(changes.values()).replace("\\*", "")
    login = _group(client, name, Commissions=[_commission("6.00", **changes)])
    found = _trip(client, login, _last(1, 10), _last(1, 11))
    assert [deal["Commission"] for deal in found] == expected


def test_swap_is_triple_over_the_wednesday_rollover(client: Client) -> None:
    """3 lots long at -7.25 points: -65.25 over Wednesday, -21.75 over Tuesday."""
    entry = {"Path": "EURUSD", "SpreadDiff": "0", "SwapLong": "-7.25"}
    login = _group(client, "real\\T\\SWAP", Symbols=[entry])
    wednesday, tuesday = _last(2, 12), _last(1, 12)
    night = timedelta(days=1)
    opened, closed = _trip(client, login, wednesday, wednesday + night, lots="3.00")
    assert (opened["Storage"], closed["Storage"]) == ("0.00", "-65.25")
    assert _trip(client, login, tuesday, tuesday + night, lots="3.00")[1]["Storage"] == "-21.75"
    week = _trip(client, login, tuesday, tuesday + 7 * night, lots="3.00")[1]
    assert Decimal(week["Storage"]) == 7 * Decimal("-21.75")
    assert _trip(client, login, tuesday, tuesday + timedelta(hours=2))[1]["Storage"] == "0.00"


def test_swap_nights_skip_the_weekend() -> None:
    """Friday noon to Monday noon is one night, three when Friday is the triple day."""
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    span = [int(moment.timestamp()) * 1000 for moment in (friday, friday + timedelta(days=3))]
    assert swap_nights(SYMBOLS["EURUSD"], span[0], span[1]) == 1
    assert swap_nights(SYMBOLS["US500"], span[0], span[1]) == 3


def test_a_swap_in_percent_counts_days_of_a_360_day_year(client: Client) -> None:
    """10 lots of AAPL at 6 % a year on the price at open, for one night."""
    login = _group(client, "real\\T\\SHARES")
    tuesday = _last(1, 12)
    opened, closed = _trip(
        client, login, tuesday, tuesday + timedelta(days=1), symbol="AAPL", lots="10"
    )
    expected = Decimal(opened["Price"]) * 1000 * Decimal("-0.06") / 360
    assert Decimal(closed["Storage"]) == expected.quantize(CENT, ROUND_HALF_UP)


def test_a_swap_free_group_pays_no_swap(client: Client) -> None:
    """The group's entries switch swaps off."""
    login = client.open_account("real\\MM\\ISL-USD")
    client.deposit(login, "10000")
    tuesday = _last(1, 12)
    assert _trip(client, login, tuesday, tuesday + timedelta(days=3))[1]["Storage"] == "0.00"


def test_profit_is_converted_at_the_rate_that_the_deal_stores(client: Client) -> None:
    """USDJPY on a euro account: yen over EURJPY, rounded once, sold high minus spread."""
    login = _group(client, "real\\T\\EUR", "EUR", Symbols=[{"Path": "*", "SpreadDiff": "10"}])
    tuesday = _last(1, 9)
    opened, closed = _trip(
        client,
        login,
        tuesday,
        tuesday + timedelta(hours=6),
        symbol="USDJPY",
        action="sell",
        lots="1.70",
    )
    yen = (Decimal(opened["Price"]) - Decimal(closed["Price"])) * 170_000
    rate = Decimal(closed["RateProfit"])
    assert Decimal("0.0055") < rate < Decimal("0.0070")
    assert Decimal(closed["ProfitRaw"]) == yen.quantize(CENT)
    assert Decimal(closed["Profit"]) == (yen * rate).quantize(CENT, ROUND_HALF_UP)
    assert Decimal(opened["MarketBid"]) - Decimal(opened["Price"]) == Decimal("0.005")
    assert Decimal(closed["Price"]) - Decimal(closed["MarketAsk"]) == Decimal("0.005")
    assert closed["VolumeExt"] == closed["VolumeClosedExt"] == "170000000"
    assert (closed["Volume"], closed["DigitsCurrency"], closed["Digits"]) == ("17000", "2", "3")


def test_deal_times_are_in_server_wall_time(client: Client) -> None:
    """A trade at 12:00 UTC stands at 14:00 on a server two hours ahead."""
    login = _group(client, "real\\T\\TIME")
    noon = _last(1, 12)
    deal = _trip(client, login, noon, noon)[0]
    assert int(deal["Time"]) == int(noon.timestamp()) + 7200
    assert deal["TimeMsc"] == deal["Time"] + "000"


def test_requests_are_refused_with_their_reason(client: Client) -> None:
    """Volume 10014, no money 10019, no right 10017, closed position 10036."""
    login = client.open_account()
    client.deposit(login, "100")
    codes = [
        client.trade(login, "EURUSD", Volume="50", TypeOrder="0"),
        client.trade(login, "EURUSD", Volume="1000000", TypeOrder="0"),
        client.trade(login, "EURUSD", Position="12345"),
        client.trade(login, "NOSUCH", Volume="100", TypeOrder="0"),
        client.trade(1, "EURUSD", Volume="100", TypeOrder="0"),
    ]
    found = [result["ResultRetcode"] for result in codes]
    assert found == ["10014", "10019", "10036", "10013", "10013"]
    client.get("user/update", login=login, rights=0x1 | 0x4)
    refused = client.trade(login, "EURUSD", Volume="100", TypeOrder="0")
    assert refused["ResultRetcode"] == "10017"
    assert len(client.deals(login)) == 1


def test_an_open_position_moves_equity_and_margin(client: Client) -> None:
    """Equity is balance plus floating; margin is the lot's value over the leverage."""
    login = client.open_account(Leverage="200")
    client.deposit(login, "5000")
    client.trade(login, "EURUSD", VolumeExt="100000000", TypeOrder="1")
    state = client.get("user/account/get", login=login)
    position = client.get("position/get", login=login, symbol="EURUSD")
    assert Decimal(state["Equity"]) == Decimal(state["Balance"]) + Decimal(state["Floating"])
    expected = 100_000 * Decimal(position["RateMargin"]) / 200
    assert Decimal(state["Margin"]) == expected.quantize(CENT, ROUND_HALF_UP)
    assert Decimal(state["MarginFree"]) == Decimal(state["Equity"]) - Decimal(state["Margin"])
    batch = client.get("position/get_batch", group="real\\MM\\STD-*")
    assert position["Position"] in {item["Position"] for item in batch}


def test_a_dealer_edits_and_deletes_deals(client: Client) -> None:
    """An edited deal is marked as changed, a deleted one is gone; the balance follows."""
    login = client.open_account()
    client.deposit(login, "1000")
    client.trade(login, "EURUSD", Volume="100", TypeOrder="0")
    ticket = int(client.deals(login)[-1]["Deal"])
    change = {"ticket": ticket, "profit": "12.34"}
    client.simulator.operator("POST", "/_simulator/deal", change)
    deal = client.get("deal/get", ticket=ticket)
    assert (deal["Profit"], deal["ModifyFlags"]) == ("12.34", "2")
    assert client.get("user/get", login=login)["Balance"] == "1012.34"
    client.simulator.operator("POST", "/_simulator/deal", {"ticket": ticket, "delete": True})
    assert client.code("deal/get", ticket=ticket) == 13
    assert client.get("user/get", login=login)["Balance"] == "1000.00"


def test_ticks_move_and_group_ticks_are_wider(client: Client) -> None:
    """The bid stays under the ask; a group's quote is wider by its SpreadDiff."""
    group = "real\\MM\\STD-USD"
    for tick in client.get("tick/last", symbol="*"):
        assert 0 < Decimal(tick["Bid"]) < Decimal(tick["Ask"])
    wide = client.get("tick/last_group", symbol="EURUSD", group=group)[0]
    assert Decimal(wide["Ask"]) - Decimal(wide["Bid"]) == Decimal("0.00011")
    answer = client.call("tick/last", symbol="EURUSD")
    before, mark = answer["answer"][0]["Bid"], answer["trans_id"]
    deadline = time.monotonic() + 20
    newer: list[dict[str, str]] = []
    while not newer or newer[0]["Bid"] == before:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        newer = client.get("tick/last", symbol="EURUSD", trans_id=mark)
