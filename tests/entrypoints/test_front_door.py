"""One spelling of a host leads to one brokerage; everything else leads nowhere."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from entrypoints.application import Web
from kernel.actor import TenantRef

ALPHA, BETA, NOBODY = "Alpha Markets", "Beta Capital", ""
ALPHAS, BETAS = b"my.alpha.localhost", b"my.beta.localhost"


async def _seen(
    web: Web, *hosts: bytes, extra: tuple[tuple[bytes, bytes], ...] = (), path: str = "/login"
) -> tuple[int, str]:
    """Ask over ASGI with exactly these Host headers; return the status and whose page it is."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [*((b"host", host) for host in hosts), (b"accept", b"text/html"), *extra],
        "client": ("203.0.113.9", 4711),
        "server": ("127.0.0.1", 8000),
    }
    await web(scope, receive, send)
    text = b"".join(m.get("body", b"") for m in sent).decode()
    brands = [brand for brand in (ALPHA, BETA) if brand in text]
    assert len(brands) < 2
    return sent[0]["status"], brands[0] if brands else NOBODY


@pytest.mark.parametrize(
    ("host", "brand"),
    [
        (b"my.alpha.localhost", ALPHA),
        (b"my.beta.localhost", BETA),
        (b"MY.ALPHA.LOCALHOST", ALPHA),
        (b"my.alpha.localhost.", ALPHA),
        (b"my.alpha.localhost:8000", ALPHA),
        (b"my.alpha.localhost:80", ALPHA),
    ],
)
async def test_equal_spellings_lead_to_the_same_brand(web: Web, host: bytes, brand: str) -> None:
    """Case, the root's dot and the port that is ours change nothing."""
    assert await _seen(web, host) == (200, brand)


@pytest.mark.parametrize(
    "hosts",
    [
        (ALPHAS, BETAS),
        (BETAS, ALPHAS),
        (ALPHAS, ALPHAS),
        (),
        (b"",),
        (b"my.alpha.localhost:1234",),
        (b"my.alpha.localhost:8000:80",),
        (b"my.alpha.localhost:",),
        (b"my.alpha.localhost..",),
        (b".my.alpha.localhost",),
        (b"my..alpha.localhost",),
        (b"my.alpha.localhost, my.beta.localhost",),
        (b"my.alpha.localhost@my.beta.localhost",),
        (b"my.alpha.localhost/my.beta.localhost",),
        (b"my.alpha.localhost#",),
        (b"my.alpha.localhost\x00",),
        (b"myXalpha.localhost",),
        (b"xmy.alpha.localhost",),
        (b"my.alpha.localhost.evil.example",),
        (b"*.alpha.localhost",),
        (b"my.%61lpha.localhost",),
        ("my.älpha.localhost".encode(),),
        (b"my.xn--lpha-gra.localhost",),
        ("my.ａlpha.localhost".encode(),),
        ("my.аlpha.localhost".encode(),),
        ("my\u3002alpha\u3002localhost".encode(),),
        (b"[::1]",),
        (b"my.gamma.localhost",),
        (b"a" * 300 + b".localhost",),
    ],
)
async def test_anything_unusual_leads_to_nobodys_page(web: Web, hosts: tuple[bytes, ...]) -> None:
    """Two hosts, none, another port, look-alikes: refused, and no brand is shown."""
    assert await _seen(web, *hosts) == (421, NOBODY)


@pytest.mark.parametrize(
    "name",
    [b"x-forwarded-host", b"x-host", b"forwarded", b"x-original-host", b"x-forwarded-server"],
)
async def test_no_other_header_says_whose_host_it_is(web: Web, name: bytes) -> None:
    """Whatever a client claims beside Host, the page is Host's."""
    value = b"host=my.beta.localhost" if name == b"forwarded" else BETAS

    assert await _seen(web, ALPHAS, extra=((name, value),)) == (200, ALPHA)


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1", b"127.0.0.1:8000"])
async def test_operations_answer_only_this_machine(web: Web, host: bytes) -> None:
    """Metrics and readiness are not for a visitor from outside, whatever host is named."""
    for path in ("/metrics", "/readyz", "/healthz"):
        assert (await _seen(web, host, path=path))[0] == 404


@pytest.mark.parametrize(("state", "status"), [("archived", 421), ("provisioning", 503)])
async def test_a_closed_brokerage_shows_no_page(
    web: Web, superuser: asyncpg.Connection, tenant: TenantRef, state: str, status: int
) -> None:
    """What is archived, or not made yet, has no front door."""
    await superuser.execute("UPDATE control.tenant SET state = $1 WHERE id = $2", state, tenant.id)
    try:
        assert (await _seen(web, ALPHAS))[0] == status
    finally:
        await superuser.execute(
            "UPDATE control.tenant SET state = 'active' WHERE id = $1", tenant.id
        )
