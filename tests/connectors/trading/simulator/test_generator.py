"""Generated trading: deterministic, solvent, in sessions, fast; and live trading."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.trading.simulator.generator import is_open, session_moment, session_offset
from connectors.trading.simulator.market import Market
from connectors.trading.simulator.scales import SCALE
from connectors.trading.simulator.symbols import SYMBOLS
from tests.connectors.trading.simulator.client import FAR, Client
from tests.fixtures.mt5_simulator import Mt5Simulator

UNTIL = 1_790_000_000
GROUPS = ["real\\MM\\STD-USD", "real\\MM\\RAW-EUR", "real\\MM\\ISL-AED", "real\\MM\\CENT-USC"]


def _seeded(client: Client, *, seed: int, deals: int = 1200) -> dict[int, Any]:
    """Fund four accounts, generate, and return each login's trade deals."""
    logins = [client.open_account(group) for group in GROUPS]
    for login, amount in zip(logins, ["250", "3000", "20000", "1000"], strict=True):
        client.deposit(login, amount)
    body = {"logins": logins, "days": 60, "deals": deals, "seed": seed, "until": UNTIL}
    made = client.simulator.operator("POST", "/_simulator/generate", body)
    assert made == {"deals": deals}
    return {login: client.deals(login)[:-1] for login in logins}


def test_the_same_seed_writes_the_same_deals() -> None:
    """Two fresh servers agree to the last field; another seed does not."""
    runs = []
    for seed in (7, 7, 8):
        with Mt5Simulator() as simulator, Client(simulator) as client:
            client.log_in()
            runs.append(_seeded(client, seed=seed))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_generated_accounts_stay_solvent_and_look_real(client: Client) -> None:
    """The running balance never reaches zero; pairs, sessions, lots, winners and losers."""
    found = _seeded(client, seed=3)
    deposits = dict(zip(found, map(Decimal, ["250", "3000", "20000", "1000"]), strict=True))
    results = []
    for login, rows in found.items():
        balance = deposits[login]
        for deal in rows:
            parts = (deal["Profit"], deal["Storage"], deal["Commission"], deal["Fee"])
            balance += sum(map(Decimal, parts))
            assert balance > 0
            assert is_open((int(deal["Time"]) - 7200) * 1000)
            assert Decimal("0.01") <= Decimal(deal["VolumeExt"]) / SCALE <= 3
            if deal["Entry"] == "1":
                results.append(Decimal(deal["Profit"]))
        assert balance == Decimal(client.get("user/get", login=login)["Balance"])
        positions = [deal["PositionID"] for deal in rows]
        assert positions[::2] == positions[1::2]
        assert len(set(positions)) == len(rows) // 2
        since = (UNTIL - 60 * 86_400 + 7200) * 1000
        assert since <= int(rows[0]["TimeMsc"]) <= int(rows[-1]["TimeMsc"]) < since + 5_184_000_000
    winners = sum(result > 0 for result in results)
    assert len(results) * 25 < winners * 100 < len(results) * 70
    window = {"from": 0, "to": FAR}
    for login in found:
        deposit = [deal for deal in client.deals(login) if deal["Action"] == "2"]
        assert len(deposit) == 1
        assert client.get("deal/get_total", login=login, **window) != {"Total": "1"}


def test_accounts_without_money_get_no_deals(client: Client) -> None:
    """Nothing is invented for them, and an unknown login is refused."""
    login = client.open_account()
    body = {"logins": [login], "days": 10, "deals": 10, "seed": 1}
    assert client.simulator.operator("POST", "/_simulator/generate", body) == {"deals": 0}
    with pytest.raises(RuntimeError, match="13 Not found"):
        client.simulator.operator("POST", "/_simulator/generate", body | {"logins": [1]})
    with pytest.raises(RuntimeError, match="deals must be a whole number"):
        client.simulator.operator("POST", "/_simulator/generate", body | {"deals": "ten"})


def test_generating_keeps_up_and_memory_stays_small(client: Client) -> None:
    """At least 5,000 deals a second on a quiet machine; a third of it passes here."""
    logins = []
    for _ in range(10):
        logins.append(client.open_account())
        client.deposit(logins[-1], "5000")
    body = {"logins": logins, "days": 60, "deals": 10_000, "seed": 2}
    started = time.monotonic()
    client.simulator.operator("POST", "/_simulator/generate", body)
    assert 10_000 / (time.monotonic() - started) > 1_700
    rows = client.get("deal/get_batch", login=",".join(map(str, logins)), **{"from": 0, "to": FAR})
    assert len(rows) == 10_010
    status = Path(f"/proc/{client.simulator.process_id}/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 90_000


def test_session_time_maps_to_moments_and_back() -> None:
    """Offsets never fall into the weekend, and come back from the moment they map to."""
    start = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1000
    for hours in range(0, 600, 7):
        offset = session_offset(start) + hours * 3_600_000
        assert is_open(session_moment(offset))
        assert session_offset(session_moment(offset)) == offset
    assert not is_open(int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()) * 1000)


def test_prices_are_a_function_of_the_seed_and_stay_near_their_level() -> None:
    """Same seed, same price; crosses agree with their legs; rates follow the quotes."""
    first, same, other = Market(1), Market(1), Market(2)
    start = datetime(2026, 9, 1, tzinfo=UTC)
    moments = [int((start + timedelta(hours=7 * step)).timestamp()) * 1000 for step in range(200)]
    for symbol in SYMBOLS.values():
        path = [first.bid(symbol, moment) for moment in moments]
        assert path == [same.bid(symbol, moment) for moment in moments]
        assert path != [other.bid(symbol, moment) for moment in moments]
        assert len(set(path)) > 100
        assert symbol.level_points // 2 < min(path) < max(path) < symbol.level_points * 2
    moment = moments[0]
    euro, yen = SYMBOLS["EURUSD"], SYMBOLS["USDJPY"]
    legs = Decimal(first.bid(euro, moment)) * Decimal(first.bid(yen, moment)) / 100_000
    assert abs(first.bid(SYMBOLS["EURJPY"], moment) - legs) <= 1
    rate = Decimal(first.rate("JPY", "USD", moment)) / SCALE
    assert abs(rate * Decimal(first.bid(yen, moment)) / 1000 - 1) < Decimal("0.00001")
    assert first.rate("USD", "USC", moment) == 100 * SCALE


def test_live_trading_makes_deals_by_itself() -> None:
    """With --live, funded accounts trade in real time (crypto at weekends)."""
    with Mt5Simulator("--live", "0.05") as simulator, Client(simulator) as client:
        client.log_in()
        login = client.open_account()
        client.deposit(login, "50000")
        deadline = time.monotonic() + 15
        while len(client.deals(login)) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)
