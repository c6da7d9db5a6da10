"""The layout keeps the standard library's platform module reachable."""

import importlib
import platform
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tools.house_rules import ROOT, import_rules, rooms

ROOMS = sorted(rooms(ROOT))
INSTALLED = packages_distributions()


def test_platform_is_the_standard_library_module() -> None:
    """No folder of ours may stand in front of the standard library's module."""
    assert Path(platform.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_platform_folders_hold_no_init() -> None:
    """An __init__.py there would shadow the standard library's module."""
    assert not (ROOT / "platform/__init__.py").exists()
    assert not (ROOT / "tests/platform").exists()


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_is_ours_and_nobody_elses(name: str) -> None:
    """Neither the standard library nor an installed distribution has a package of its name."""
    module = importlib.import_module(name)

    assert Path(module.__file__ or "").is_relative_to(ROOT)
    assert name not in sys.stdlib_module_names
    assert name not in INSTALLED


def test_every_room_has_import_rules() -> None:
    """A package or an adapter that import-linter does not know has no rules."""
    assert list(import_rules(ROOT)) == []


@pytest.mark.parametrize(
    "folder", ["platform", "tenants", "connectors", "themes", "infra", "tests"]
)
def test_a_folder_of_modules_is_a_package(folder: str) -> None:
    """A folder without __init__.py would be missing in a wheel, or its tests would clash."""
    holding = {path.parent for path in (ROOT / folder).rglob("*.py")}

    assert [
        str(path.relative_to(ROOT))
        for path in sorted(holding)
        if path.name != "versions" and not (path / "__init__.py").exists()
    ] == []
