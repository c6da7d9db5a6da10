"""In CI a browser test that was skipped is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest

@pytest.mark.browser
def test_a_page():
    pytest.skip("no Chromium here")

def test_a_thing():
    pytest.skip("not on this system")
"""


@pytest.mark.parametrize(
    ("ci", "closing"), [("true", "1 failed, 1 skipped"), ("", "2 skipped"), ("false", "2 skipped")]
)
def test_a_skipped_browser_test_fails_only_in_ci(tmp_path: Path, ci: str, closing: str) -> None:
    """A machine without a browser may skip; CI may not, and says why."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert f" {closing} in " in run.stdout.splitlines()[-1]
    assert ("may not be skipped in CI: Skipped: no Chromium here" in run.stdout) == (ci == "true")
