"""In which order tests run, and in which worker: long files first, and the browser's together.

A worker is given whole files, so that what a file starts for all its tests is started once. The
tests of a running copy are one lot for the same reason: a second copy would cost as much as
a minute of everything else. pyproject.toml loads this module as a plugin of pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

COPY = "tests/browser/"
# The others by the seconds they take, from thirty down: whoever is last is waited for.
LONG = (
    "tests/themes/test_catalogue.py",
    "tests/journeys/test_crashes.py",
    "tests/isolation/test_isolation.py",
    "tests/identity/test_listings.py",
    "tests/infra/test_stack.py",
    "tests/trading/test_operations.py",
    "tests/messaging/liquid/test_guards.py",
    "tests/entrypoints/test_routes.py",
    "tests/infra/test_services.py",
    "tests/messaging/liquid/test_renderer.py",
    "tests/trading/test_batches.py",
    "tests/journeys/test_live.py",
)
_PLACES = {file: place for place, file in enumerate((COPY, *LONG))}


def lot_of(nodeid: str) -> str:
    """Return what a test stays together with: its file, or the tests of the running copy."""
    return COPY if nodeid.startswith(COPY) else nodeid.split("::", 1)[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first; the others stay as they are."""
    items.sort(key=lambda item: _PLACES.get(lot_of(item.nodeid), len(_PLACES)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Hand out lots in that order when files are to stay whole (`--dist loadfile`)."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class _Lots(LoadScopeScheduling):  # type: ignore[misc]  # no types
        def _split_scope(self, nodeid: str) -> str:
            return lot_of(nodeid)

    config.option.loadscopereorder = False
    return _Lots(config, log)
