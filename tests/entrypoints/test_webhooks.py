"""What a provider's call is answered at the door of the public site."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest

from entrypoints.application import Web
from entrypoints.connections import Gateways
from entrypoints.webhooks import BODY_MAX
from kernel.actor import TenantRef
from kernel.web.access import PUBLIC, declared_routes
from tenants.ports import Ports
from tests.fixtures.web import another_web
from tests.treasury.desk import Desk, open_desk, sign, word

SITE = "http://www.alpha.localhost"


@pytest.fixture
async def web(ports: Ports) -> Web:
    """The web application of an operator who allows the tests' provider."""
    return another_web(replace(ports, gateways=Gateways(allow=frozenset({"127.0.0.1:1"}))))


@pytest.fixture
async def cash(web: Web, tenant: TenantRef) -> Desk:
    """A connection of alpha whose signing secret the tests know."""
    return await open_desk(web.ports.database, tenant, web.ports.vault)


@pytest.fixture
async def http(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    """A provider that calls."""
    transport = httpx.ASGITransport(app=web)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport) as made:
        yield made


async def test_a_signed_event_is_stored_repeated_or_refused(
    cash: Desk, http: httpx.AsyncClient
) -> None:
    """The answers are plain text under the site's own headers."""
    body = word(await cash.start())
    address = f"{SITE}/hooks/payments/{cash.hook_token}"
    headers = {"Stripe-Signature": sign(body), "content-type": "application/json"}

    stored = await http.post(address, content=body, headers=headers)
    repeated = await http.post(f"{address}/", content=body, headers=headers)
    refused = await http.post(address, content=body + b" ", headers=headers)

    answers = [(one.status_code, one.text) for one in (stored, repeated, refused)]
    assert answers == [(200, ""), (200, ""), (400, "refused")]
    assert stored.headers["content-type"] == "text/plain; charset=utf-8"
    assert stored.headers["x-request-id"] != repeated.headers["x-request-id"]
    assert "frame-ancestors" in stored.headers["content-security-policy"]
    assert "set-cookie" not in stored.headers


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", f"{SITE}/hooks/payments/nobody", 404),
        ("DELETE", f"{SITE}/hooks/payments/TOKEN", 405),
        ("PUT", f"{SITE}/hooks/payments/TOKEN", 405),
        ("POST", f"{SITE}/hooks/payments/nobody", 404),
        ("POST", f"{SITE}/hooks/payments/", 404),
        ("POST", f"{SITE}/hooks/payments/TOKEN/more", 404),
        ("POST", f"{SITE}/hooks/payments/TOKEN//", 404),
        ("POST", f"{SITE}/hooks/else/TOKEN", 404),
        ("POST", "http://www.beta.localhost/hooks/payments/TOKEN", 404),
        ("POST", "http://my.alpha.localhost/hooks/payments/TOKEN", 404),
        ("POST", "http://team.alpha.localhost/hooks/payments/TOKEN", 404),
    ],
)
async def test_what_is_no_providers_call_is_a_problem_and_stores_nothing(
    cash: Desk, http: httpx.AsyncClient, method: str, address: str, status: int
) -> None:
    """Another method, kind, token, brokerage or surface, whoever signed."""
    body = word(await cash.start())
    headers = {"Stripe-Signature": sign(body), "content-type": "application/json"}

    answer = await http.request(
        method, address.replace("TOKEN", cash.hook_token), content=body, headers=headers
    )

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert await cash.work() == []


async def test_a_body_too_large_is_refused_before_it_is_verified(
    cash: Desk, http: httpx.AsyncClient, superuser: asyncpg.Connection[Any]
) -> None:
    """256 KiB are taken, in however many pieces, and one byte more is not."""
    body = word(await cash.start())
    body += b" " * (BODY_MAX - len(body))
    address = f"{SITE}/hooks/payments/{cash.hook_token}"

    async def pieces(extra: bytes) -> AsyncIterator[bytes]:
        for start in range(0, BODY_MAX, 60_000):
            yield body[start : start + 60_000]
        yield extra

    headers = {"Stripe-Signature": sign(body)}
    larger = await http.post(address, content=pieces(b" "), headers=headers)
    fits = await http.post(address, content=pieces(b""), headers=headers)

    assert (larger.status_code, larger.text) == (413, "too large")
    assert (fits.status_code, fits.text) == (200, "")
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.webhook_refusal") == 0


async def test_a_failure_of_ours_is_answered_with_its_reference_and_can_be_repeated(
    cash: Desk, http: httpx.AsyncClient, superuser: asyncpg.Connection[Any]
) -> None:
    """The provider sends again what was not stored; nothing of the error is told."""
    body = word(await cash.start())
    address = f"{SITE}/hooks/payments/{cash.hook_token}"
    headers = {"Stripe-Signature": sign(body)}
    table = "ALTER TABLE t_alpha.webhook_event"
    await superuser.execute(f"{table} ADD CONSTRAINT planted CHECK (false) NOT VALID")
    try:
        failed = await http.post(address, content=body, headers=headers)
    finally:
        await superuser.execute(f"{table} DROP CONSTRAINT planted")
    again = await http.post(address, content=body, headers=headers)

    assert failed.status_code == 500
    assert failed.headers["x-request-id"] in failed.text
    assert "planted" not in failed.text
    assert (again.status_code, again.text) == (200, "")


def test_the_address_is_among_the_declared_routes(web: Web) -> None:
    """The front answers it without the framework, and the catalogue of routes knows it."""
    hooks = {path: h for path, h in declared_routes(web.apps["public"]) if "/hooks/" in path}
    [handler] = [one for path, one in hooks.items() if "/mail/" not in path]

    assert handler.opt["permission"] == PUBLIC
