"""Money in and out: the rules of trade/balance and the deals it makes."""

import pytest

from tests.connectors.trading.simulator.client import FAR, Client


def test_a_deposit_is_a_balance_deal(client: Client) -> None:
    """Ticket, amount, type and comment stand in the deal; symbol and volume are empty."""
    login = client.open_account()
    ticket = client.deposit(login, "1234.5", "xabcdefghijklmnop DEP-7F3K2M")
    deal = client.get("deal/get", ticket=ticket)
    expected = {"Login": str(login), "Action": "2", "Profit": "1234.50", "Symbol": ""}
    expected |= {"Volume": "0", "Order": "0", "Comment": "xabcdefghijklmnop DEP-7F3K2M"}
    assert expected.items() <= deal.items()
    assert client.get("user/get", login=login)["Balance"] == "1234.50"
    state = client.get("user/account/get", login=login)
    assert (state["Equity"], state["MarginFree"]) == ("1234.50", "1234.50")


def test_the_body_carries_the_parameters_too(client: Client) -> None:
    """Query and body are equal; where both speak, the body counts."""
    login = client.open_account()
    body = {"login": login, "type": 2, "balance": "77.01", "comment": "from the body"}
    client.get("trade/balance", body)
    client.get("trade/balance", {"balance": "5"}, login=login, type=2, balance="9", comment="q")
    assert [deal["Profit"] for deal in client.deals(login)] == ["77.01", "5.00"]


def test_a_comment_is_cut_at_31_characters(client: Client) -> None:
    """The rest is lost, so a token must come first."""
    login = client.open_account()
    client.deposit(login, "1", "x" + "y" * 40)
    assert client.deals(login)[0]["Comment"] == "x" + "y" * 30


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": 1}, 3),
        ({"type": 7}, 3),
        ({"type": "deposit"}, 3),
        ({"balance": "ten"}, 3),
        ({"balance": "NaN"}, 3),
        ({"balance": "0"}, 3),
        ({"balance": "1000000000.01"}, 4005),
        ({"balance": "-1000000000.01"}, 4005),
        ({"balance": "-100.01"}, 10019),
        ({"type": 3, "balance": "-0.01"}, 10019),
        ({"login": 1}, 13),
    ],
)
def test_a_refused_operation_changes_nothing(
    client: Client, changes: dict[str, str], code: int
) -> None:
    """Each rule has its code, and neither balance nor deals move."""
    login = client.open_account()
    client.deposit(login, "100")
    query = {"login": login, "type": 2, "balance": "1", "comment": ""}
    assert client.code("trade/balance", **(query | changes)) == code
    assert client.get("user/get", login=login)["Balance"] == "100.00"
    assert len(client.deals(login)) == 1


def test_credit_is_apart_from_the_balance(client: Client) -> None:
    """Credit raises the equity, cannot be withdrawn, and goes out up to what was given."""
    login = client.open_account()
    client.deposit(login, "100")
    client.deposit(login, "50", kind=3)
    state = client.get("user/account/get", login=login)
    assert (state["Balance"], state["Credit"], state["Equity"]) == ("100.00", "50.00", "150.00")
    query = {"login": login, "balance": "-120", "comment": ""}
    assert client.code("trade/balance", type=2, **query) == 10019
    client.deposit(login, "-50", kind=3)
    assert client.get("user/get", login=login)["Credit"] == "0.00"


def test_a_withdrawal_is_limited_by_the_free_margin(client: Client) -> None:
    """Money in use is refused with 10019, unless the check is switched off."""
    login = client.open_account()
    client.deposit(login, "2000")
    client.trade(login, "EURUSD", Volume="10000", TypeOrder="0")
    query = {"login": login, "type": 2, "balance": "-1500", "comment": "out"}
    assert client.code("trade/balance", **query) == 10019
    assert client.code("trade/balance", check_margin=0, **query) == 0
    assert client.get("user/get", login=login)["Balance"] == "500.00"


def test_amounts_round_half_up_to_the_currency(client: Client) -> None:
    """Half a cent goes away from zero."""
    login = client.open_account()
    client.deposit(login, "10.005")
    assert client.get("user/get", login=login)["Balance"] == "10.01"


def test_deals_are_counted_paged_and_filtered(client: Client) -> None:
    """Pages of at most 100 in order of time; windows are inclusive server seconds."""
    login = client.open_account()
    tickets = [client.deposit(login, "1") for _ in range(105)]
    window = {"login": login, "from": 0, "to": FAR}
    assert client.get("deal/get_total", **window) == {"Total": "105"}
    first = client.get("deal/get_page", **window, offset=0, total=100)
    rest = client.get("deal/get_page", **window, offset=100, total=100)
    assert [int(deal["Deal"]) for deal in first + rest] == tickets
    assert client.code("deal/get_page", **window, offset=0, total=101) == 3
    moment = int(first[0]["Time"])
    assert client.get("deal/get_total", **(window | {"from": moment, "to": moment}))["Total"] != "0"
    assert client.get("deal/get_total", **(window | {"to": moment - 1})) == {"Total": "0"}
    assert client.code("deal/get_batch", login=login) == 3
    assert client.code("deal/get_batch", login=login, group="*", **{"from": 0, "to": 1}) == 3
    by_ticket = client.get("deal/get_batch", ticket=f"{tickets[0]},{tickets[5]}")
    assert [int(deal["Deal"]) for deal in by_ticket] == [tickets[0], tickets[5]]
    masked = client.get("deal/get_batch", group="real\\MM\\STD-*", **{"from": 0, "to": FAR})
    assert set(tickets) <= {int(deal["Deal"]) for deal in masked}
    assert client.get("deal/get_batch", group="none\\*", **{"from": 0, "to": FAR}) == []
