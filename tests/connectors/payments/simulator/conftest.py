"""One running simulator for a module, and a merchant's address for each test."""

from collections.abc import Iterator

import pytest

from tests.connectors.payments.simulator.merchant import Merchant
from tests.fixtures.psp_simulator import PspSimulator


@pytest.fixture(scope="module")
def counterpart() -> Iterator[PspSimulator]:
    """A running simulator that a module's tests share; each opens accounts of its own."""
    simulator = PspSimulator()
    yield simulator
    simulator.stop()


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    """A merchant that answers OK."""
    made = Merchant()
    yield made
    made.close()
