"""An unexpected failure tells the reader a reference and the log no secret."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import get
from litestar.params import FromPath
from structlog.testing import capture_logs

from entrypoints.application import Web
from entrypoints.surfaces import Surface
from kernel.web.access import PUBLIC
from tenants.ports import Ports
from tests.fixtures.web import Browser, host


@get("/broken/{secret:str}", permission=PUBLIC)
async def broken(secret: FromPath[str]) -> dict[str, Any]:
    """Fail with the secret in the error, as careless code would."""
    raise RuntimeError(secret)


@pytest.fixture
def failing(ports: Ports) -> Web:
    """A public site with one route that fails."""
    return Web(ports, surfaces=(Surface("public", "public site", [broken]),))


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_a_failure_names_a_reference_and_logs_no_secret(failing: Web, accept: str) -> None:
    """Neither the address nor the error's words reach the answer or the log."""
    browser = Browser(failing)
    with capture_logs() as lines:
        answer = await browser.get(host("www"), "/broken/hunter2-token", headers={"accept": accept})
    await browser.close()

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "hunter2" not in answer.text
    assert any(line["event"] == "request failed" for line in lines)
    assert "hunter2" not in str(lines)
