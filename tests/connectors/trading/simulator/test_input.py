"""Bad input: every shape gets a code or a status, and the next command works."""

import threading
from typing import Any

import pytest

from tests.connectors.trading.simulator.client import FAR, Client
from tests.fixtures.mt5_simulator import Mt5Simulator


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("user/get", {"login": "9" * 30}),
        ("user/get", {"login": "-1"}),
        ("user/get", {"login": "٣"}),
        ("user/get", {}),
        ("user/get_batch", {"login": "1,x"}),
        ("user/get_batch", {"login": ",".join(["9" * 30] * 3)}),
        ("deal/get_batch", {"ticket": "9" * 25}),
        ("deal/get_batch", {"login": "1", "from": "yesterday", "to": FAR}),
        ("group/get", {}),
        ("group/next", {"index": "first"}),
        ("symbol/get", {}),
        ("trade/balance", {"login": "1", "type": "2"}),
        ("dealer/get_request_result", {"id": ""}),
    ],
)
def test_bad_parameters_are_code_3(client: Client, path: str, query: dict[str, Any]) -> None:
    """Missing, malformed and oversized values are refused, and the session goes on."""
    assert client.code(path, **query) == 3
    assert client.code("test/access") == 0


@pytest.mark.parametrize("body", [b"[1,2]", b"{", b"\xff\xfe", b'"text"'])
def test_a_body_that_is_no_object_is_code_3(client: Client, body: bytes) -> None:
    """Whatever is not a JSON object is refused."""
    client.connection.request("POST", "/api/user/add", body)
    assert b'"3 Invalid parameters"' in client.connection.getresponse().read()


def test_text_that_is_no_unicode_is_refused(client: Client) -> None:
    """A lone surrogate cannot be stored; the server says so and goes on."""
    login = client.open_account()
    body = {"login": login, "type": 2, "balance": "1", "comment": "\ud800"}
    assert client.code("trade/balance", body) == 3
    assert client.deals(login) == []


def test_text_of_all_scripts_comes_back_whole(client: Client) -> None:
    """Names and comments keep quotes, backslashes and every script."""
    name = 'محمد "O\\Brien" 山田 ñ'
    login = client.open_account(Name=name)
    client.deposit(login, "1", 'x "quoted" \\ |= é')
    assert client.get("user/get", login=login)["Name"] == name
    assert client.deals(login)[0]["Comment"] == 'x "quoted" \\ |= é'


def test_long_texts_are_cut_as_the_platform_cuts_them(client: Client) -> None:
    """Name 127, company 63 and comment 63 characters."""
    login = client.open_account(Name="n" * 200, Company="c" * 200, Comment="k" * 200)
    user = client.get("user/get", login=login)
    assert [len(user[name]) for name in ("Name", "Company", "Comment")] == [127, 63, 63]


@pytest.mark.parametrize(
    "head",
    [
        b"POST /api/user/add HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/user/add HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST /api/user/add HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"GET /api/test/access HTTP/2\r\n\r\n",
        b"GET /" + b"x" * 300_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_requests_beyond_limits_get_400(simulator: Mt5Simulator, head: bytes) -> None:
    """Bodies without a length, too large or negative, and oversized heads."""
    with Client(simulator) as client:
        client.connection.connect()
        client.connection.sock.sendall(head)
        assert client.connection.sock.recv(1000).startswith(b"HTTP/1.1 400")


def test_connections_beside_each_other_lose_nothing(simulator: Mt5Simulator) -> None:
    """Four connections deposit at once: every ticket is there once, the sum is exact."""
    with Client(simulator) as client:
        client.log_in()
        login = client.open_account()
        tickets: list[int] = []

        def pay() -> None:
            with Client(simulator) as other:
                other.log_in()
                tickets.extend(other.deposit(login, "0.10") for _ in range(25))

        threads = [threading.Thread(target=pay) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(tickets)) == 100
        assert client.get("user/get", login=login)["Balance"] == "10.00"
