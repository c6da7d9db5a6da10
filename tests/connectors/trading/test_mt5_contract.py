"""The MT5 REST adapter keeps the port's promises against the simulator, a process of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from connectors import contract
from connectors.contract import TradingControl
from connectors.trading.mt5_rest import Mt5Rest
from connectors.trading.port import NotAdmitted, TradingConnection
from tests.connectors.trading.cutting_proxy import CuttingProxy
from tests.fixtures.mt5_simulator import Mt5Simulator


@dataclass
class Control:
    """The proxy between adapter and simulator is what loses replies and connections."""

    proxy: CuttingProxy
    group: str
    mask: str

    async def lose_next_reply(self) -> None:
        """Swallow the next answer."""
        self.proxy.lose_next_reply()

    async def drop_connections(self) -> None:
        """Cut everything."""
        self.proxy.cut()


@pytest.fixture(scope="module")
def simulator() -> Iterator[Mt5Simulator]:
    """One simulator for the module."""
    with Mt5Simulator() as running:
        yield running


@pytest.fixture
async def proxy(simulator: Mt5Simulator) -> AsyncIterator[CuttingProxy]:
    """A proxy in front of it."""
    async with CuttingProxy(simulator.port) as running:
        yield running


@pytest.fixture
async def connection(simulator: Mt5Simulator, proxy: CuttingProxy) -> AsyncIterator[Mt5Rest]:
    """The adapter, connected through the proxy with the simulator's certificate pinned."""
    made = Mt5Rest(
        proxy.address,
        login=simulator.manager,
        password=simulator.password,
        fingerprint=simulator.fingerprint,
    )
    yield made
    await made.close()


@pytest.mark.parametrize("check", contract.TRADING, ids=lambda check: check.__name__)
async def test_the_adapter_keeps_the_promise(
    connection: Mt5Rest,
    proxy: CuttingProxy,
    check: Callable[[TradingConnection, TradingControl], Awaitable[None]],
) -> None:
    """Each promise of the trading port holds over a real socket."""
    groups = await connection.groups()
    group = next(group.name for group in groups if group.currency == "USD")

    await check(connection, Control(proxy, group, group.rpartition("\\")[0] + "\\*"))


async def test_a_wrong_api_password_says_what_to_do(simulator: Mt5Simulator) -> None:
    """The most common mistake, the terminal's password, is explained and not a refusal."""
    connection = Mt5Rest(
        simulator.address,
        login=simulator.manager,
        password="Wrong-12345",
        fingerprint=simulator.fingerprint,
    )

    with pytest.raises(NotAdmitted) as refused:
        await connection.server_time()

    assert refused.value.code == 1001
    assert "API password" in refused.value.advice
    assert "Wrong-12345" not in str(refused.value)
