"""Two hundred outflows at once over two web processes: exactly as many as there is money for."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import asyncpg
import httpx
import pytest

from infra.embedded.programs import unused_port
from kernel.ids import uuid7
from kernel.money import Money
from ledger import bookings, entries
from ledger.verification import verify
from tests.factories.trading import open_account
from tests.fixtures.database import ALPHA
from tests.fixtures.stack import Stack
from tests.journeys.money import Desk
from tests.tradersroom import people

pytestmark = [pytest.mark.prove, pytest.mark.timeout(180)]
_CSRF = re.compile(r'name="_csrf_token"\s+value="([^"]+)"')
REQUESTS, FUNDS = 200, 100


@dataclass
class Person:
    """A client with a browser's cookies, who asks any of the web processes."""

    ports: list[int]
    http: httpx.AsyncClient
    token: str = field(default="")

    async def get(self, path: str) -> httpx.Response:
        """Open a page at the first process and remember its token."""
        port = self.ports[0]
        answer = await self.http.get(f"http://127.0.0.1:{port}{path}", headers=_host(port))
        if found := _CSRF.search(answer.text):
            self.token = found.group(1)
        return answer

    async def post(self, path: str, values: dict[str, str], *, turn: int = 0) -> httpx.Response:
        """Send a form to one process after the other."""
        port = self.ports[turn % len(self.ports)]
        form = {**values, "_csrf_token": self.token}
        address = f"http://127.0.0.1:{port}{path}"
        return await self.http.post(address, data=form, headers=_host(port))


def _host(port: int) -> dict[str, str]:
    return {"host": f"my.alpha.localhost:{port}"}


async def _signed_in(stack: Stack, desk: Desk, ports: list[int]) -> tuple[Person, UUID]:
    """Register over HTTP; the address is confirmed as its link would."""
    http = httpx.AsyncClient(
        trust_env=False,
        timeout=60,
        headers={"accept": "text/html,*/*"},
        limits=httpx.Limits(max_connections=REQUESTS),
    )
    person = Person(ports, http)
    await person.get("/register")
    registered = await person.post("/register", people.form())
    assert registered.status_code == 200, registered.text
    await desk.superuser.execute(
        "UPDATE t_alpha.user_account SET email_verified_at = now() WHERE email = $1",
        people.form()["email"],
    )
    await desk.superuser.execute("DELETE FROM t_alpha.restriction")
    await person.get("/login")
    answer = await person.post(
        "/login", {"email": people.form()["email"], "password": people.PASSWORD}
    )
    assert answer.status_code == 303, answer.text
    client_id = await desk.superuser.fetchval(
        "SELECT id FROM t_alpha.client WHERE email = $1", people.form()["email"]
    )
    return person, client_id


async def test_two_hundred_transfers_over_two_web_processes_spend_a_wallet_exactly(
    stack: Stack, desk: Desk
) -> None:
    """A hundred dollars, two hundred requests for one: a hundred are set aside, none more."""
    ports = [stack.port]
    await stack.run("web")
    stack.port = unused_port()
    stack.environment["MARQUE_PORT"] = str(stack.port)
    ports.append(stack.port)
    await stack.run("web@")
    person, client_id = await _signed_in(stack, desk, ports)
    account_id = await open_account(
        stack.ports.database, ALPHA, server_id=uuid7(), login=990_001,
        group_name="real\\alpha\\STD-USD", client_id=client_id,
    )  # fmt: skip
    async with stack.ports.database.tenant(ALPHA) as session:
        lines = bookings.deposit(desk.connection_id, client_id, Money.of(f"{FUNDS}.00", "USD"))
        await entries.post(session, key="double-spending", kind="deposit", lines=lines)
    await person.get("/transfer")

    async def ask(number: int) -> tuple[int, float]:
        started = time.perf_counter()
        values = {"source": "w:USD", "target": f"a:{account_id}", "amount": "1.00"}
        answer = await person.post(
            "/transfer/confirm", {**values, "key": f"many-{number}"}, turn=number
        )
        return answer.status_code, time.perf_counter() - started

    answers = await asyncio.gather(*(ask(number) for number in range(REQUESTS)))
    await person.http.aclose()

    accepted = sum(status == 303 for status, _ in answers)
    others = sorted({status for status, _ in answers if status != 303})
    left = await _available(desk.superuser, client_id)
    p95 = sorted(seconds for _, seconds in answers)[int(REQUESTS * 0.95)]
    async with stack.ports.database.tenant_read(ALPHA) as reading:
        proof = await verify(reading)
    print(f"doublespend: web=2 paid={accepted} final={left:.2f} p95={p95:.2f}s")  # noqa: T201
    assert (accepted, left) == (FUNDS, Decimal(0))
    # A wallet that is empty by then is not even offered any more.
    assert set(others) <= {409, 422}
    assert proof.ok, proof.summary


async def _available(superuser: asyncpg.Connection, client_id: UUID) -> Decimal:
    found: Decimal = await superuser.fetchval(
        "SELECT -amount - held FROM t_alpha.balance"
        " WHERE code = 'liability.client_wallet' AND owner_id = $1 AND currency = 'USD'",
        str(client_id),
    )
    return found
