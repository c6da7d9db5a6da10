"""The MT5 REST adapter keeps the port's promises against the simulator, a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from connectors import contract
from connectors.contract import TradingControl
from connectors.trading.mt5_rest import Mt5Rest
from connectors.trading.mt5_session import Limits
from connectors.trading.port import NotAdmitted, OpenAccount, TradingConnection, Unreachable
from kernel.ids import comment_token
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


async def test_a_server_that_closes_idle_sessions_makes_no_write_unknown() -> None:
    """Pings keep the session, and where they come too seldom the write signs in anew first."""
    with Mt5Simulator("--idle-seconds", "1") as simulator:
        for limits in (
            Limits(ping_after_seconds=0.3, prove_after_seconds=60),
            Limits(ping_after_seconds=60, prove_after_seconds=0.5),
        ):
            connection = Mt5Rest(
                simulator.address,
                login=simulator.manager,
                password=simulator.password,
                fingerprint=simulator.fingerprint,
                limits=limits,
            )
            group = next(item for item in await connection.groups() if item.currency == "USD")
            key = comment_token()
            request = OpenAccount(
                group.name, "Ada", "a@b.example", 100, "Aa1!aaaa", "Bb1!bbbb", key
            )
            login = await connection.open_account(request)

            await asyncio.sleep(2)

            assert await connection.cash(login, "deposit", Decimal(10), key) > 0
            await connection.close()


async def test_a_killed_server_is_found_again() -> None:
    """While it is down nothing was sent; once it is back the same connection works."""
    with Mt5Simulator() as mortal:
        connection = Mt5Rest(
            mortal.address,
            login=mortal.manager,
            password=mortal.password,
            fingerprint=mortal.fingerprint,
        )
        await connection.server_time()
        mortal.kill()
        await asyncio.sleep(0.1)
        with pytest.raises(Unreachable):
            await connection.cash(1, "deposit", Decimal(10), comment_token())

        mortal.restart()

        for _ in range(50):
            try:
                await connection.server_time()
                break
            except Unreachable:
                await asyncio.sleep(0.1)
        assert (await connection.capabilities()).version_access > 0
        await connection.close()
