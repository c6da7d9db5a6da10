"""What was answered is there after kill -9: accounts, money, positions, groups, certificate."""

import http.client
import threading
import time

from tests.connectors.trading.simulator.client import Client
from tests.fixtures.mt5_simulator import Mt5Simulator


def test_a_killed_server_keeps_what_it_answered() -> None:
    """All state and the certificate survive; tickets and logins go on, never twice."""
    with Mt5Simulator() as simulator:
        with Client(simulator) as client:
            client.log_in()
            login = client.open_account(ID="xkept")
            first = client.deposit(login, "500")
            result = client.trade(login, "EURUSD", Volume="1000", TypeOrder="0")
            client.get("group/add", {"Group": "real\\KEPT", "Currency": "USD"})
            before = client.deals(login)
        fingerprint = simulator.fingerprint
        simulator.kill()
        simulator.start()
        assert simulator.fingerprint == fingerprint
        with Client(simulator) as client:
            assert client.http("user/total")[0] == 403
            client.log_in()
            assert client.deals(login) == before
            assert client.get("user/get", login=login)["ID"] == "xkept"
            assert client.get("position/get_total", login=login) == {"Total": "1"}
            assert client.get("dealer/get_request_result", id=result["ID"]) == result
            assert client.get("group/get", group="real\\KEPT")["Group"] == "real\\KEPT"
            assert client.deposit(login, "1") > first + 1
            assert client.open_account() == login + 1


def test_killing_during_a_stream_of_deposits_loses_no_answered_one() -> None:
    """Every ticket that was answered before the kill is found after it."""
    with Mt5Simulator() as simulator:
        with Client(simulator) as client:
            client.log_in()
            login = client.open_account()
            answered: list[int] = []
            killer = threading.Timer(0.5, simulator.kill)
            killer.start()
            try:
                while True:
                    answered.append(client.deposit(login, "1"))
            except (OSError, http.client.HTTPException):
                pass
            killer.join()
        assert len(answered) > 10
        simulator.start()
        found = simulator.records(login=login)
        assert set(answered) <= set(found["tickets"])
        assert len(found["tickets"]) <= len(answered) + 1
        with Client(simulator) as client:
            client.log_in()
            balance = client.get("user/get", login=login)["Balance"]
        assert balance == found["total"]


def test_a_connected_client_does_not_hold_up_the_end() -> None:
    """Asked to end, the server ends at once, whoever is still connected."""
    with Mt5Simulator() as simulator, Client(simulator) as client:
        client.log_in()
        started = time.monotonic()
        simulator.stop()
        assert time.monotonic() - started < 5
