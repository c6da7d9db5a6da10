"""Under CI=true a browser test may not be skipped.

On a developer's machine without a Chromium these tests skip; in CI a skip would be a green run
that looked at no page. pyproject.toml loads this module as a plugin of pytest.
"""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the report of a skipped browser test into a failure when CI is true."""
    report = yield
    wanted = os.environ.get("CI") == "true" and item.get_closest_marker("browser") is not None
    if wanted and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"a browser test may not be skipped in CI: {reason}"
    return report
