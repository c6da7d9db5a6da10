"""A provider's events over real HTTP: repeated, shuffled, changed, and sent to the wrong door."""

from __future__ import annotations

import asyncio
import random
import socket

import httpx
import pytest

from entrypoints.connections import Gateways
from kernel.ids import token
from tests.fixtures.database import ALPHA
from tests.fixtures.stack import Stack, eventually
from tests.isolation import canaries
from tests.journeys.money import Desk
from tests.treasury.desk import LIMITS, SECRET, add_client, sign, word
from tests.treasury.desk import Desk as CashDesk
from treasury import connections
from treasury.models import Deposit

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
async def cash(stack: Stack) -> CashDesk:
    """A cash desk of alpha whose provider's signing secret the tests know."""
    await stack.run("web", "relay", "worker")
    ports = stack.ports
    credentials = {
        "secret_key": stack.psp.create_account()["secret_key"],
        "api_base": stack.psp.url,
        "webhook_secret": SECRET,
    }
    async with ports.database.tenant(ALPHA) as session:
        connection = await connections.create(
            session,
            provider="stripe",
            name="Cards of tests",
            credentials=credentials,
            limits=LIMITS,
            vault=ports.vault,
        )
        client_id = await add_client(session)
    return CashDesk(
        ports.database,
        ALPHA,
        ports.vault,
        Gateways(allow=ports.settings.egress_allow),
        connection.id,
        connection.webhook_token,
        client_id,
    )


class Provider:
    """Posts to the running web process as the provider would."""

    def __init__(self, stack: Stack, cash: CashDesk) -> None:
        """Take the address of alpha's public site."""
        self._stack = stack
        self._path = f"/hooks/payments/{cash.hook_token}"
        self.http = httpx.AsyncClient(trust_env=False, timeout=20)

    async def post(
        self, body: bytes, signature: str, *, host: str = "www.alpha.localhost", path: str = ""
    ) -> int:
        """Send an event and return the status of the answer."""
        answer = await self.http.post(
            f"http://127.0.0.1:{self._stack.port}{path or self._path}",
            content=body,
            headers={"host": f"{host}:{self._stack.port}", "stripe-signature": signature},
        )
        return answer.status_code


async def _credited(cash: CashDesk, deposit: Deposit) -> bool:
    return (await cash.seen(deposit)).state == "credited"


async def test_seven_times_and_in_the_wrong_order_is_posted_once(
    stack: Stack, cash: CashDesk, desk: Desk
) -> None:
    """Eight clients at once, each word of the provider seven times, the last words first."""
    provider = Provider(stack, cash)
    deposit = await cash.start("100.00")
    payment = f"cs_{deposit.reference}"
    words = [
        word(deposit, "completed", status="unpaid", payment=payment, event_id=f"evt_{token(8)}"),
        word(deposit, "paid later", payment=payment, event_id=f"evt_{token(8)}"),
        word(deposit, "completed", payment=payment, event_id=f"evt_{token(8)}"),
    ]
    calls = [(body, sign(body)) for body in reversed(words) for _ in range(7)]
    random.Random(5).shuffle(calls)
    gate = asyncio.Semaphore(8)

    async def call(body: bytes, signature: str) -> int:
        async with gate:
            return await provider.post(body, signature)

    answers = await asyncio.gather(*(call(*one) for one in calls))
    settled = await eventually(lambda: _credited(cash, deposit), seconds=30)
    # Every word is handled before anything is counted.
    assert await desk_is_quiet(desk)
    stored = await desk.superuser.fetchval(
        "SELECT count(*) FROM webhook_event WHERE reference = $1", deposit.reference
    )
    entries = await desk.superuser.fetchval(
        "SELECT count(*) FROM entry WHERE reference = $1", deposit.reference
    )

    assert set(answers) == {200}
    assert settled
    assert stored == 3
    assert entries == 1
    assert (await cash.wallet()).amount == 100
    await provider.http.aclose()


async def test_a_changed_byte_leaves_a_refusal_and_nothing_else(
    stack: Stack, cash: CashDesk, desk: Desk
) -> None:
    """A byte of the body, another secret, an old moment, no signature: 400, nothing believed."""
    provider = Provider(stack, cash)
    deposit = await cash.start("77.00")
    assert await desk_is_quiet(desk)
    body = word(deposit)
    good = sign(body)
    changed = [_flipped(body, place) for place in (1, len(body) // 2, len(body) - 2)]
    bad = [
        *((one, good) for one in changed),
        (body + b" ", good),
        (body, sign(body, "whsec_of_another")),
        (body, sign(body, SECRET, age_seconds=3600)),
        (body, ""),
        (body, good[:-1] + ("0" if good[-1] != "0" else "1")),
    ]
    before = await canaries.digest(desk.superuser, "t_alpha")
    refusals = await desk.superuser.fetchval("SELECT count(*) FROM webhook_refusal")

    answers = [await provider.post(*one) for one in bad]

    after = await canaries.digest(desk.superuser, "t_alpha")
    assert answers == [400] * len(bad)
    assert {table for table in before if before[table] != after[table]} == {"webhook_refusal"}
    assert await desk.superuser.fetchval("SELECT count(*) FROM webhook_refusal") == refusals + len(
        bad
    )
    kept = await desk.superuser.fetchval("SELECT string_agg(r::text, '') FROM webhook_refusal r")
    assert deposit.reference not in kept
    # The true event is still believed afterwards.
    assert await provider.post(body, good) == 200
    assert await eventually(lambda: _credited(cash, deposit), seconds=30)
    await provider.http.aclose()


async def test_an_event_at_another_brokerages_door_is_nothing(
    stack: Stack, cash: CashDesk, desk: Desk
) -> None:
    """The address belongs to one brokerage's host; elsewhere nothing is found and nothing kept."""
    provider = Provider(stack, cash)
    deposit = await cash.start("55.00")
    body = word(deposit)
    beta = await canaries.digest(desk.superuser, "t_beta")
    alpha = await desk.superuser.fetchval("SELECT count(*) FROM webhook_event")

    answers = [
        await provider.post(body, sign(body), host="www.beta.localhost"),
        await provider.post(body, sign(body), path=f"/hooks/payments/{token()}"),
        await provider.post(body, sign(body), path=f"/hooks/else/{cash.hook_token}"),
        await provider.post(body, sign(body), host="team.alpha.localhost"),
    ]

    assert answers == [404, 404, 404, 404]
    assert await canaries.digest(desk.superuser, "t_beta") == beta
    assert await desk.superuser.fetchval("SELECT count(*) FROM webhook_event") == alpha
    await provider.http.aclose()


@pytest.mark.parametrize(
    ("request_line", "headers", "wanted"),
    [
        (b"GET http://my.beta.localhost/login HTTP/1.1", (b"Host: my.alpha.localhost",), b"Alpha"),
        (b"GET /login HTTP/1.1", (b"Host: my.alpha.localhost",), b"Alpha"),
        (
            b"GET /login HTTP/1.1",
            (b"Host: my.alpha.localhost", b"X-Forwarded-Host: my.beta.localhost"),
            b"Alpha",
        ),
        (
            b"GET /login HTTP/1.1",
            (b"Host: my.alpha.localhost", b"Host: my.beta.localhost"),
            b"",
        ),
        (b"GET /login HTTP/1.0", (), b""),
    ],
)
def test_the_wire_decides_for_one_brand_or_none(
    stack: Stack, cash: CashDesk, request_line: bytes, headers: tuple[bytes, ...], wanted: bytes
) -> None:
    """Raw requests to the real server: the target's host and a second Host change no brand."""
    del cash
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        lines = (request_line, *headers, b"Accept: text/html", b"Connection: close", b"", b"")
        connection.sendall(b"\r\n".join(lines))
        answer = b""
        while more := connection.recv(65536):
            answer += more
    brands = {brand for brand in (b"Alpha", b"Beta") if brand in answer}

    assert brands <= {wanted}
    assert not wanted or brands == {wanted}


def _flipped(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


async def desk_is_quiet(desk: Desk) -> bool:
    """Wait until every event is handled, so that only the test changes anything."""

    async def none_open() -> bool:
        return not await desk.superuser.fetchval(
            "SELECT count(*) FROM outbox WHERE done_at IS NULL"
        )

    return await eventually(none_open, seconds=40)
