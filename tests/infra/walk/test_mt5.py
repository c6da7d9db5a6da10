"""The walk's own client of the trading server, against the simulator and published vectors."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from infra.walk.mt5 import Server, ServerRefused, _password_hash
from tests.fixtures.mt5_simulator import Mt5Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Mt5Simulator]:
    """A trading server of its own."""
    with Mt5Simulator() as running:
        yield running


def server(simulator: Mt5Simulator, *, password: str = "", fingerprint: str = "") -> Server:
    """Return a client of that server."""
    return Server(
        address=simulator.address,
        login=str(simulator.manager),
        password=password or simulator.password,
        fingerprint=fingerprint or simulator.fingerprint,
        operator_token=simulator.token,
    )


@pytest.mark.parametrize(
    ("password", "digest"),
    [
        ("Password1", "904ba8ecb16273d2f0ae9c3b8a023752"),
        ("Pässwörd€1", "169ff113d5181c77353f0d70c98d0ed6"),
    ],
)
def test_the_password_is_hashed_as_published(password: str, digest: str) -> None:
    """UTF-16, MD5 twice, with the published word in between."""
    assert _password_hash(password).hex() == digest


def test_a_trade_of_the_past_is_read_back_with_its_terms(simulator: Mt5Simulator) -> None:
    """Two deals of one lot; the group's extra spread is what was set a moment ago."""
    client = server(simulator)
    group = "real\\MM\\STD-USD"
    added = client.call(
        "user/add",
        group=group,
        name="Walk",
        leverage=100,
        pass_main="Walk-1234a",
        pass_investor="Walk-1234b",
    )
    login = int(added["Login"])
    client.call("trade/balance", login=login, type=2, balance="1000", comment="x")
    now = int(time.time())
    client.round_trip(login, "EURUSD", "1.00", opened=now - 600, closed=now - 1)
    opened, closed = [deal for deal in client.deals(login) if deal.is_trade]
    assert (opened.entry, closed.entry) == (0, 1)
    assert (opened.lots, opened.position) == (Decimal(1), closed.position)
    assert client.balance(login) == 1000 + opened.profit + closed.profit
    client.operate("group", {"group": group, "path": "EURUSD", "spread_diff": 11})
    assert client.spread_points(client.group_of(login), "EURUSD") == (11, Decimal("0.00001"))
    client.close()


def test_another_certificate_is_refused(simulator: Mt5Simulator) -> None:
    """Nothing is sent to a server that is not the pinned one."""
    with pytest.raises(ServerRefused, match="another certificate"):
        server(simulator, fingerprint="00" * 32).balance(1)


def test_a_wrong_password_is_refused(simulator: Mt5Simulator) -> None:
    """The server's words are in the message."""
    with pytest.raises(ServerRefused, match="1001"):
        server(simulator, password="Wrong-123a").balance(1)
