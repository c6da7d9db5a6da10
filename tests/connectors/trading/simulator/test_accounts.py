"""Accounts: opening with the protocol's refusals, reading by login and mask, passwords."""

import pytest

from tests.connectors.trading.simulator.client import PASSWORD, Client
from tests.fixtures.mt5_simulator import Mt5Simulator

GROUP = "real\\MM\\STD-USD"


def _body(**changes: str) -> dict[str, str]:
    base = {"Group": GROUP, "Name": "Ada", "PassMain": PASSWORD, "PassInvestor": PASSWORD}
    return base | changes


def test_an_opened_account_is_stored_whole(client: Client) -> None:
    """What was sent comes back, with the ID and the comment, but no password."""
    body = _body(
        ID="xab2c3d4e5f6g7h8", Comment="opened by us", Email="ada@mail.example", Leverage="30"
    )
    answer = client.call("user/add", body, city="Nicosia", name="overridden")
    login = answer["login"]
    user = client.get("user/get", login=login)
    assert answer["answer"] == user
    expected = body | {"Login": login, "City": "Nicosia", "Balance": "0.00", "Name": "Ada"}
    for name, value in expected.items():
        if name.startswith("Pass"):
            assert name not in user
        else:
            assert user[name] == value
    assert PASSWORD not in str(user)
    assert client.simulator.records(id="xab2c3d4e5f6g7h8")["logins"] == [int(login)]


@pytest.mark.parametrize(
    "password", ["nouppercase1!", "NOLOWERCASE1!", "NoDigits!!", "NoSpecial11", "Sh0rt!", "x" * 40]
)
def test_a_weak_password_is_refused(client: Client, password: str) -> None:
    """Each missing class and a bad length is code 3006, for both passwords."""
    assert client.code("user/add", _body(PassMain=password)) == 3006
    assert client.code("user/add", _body(PassInvestor=password)) == 3006


def test_refusals_name_their_reason(client: Client) -> None:
    """No such group is 8, a login in use 3004, one out of range 3003, a bad record 3."""
    before = client.get("user/total")
    assert client.code("user/add", _body(Group="real\\MM\\NONE")) == 8
    assert client.code("user/add", _body(Group="real/MM/STD-USD")) == 8
    assert client.code("user/add", _body(Leverage="0")) == 3
    assert client.code("user/add", _body(Login="77")) == 3003
    assert client.get("user/total") == before
    login = client.open_account(Login="600123")
    assert login == 600123
    assert client.code("user/add", _body(Login="600123")) == 3004
    assert client.code("user/get", login=1) == 13


def test_logins_come_from_the_range_of_the_group() -> None:
    """Each prefix has its numbers; a used-up range is code 3002."""
    options = ("--login-range", "demo\\=9000001-9000002")
    with Mt5Simulator(*options) as simulator, Client(simulator) as client:
        client.log_in()
        group = "demo\\MM\\STD-USD"
        assert [client.open_account(group), client.open_account(group)] == [9000001, 9000002]
        assert client.code("user/add", _body(Group=group)) == 3002
        client.get("user/delete", login=9000002)
        assert client.code("user/add", _body(Group=group)) == 3002
        assert 500_000 < client.open_account() < 800_000


def test_a_manager_sees_and_opens_only_in_his_groups() -> None:
    """Other groups do not exist for him, and denied commands are code 8."""
    options = ("--group-masks", "real\\*", "--deny", "group/add")
    with Mt5Simulator(*options) as simulator, Client(simulator) as client:
        client.log_in()
        assert client.code("user/add", _body(Group="demo\\MM\\STD-USD")) == 8
        assert client.code("group/add", {"Group": "real\\NEW"}) == 8
        names = [group["Group"] for group in client.get("group/get", mask="*")]
        assert names
        assert all(name.startswith("real\\") for name in names)


def test_users_are_read_by_list_and_by_mask(client: Client) -> None:
    """Masks take wildcards and comma lists; answers are arrays even of one."""
    usd = client.open_account("real\\MM\\PRO-USD")
    eur = client.open_account("real\\MM\\PRO-EUR")
    both = client.get("user/get_batch", login=f"{usd},{eur}")
    assert [user["Login"] for user in both] == [str(usd), str(eur)]
    masked = client.get("user/get_batch", group="real\\MM\\PRO-*")
    assert [user["Login"] for user in masked] == [str(usd), str(eur)]
    one = client.get("user/logins", group="real\\MM\\PRO-EUR,demo\\nothing")
    assert one == [str(eur)]
    states = client.get("user/account/get_batch", group="real\\*\\PRO-*")
    assert [state["Login"] for state in states] == [str(usd), str(eur)]
    assert client.code("user/get_batch", login="1", group="x") == 3


def test_an_update_changes_what_was_sent_and_nothing_else(client: Client) -> None:
    """Group, leverage and rights move; a funded account cannot change its currency."""
    login = client.open_account(Email="before@mail.example")
    changed = client.get("user/update", {"Login": str(login), "Leverage": "50", "Rights": "487"})
    assert (changed["Leverage"], changed["Rights"]) == ("50", "487")
    assert changed["Email"] == "before@mail.example"
    assert client.get("user/update", login=login, group="real\\MM\\RAW-USD")["Group"].endswith(
        "RAW-USD"
    )
    client.deposit(login, "10")
    assert client.code("user/update", login=login, group="real\\MM\\RAW-EUR") == 3010
    assert client.code("user/update", login=login, group="nowhere") == 8


def test_passwords_are_checked_and_changed_by_kind(client: Client) -> None:
    """Main and investor are apart; a weak new one is refused and the old one stays."""
    login = client.open_account()
    wrong = {"login": login, "type": "MAIN", "password": "Other-Pass1"}
    assert client.code("user/check_password", **(wrong | {"password": PASSWORD})) == 0
    assert client.code("user/check_password", **wrong) == 3006
    assert client.code("user/change_password", **(wrong | {"password": "weak"})) == 3006
    assert client.code("user/change_password", **wrong) == 0
    assert client.code("user/check_password", **wrong) == 0
    assert client.code("user/check_password", **(wrong | {"type": "INVESTOR"})) == 3006


def test_an_account_with_open_trades_is_not_deleted(client: Client) -> None:
    """Code 3008 while a position is open, gone afterwards."""
    login = client.open_account()
    client.deposit(login, "1000")
    result = client.trade(login, "EURUSD", Volume="100", TypeOrder="0")
    assert client.code("user/delete", login=login) == 3008
    client.trade(login, "EURUSD", Position=result["PositionID"])
    assert client.code("user/delete", login=login) == 0
    assert client.code("user/get", login=login) == 13


def test_a_group_is_added_changed_and_deleted(client: Client) -> None:
    """A new group takes accounts at once; one with accounts cannot be deleted."""
    name = "real\\NOOR\\ISL-USD"
    record = {
        "Group": name,
        "Currency": "USD",
        "Symbols": [{"Path": "FX Majors\\*", "SpreadDiff": 14}],
        "Commissions": [],
    }
    assert client.get("group/add", record)["Symbols"][0]["SpreadDiff"] == "14"
    assert client.get("group/get", group=name)["CurrencyDigits"] == "2"
    shown = client.get("symbol/get_group", symbol="GBPUSD", group=name)
    assert (shown["SpreadDiff"], shown["SwapLong"]) == ("14", "-4.20000000")
    login = client.open_account(name)
    assert client.get("user/group", login=login)["Group"] == name
    assert client.code("group/delete", group=name) == 3
    client.get("user/delete", login=login)
    assert client.code("group/delete", group=name) == 0
    assert client.code("group/get", group=name) == 13
    bad = record | {"Symbols": [{"Path": "*", "SpreadDiff": "many"}]}
    assert client.code("group/add", bad) == 3


def test_the_server_lists_24_symbols_and_its_groups(client: Client) -> None:
    """Totals agree with what next and list walk through."""
    total = int(client.get("symbol/total")["Total"])
    names = client.get("symbol/list")
    assert total == len(names) == 24
    walked = [client.get("symbol/next", index=index)["Symbol"] for index in range(total)]
    assert walked == names
    assert client.code("symbol/next", index=total) == 13
    assert int(client.get("group/total")["Total"]) == len(client.get("group/get", mask="*"))
