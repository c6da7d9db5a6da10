"""The log-in: the published hash vectors, and a state that belongs to one TCP connection."""

import hashlib
import http.client
import json
import ssl
import stat
import time
from typing import Any

import pytest

from connectors.trading.simulator import protocol
from tests.connectors.trading.simulator.client import Client, answer_to
from tests.fixtures.mt5_simulator import Mt5Simulator


@pytest.mark.parametrize(
    ("password", "hashed"),
    [
        ("Password1", "904ba8ecb16273d2f0ae9c3b8a023752"),
        ("test", "2f89076a25fc7dd5e68a1cc7471d13ae"),
        ("Pässwörd€1", "169ff113d5181c77353f0d70c98d0ed6"),
        ("A1b2C3d4!", "b7a30342dc858b973e1296dfb0cf9156"),
    ],
)
def test_the_password_hash_equals_the_published_vectors(password: str, hashed: str) -> None:
    """The hash of UTF-16LE text, then the six bytes, as the protocol page lists it."""
    assert protocol.password_hash(password).hex() == hashed


@pytest.mark.parametrize(
    ("password", "challenge", "answer"),
    [
        (
            "Password1",
            "73007dc7184747ce0f7c98516ef1c851",
            "77fe51827f7fa69dd80fbec9aa33f1bb",
        ),
        (
            "Password1",
            "4db98fec17aab4dc5a240bdc659e8395",
            "1732021b1b332f51660b2b315eed3a35",
        ),
        ("test", "00112233445566778899aabbccddeeff", "36616b988054a57d0e648d887f14ba1d"),
        ("Pässwörd€1", "00112233445566778899aabbccddeeff", "9a6cc36f54468a97e296209cb6990267"),
        ("A1b2C3d4!", "ffeeddccbbaa99887766554433221100", "e9c99a8e335f9916ecd7c634b895a000"),
    ],
)
def test_the_challenge_answer_equals_the_published_vectors(
    password: str, challenge: str, answer: str
) -> None:
    """Both the server's function and the tests' own one give the listed answers."""
    hashed = protocol.password_hash(password)
    assert protocol.challenge_answer(hashed, bytes.fromhex(challenge)) == answer
    assert answer_to(password, challenge) == answer


def test_a_log_in_opens_only_its_own_connection(simulator: Mt5Simulator) -> None:
    """A second connection is refused with 403 while the first one works."""
    with Client(simulator) as first, Client(simulator) as second:
        assert first.http("time/server")[0] == 403
        first.log_in()
        assert first.code("test/access") == 0
        assert second.http("test/access")[0] == 403
        assert first.code("test/access") == 0


def test_a_wrong_password_is_refused_and_opens_nothing(simulator: Mt5Simulator) -> None:
    """Code 1001, and the connection stays closed to commands."""
    with Client(simulator) as client:
        assert client.log_in("Wrong-Password1")["retcode"] == "1001 Invalid account"
        assert client.http("user/total")[0] == 403


def test_a_wrong_password_ends_an_earlier_log_in(client: Client) -> None:
    """Logging in again is allowed; failing at it closes what was open."""
    assert client.log_in()["retcode"] == "0 Done"
    assert client.code("test/access") == 0
    client.log_in("Wrong-Password1")
    assert client.http("test/access")[0] == 403


def test_an_answer_serves_only_once(simulator: Mt5Simulator) -> None:
    """A challenge is used up by its first answer."""
    with Client(simulator) as client:
        started = client.challenge()
        answer = answer_to(simulator.password, started["srv_rand"])
        query = {"srv_rand_answer": answer, "cli_rand": "00" * 16}
        assert client.code("auth/answer", **query) == 0
        assert client.code("auth/answer", **query) == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 483}, "1010"),
        ({"agent": ""}, "3"),
        ({"agent": "two words"}, "3"),
        ({"type": "client"}, "1000"),
    ],
)
def test_a_log_in_needs_a_version_an_agent_and_the_manager_type(
    simulator: Mt5Simulator, changes: dict[str, str], code: str
) -> None:
    """Each bad parameter has its own return code."""
    with Client(simulator) as client:
        assert client.challenge(**changes)["retcode"].split(" ")[0] == code


def test_another_login_with_the_right_password_is_refused(simulator: Mt5Simulator) -> None:
    """Only the configured manager gets in."""
    with Client(simulator) as client:
        started = client.challenge(login=2022)
        answer = answer_to(simulator.password, started["srv_rand"])
        assert client.code("auth/answer", srv_rand_answer=answer, cli_rand="00" * 16) == 1001


def test_quit_closes_the_connection(client: Client) -> None:
    """After quit the next request travels on a new connection, which is not logged in."""
    assert client.code("quit") == 0
    assert client.http("test/access")[0] == 403


def test_the_challenge_and_the_silence_have_limits() -> None:
    """A late answer fails with code 9; a silent connection is closed."""
    options = ("--challenge-seconds", "1", "--idle-seconds", "2")
    with Mt5Simulator(*options) as simulator:
        with Client(simulator) as client:
            started = client.challenge()
            time.sleep(1.2)
            answer = answer_to(simulator.password, started["srv_rand"])
            late = client.call("auth/answer", srv_rand_answer=answer, cli_rand="00" * 16)
            assert late["retcode"] == "9 Timeout"
            assert client.http("test/access")[0] == 403
        with Client(simulator) as client:
            client.log_in()
            time.sleep(1)
            assert client.code("test/access") == 0
            time.sleep(3)
            with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
                client.http("test/access")


def test_the_certificate_is_the_announced_one_and_private(simulator: Mt5Simulator) -> None:
    """The fingerprint on the ready line is that of the certificate on the wire."""
    text = ssl.get_server_certificate((simulator.host, simulator.port))
    encoded = ssl.PEM_cert_to_DER_cert(text)
    assert hashlib.sha256(encoded).hexdigest() == simulator.fingerprint
    for name in ("key.pem", "certificate.pem", "server.sqlite3"):
        assert stat.S_IMODE((simulator.data / name).stat().st_mode) == 0o600


def test_every_scalar_is_a_string(client: Client) -> None:
    """Numbers, prices and codes all travel as JSON strings."""

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)
        else:
            assert isinstance(value, str)

    login = client.open_account()
    client.deposit(login, "1000")
    client.trade(login, "EURUSD", Volume="100", TypeOrder="0")
    window = {"from": 0, "to": 9_999_999_999}
    commands: list[tuple[str, dict[str, Any]]] = [
        ("time/server", {}),
        ("time/get", {}),
        ("user/get", {"login": login}),
        ("user/logins", {"group": "real\\*"}),
        ("user/account/get", {"login": login}),
        ("deal/get_batch", {"login": login, **window}),
        ("position/get_page", {"login": login}),
        ("group/next", {"index": 0}),
        ("symbol/get", {"symbol": "EURUSD"}),
        ("tick/last", {"symbol": "*"}),
    ]
    for path, query in commands:
        walk(client.call(path, **query))


def test_an_unknown_command_is_not_found(client: Client) -> None:
    """A command that old builds lack answers 404 and leaves the session alone."""
    assert client.http("no/such/command")[0] == 404
    assert client.code("test/access") == 0


def test_bytes_that_are_no_request_get_400(simulator: Mt5Simulator) -> None:
    """The raw form and other noise are refused without harm."""
    with Client(simulator) as client:
        client.connection.connect()
        client.connection.sock.sendall(b"MT5WEBAPI00080001 TEST\r\n\r\n")
        assert client.connection.sock.recv(1000).startswith(b"HTTP/1.1 400")


def test_operator_calls_need_the_token(simulator: Mt5Simulator) -> None:
    """Without the token, or with another one, nothing is told or done."""
    with Client(simulator) as client:
        client.log_in()
        for headers in ({}, {"X-Operator-Token": "wrong"}):
            body = json.dumps({"drop_reply": 1})
            client.connection.request("POST", "/_simulator/faults", body, headers)
            response = client.connection.getresponse()
            assert (response.status, b"faults" in response.read()) == (403, False)
    assert simulator.operator("GET", "/_simulator/faults") == {"faults": []}


def test_server_time_is_wall_time_in_the_zone() -> None:
    """The zone's minutes are added to UTC and reported; a skew shifts the clock."""
    with Mt5Simulator("--timezone-minutes", "180") as simulator, Client(simulator) as client:
        client.log_in()
        seconds, _, readable = client.get("time/server")["Time"].partition(" ")
        assert abs(int(seconds) - time.time() - 180 * 60) < 5
        assert time.strftime("%Y.%m.%d %H:%M:%S", time.gmtime(int(seconds))) == readable
        assert client.get("time/get")["TimeZone"] == "180"
        change = {"timezone_minutes": 120, "skew_seconds": -90}
        simulator.operator("POST", "/_simulator/clock", change)
        seconds = client.get("time/server")["Time"].split(" ")[0]
        assert abs(int(seconds) - time.time() - 120 * 60 + 90) < 5
