"""Faults: late answers, lost answers, lost requests, requests applied late, refusals."""

import http.client
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.connectors.trading.simulator.client import PASSWORD, Client
from tests.fixtures.mt5_simulator import Mt5Simulator

LOST = (http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)


@pytest.fixture(autouse=True)
def _no_faults_left(simulator: Mt5Simulator) -> Iterator[None]:
    yield
    simulator.operator("DELETE", "/_simulator/faults")


def _set(client: Client, **faults: Any) -> None:
    client.simulator.operator("POST", "/_simulator/faults", faults)


def _deposit(login: int, comment: str) -> dict[str, Any]:
    return {"login": login, "type": 2, "balance": "10", "comment": comment}


def test_a_dropped_reply_was_applied(client: Client) -> None:
    """The connection ends without an answer, the money is there, the next call works."""
    login = client.open_account()
    _set(client, drop_reply=1, command="trade/balance")
    with pytest.raises(LOST):
        client.call("trade/balance", **_deposit(login, "xdropped"))
    assert client.simulator.records(comment="xdropped")["balance_deals"] == 1
    with Client(client.simulator) as again:
        again.log_in()
        assert again.deposit(login, "10", "xafter") > 0
    assert client.simulator.records(login=login)["total"] == "20.00"


def test_a_dropped_reply_can_be_named_by_command(client: Client) -> None:
    """Other commands pass; the account that was opened is found by its ID."""
    _set(client, drop_reply="user/add")
    assert client.code("test/access") == 0
    body = {"Group": "real\\MM\\STD-USD", "Name": "A", "PassMain": PASSWORD}
    with pytest.raises(LOST):
        client.call("user/add", body | {"PassInvestor": PASSWORD, "ID": "xopenedonce"})
    assert client.simulator.records(id="xopenedonce")["users"] == 1


def test_a_dropped_request_was_not_applied(client: Client) -> None:
    """Nothing happens on the server."""
    login = client.open_account()
    _set(client, drop_request=1, command="trade/balance")
    with pytest.raises(LOST):
        client.call("trade/balance", **_deposit(login, "xnever"))
    time.sleep(0.2)
    assert client.simulator.records(comment="xnever")["balance_deals"] == 0


def test_a_late_request_is_applied_after_the_connection_ended(client: Client) -> None:
    """At first nothing is found, after the delay exactly one deal."""
    login = client.open_account()
    _set(client, late_apply_ms=2000, command="trade/balance")
    with pytest.raises(LOST):
        client.call("trade/balance", **_deposit(login, "xlate"))
    assert client.simulator.records(comment="xlate")["balance_deals"] == 0
    deadline = time.monotonic() + 15
    while client.simulator.records(comment="xlate")["balance_deals"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert client.simulator.records(comment="xlate")["balance_deals"] == 1


def test_a_delayed_answer_comes_late(client: Client) -> None:
    """The command is applied at once and answered after the delay, as often as asked."""
    login = client.open_account()
    _set(client, delay_ms=1000, command="trade/balance", times=1)
    started = time.monotonic()
    client.deposit(login, "10")
    assert time.monotonic() - started > 0.99
    started = time.monotonic()
    client.deposit(login, "10")
    assert time.monotonic() - started < 0.99


def test_a_refusal_can_be_ordered(client: Client) -> None:
    """The server answers with a code of choice and does nothing."""
    _set(client, retcode=12, command="user/total", times=1)
    assert client.code("user/total") == 12
    assert client.code("user/total") == 0


def test_faults_never_meet_the_log_in(client: Client) -> None:
    """A rule for every command leaves start and answer alone; clearing ends it."""
    _set(client, drop_request=5)
    with Client(client.simulator) as other:
        assert other.log_in()["retcode"] == "0 Done"
        with pytest.raises(LOST):
            other.call("test/access")
    _set(client)
    assert client.simulator.operator("GET", "/_simulator/faults") == {"faults": []}


def test_an_unusable_fault_is_refused_with_words(client: Client) -> None:
    """The answer says what to send."""
    with pytest.raises(RuntimeError, match="delay_ms must be a whole number"):
        _set(client, delay_ms="soon")
