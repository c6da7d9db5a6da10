"""The operator's records: counts that follow every change, and searches by how a text begins."""

from contextlib import suppress
from pathlib import Path

import pytest

from connectors.trading.simulator.storage import Deal, Store
from tests.connectors.trading.simulator.client import FAR, Client
from tests.fixtures.mt5_simulator import Mt5Simulator


def test_the_count_of_deals_follows_every_change() -> None:
    """Booked, traded, generated, edited, deleted and refused deals all count as they should."""
    with Mt5Simulator() as simulator, Client(simulator) as client:
        client.log_in()
        login = client.open_account()
        assert simulator.records()["deals"] == 0

        ticket = client.deposit(login, "1000")
        assert simulator.records()["deals"] == 1
        assert client.code("trade/balance", login=login, type=2, balance="-5000") == 10019
        assert client.code("trade/balance", {"Comment": "\ud800"}, login=login, type=2) == 3
        assert simulator.records()["deals"] == 1
        client.trade(login, "EURUSD", Volume="1000", TypeOrder="0")
        assert simulator.records()["deals"] == 2
        body = {"logins": [login], "deals": 20, "seed": 3}
        made = simulator.operator("POST", "/_simulator/generate", body)["deals"]
        assert simulator.records()["deals"] == 2 + made
        simulator.operator("POST", "/_simulator/deal", {"ticket": ticket, "profit": "900"})
        assert simulator.records()["deals"] == 2 + made
        simulator.operator("POST", "/_simulator/deal", {"ticket": ticket, "delete": True})
        assert simulator.records()["deals"] == 1 + made

        assert simulator.records()["deals"] == len(client.deals(login))
        simulator.restart()
        assert simulator.records()["deals"] == 1 + made


def test_a_deal_that_was_rolled_back_is_not_counted(tmp_path: Path) -> None:
    """What is undone leaves the count as it was."""
    store = Store(tmp_path / "server.sqlite3")
    deal = Deal(1, 500_001, 0, *(0,) * 5, "", *(0,) * 16, "", 0)
    assert store.deal_total() == 0

    with suppress(RuntimeError), store.transaction():
        store.add_deals([deal])
        raise RuntimeError

    assert store.deal_total() == 0
    store.add_deals([deal])
    assert store.deal_total() == 1
    store.close()


@pytest.mark.parametrize("text", ["xab", "x%_", "x+&=", "xÄ", "x\U0001f600"])
def test_a_comment_is_found_by_how_it_begins(
    simulator: Mt5Simulator, client: Client, text: str
) -> None:
    """Only comments that begin so, letter by letter, whatever the letters are."""
    login = client.open_account()
    mine = [client.deposit(login, "1", comment) for comment in (text, f"{text} DEP", f"{text}ÿ")]
    client.deposit(login, "1", f"y{text}")
    client.deposit(login, "1", text[:-1])
    client.deposit(login, "1", text[:-1] + chr(ord(text[-1]) + 1))
    client.deposit(login, "1", text.upper() if text.upper() != text else "Y")

    assert simulator.records(comment=text)["tickets"] == mine


def test_a_list_of_logins_has_their_deals_and_no_others(client: Client) -> None:
    """A hundred logins in one query, known or not, and a window with both ends included."""
    logins = [client.open_account() for _ in range(3)]
    tickets = [client.deposit(login, "1") for login in logins]
    wanted = ",".join(map(str, [*logins[:2], *range(1, 99)]))

    found = client.get("deal/get_batch", login=wanted, **{"from": 0, "to": FAR})

    assert [int(deal["Deal"]) for deal in found] == tickets[:2]
    second = int(found[0]["Time"])
    exact = client.get("deal/get_batch", login=logins[0], **{"from": second, "to": second})
    assert [int(deal["Deal"]) for deal in exact] == tickets[:1]
    later = {"from": second + 1, "to": FAR}
    assert client.get("deal/get_batch", login=logins[0], **later) == []
