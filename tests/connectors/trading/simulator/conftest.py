"""One simulator for a module's tests, and a logged-in client for each test."""

from collections.abc import Iterator

import pytest

from tests.connectors.trading.simulator.client import Client
from tests.fixtures.mt5_simulator import Mt5Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Mt5Simulator]:
    """A running simulator, shared by the tests of a module."""
    with Mt5Simulator() as running:
        yield running


@pytest.fixture
def client(simulator: Mt5Simulator) -> Iterator[Client]:
    """A client that is logged in."""
    with Client(simulator) as connected:
        connected.log_in()
        yield connected
