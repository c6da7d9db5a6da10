"""The list of leads that sales keep open all day, beside the same rows rendered bare.

Ours is the shipped page `/crm/leads` at 50 rows: the web process as `marque up` starts it, with
the host looked up, the session read, the permission checked, the reader's scope applied, rows
and counts read in one transaction that commits, filters, tabs, navigation and shell rendered,
headers, metrics and a log line written. The reference (bare_leads.py) is a Litestar handler that
reads the same 50 rows by one statement and renders them into a page without anything around
them. Both are one granian worker with the same settings, on the same PostgreSQL (fsync on, 2,000
leads), asked by the same client over connections that stay open. The rows of both are compared
byte by byte before anything is measured.

Two more references render the whole page, shell and all, as Jinja2 does by itself, with none of
the work around it (stock_leads.py): raw ASGI on the same server, and FastAPI on uvicorn. Their
answers must be as long as ours to five in a hundred. Their goals are speeds: at least as fast as
the one, one and a half times as fast as the other.

One unit is one request, by 1 or by 8 clients at once;
neither side compresses, because the client does not ask for it. Ours keeps pages by what they are
made from (themes.kept_pages), as shipped. Two last lines without a verdict tell what it costs
when all 50 rows have changed before each request, and for a browser that asks for Brotli.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from bench import harness, wire
from bench.harness import Result, Side
from bench.stack import SLUG, Stack, stack
from crm import lead_tally
from identity import sessions, users
from infra.embedded.programs import Program, answering, unused_port
from kernel.clock import now
from kernel.database import TenantSession
from tenants import queries
from tenants.ports import Ports

GOAL, RAW_GOAL, FASTAPI_GOAL = 2.0, 1.0, 1.5
LEADS = 2000
REQUESTS = 120
_FIRST = ("Aisha", "Ben", "Chen", "Dalia", "Emre", "Farah", "Goran", "Hana", "Ivo", "Jana")
_LAST = ("Abadi", "Brandt", "Costa", "Dimitrov", "Eriksen", "Farouk", "Gomez", "Haddad", "Ito")
_COUNTRIES = ("DE", "AE", "GB", "ZA", "TR", "ES", "FR", "SA")
_STAGES = ("new", "contacted", "qualified", "converted", "lost", "nurture")
_SOURCES = ("form", "embed", "api", "referral", "register", "import")
_ROW = re.compile(r"<td>.*?</tr>", re.DOTALL)


async def run() -> list[Result]:
    """Measure with one client and with eight."""
    async with stack() as (started, ports):
        cookie = await _seed(started, ports)
        started.start_product("web")
        host = f"team.{SLUG}.localhost:{started.port}"
        cookie = await _with_token(started.port, host, cookie)
        ours = wire.request("GET", "/crm/leads", host, headers={"Cookie": cookie})
        found: list[Result] = []
        for reference in _references(started, host, cookie):
            port = _start(started, reference)
            theirs = wire.request("GET", "/leads", f"127.0.0.1:{port}")
            await reference.check(started.port, ours, port, theirs)
            found += [
                await harness.compare(
                    f"leads-page, {clients} client{'s' * (clients > 1)}",
                    reference.name,
                    ours=_side(started.port, ours, clients),
                    theirs=_side(port, theirs, clients),
                    goal=reference.goal,
                    units=REQUESTS,
                    at_least=reference.at_least,
                )
                for clients in (1, 8)
            ]
        await _tell_changing(started, ours)
        await _tell_brotli(started.port, host, cookie)
    return found


async def _with_token(port: int, host: str, cookie: str) -> str:
    """Ask once, and return the cookies of a browser that has been here: the forms' token too."""
    connection = await wire.Connection.connect(port)
    answer = await connection.send(
        wire.request("GET", "/crm/leads", host, headers={"Cookie": cookie})
    )
    await connection.close()
    return f"{cookie}; {answer.headers['set-cookie'].partition(';')[0]}"


Check = Callable[[int, bytes, int, bytes], Awaitable[None]]


@dataclass(frozen=True)
class _Reference:
    name: str
    command: tuple[str, ...]
    goal: float
    at_least: bool
    check: Check
    environment: Mapping[str, str]


def _references(started: Stack, host: str, cookie: str) -> list[_Reference]:
    bare = {"BENCH_DATABASE": started.environment["DATABASE_URL"], "BENCH_SCHEMA": f"t_{SLUG}"}
    whole = {**started.environment, **bare, "BENCH_HOST": host, "BENCH_COOKIE": cookie}
    stock = ("bench.stock_leads", "raw"), ("bench.stock_leads", "fastapi")
    return [
        _Reference("bare Litestar", ("bench.bare_leads",), GOAL, False, _same_rows, bare),
        _Reference("raw ASGI, granian", stock[0], RAW_GOAL, True, _same_size, whole),
        _Reference("FastAPI, uvicorn", stock[1], FASTAPI_GOAL, True, _same_size, whole),
    ]


def _start(started: Stack, reference: _Reference) -> int:
    port = unused_port()
    module, *rest = reference.command
    command = (sys.executable, "-m", module, *rest, str(port))
    probe = answering(port, "/leads")
    started.start([Program(reference.name, command, probe, port, reference.environment)])
    return port


def _side(port: int, request: bytes, clients: int) -> Side:
    async def one(connection: wire.Connection) -> None:
        for _ in range(REQUESTS // clients):
            answer = await connection.send(request)
            assert answer.status == 200, answer.status

    async def side() -> float:
        connections = [await wire.Connection.connect(port) for _ in range(clients)]
        started = time.perf_counter()
        await asyncio.gather(*map(one, connections))
        taken = time.perf_counter() - started
        for connection in connections:
            await connection.close()
        return taken / REQUESTS

    return side


async def _same_rows(port: int, ours: bytes, bare: int, theirs: bytes) -> None:
    """Stop the run when both sides do not answer with the same rows."""
    pages = []
    for where, request in ((port, ours), (bare, theirs)):
        connection = await wire.Connection.connect(where)
        answer = await connection.send(request)
        await connection.close()
        assert answer.status == 200, answer
        pages.append(answer.body.decode())
    # Ages such as "6 min ago" may differ by the second that lies between both requests.
    rows = [[re.sub(r"<time.*?</time>", "", row) for row in _ROW.findall(page)] for page in pages]
    assert len(rows[0]) == 50, len(rows[0])
    if [_squeezed(row) for row in rows[0]] != [_squeezed(row) for row in rows[1]]:
        raise AssertionError(f"the rows differ:\n{rows[0][0]}\n{rows[1][0]}")
    print(f"# pages: ours {len(pages[0])} bytes, reference {len(pages[1])} bytes, same 50 rows")


async def _same_size(port: int, ours: bytes, other: int, theirs: bytes) -> None:
    """Stop the run when the answers differ by more than five in a hundred, or in their rows."""
    sizes = []
    for where, request in ((port, ours), (other, theirs)):
        connection = await wire.Connection.connect(where)
        answer = await connection.send(request)
        await connection.close()
        assert answer.status == 200, answer
        assert len(_ROW.findall(answer.body.decode())) == 50
        sizes.append(len(answer.body))
    assert abs(sizes[0] - sizes[1]) <= sizes[1] * 0.05, sizes
    print(f"# pages: ours {sizes[0]} bytes, reference {sizes[1]} bytes", flush=True)


def _squeezed(row: str) -> str:
    return "".join(row.split())


async def _tell_changing(started: Stack, request: bytes) -> None:
    """Say what the page costs when nothing of it is kept: before each, its newest leads change."""
    database = await asyncpg.connect(
        started.environment["DATABASE_URL"], server_settings={"search_path": f"t_{SLUG}"}
    )
    connection = await wire.Connection.connect(started.port)
    taken = 0.0
    for _ in range(REQUESTS):
        await database.execute(_TOUCH)
        begun = time.perf_counter()
        assert (await connection.send(request)).status == 200
        taken += time.perf_counter() - begun
    await connection.close()
    await database.close()
    print(f"# leads-page, all 50 rows new each time: {taken / REQUESTS * 1000:.2f} ms", flush=True)


async def _tell_brotli(port: int, host: str, cookie: str) -> None:
    headers = {"Cookie": cookie, "Accept-Encoding": "br"}
    request = wire.request("GET", "/crm/leads", host, headers=headers)
    taken = await _side(port, request, 1)()
    connection = await wire.Connection.connect(port)
    size = len((await connection.send(request)).body)
    await connection.close()
    print(f"# leads-page with Brotli: {taken * 1000:.2f} ms, {size} bytes", flush=True)


async def _seed(started: Stack, ports: Ports) -> str:
    """Write staff and leads, sign the owner in, and return the cookie."""
    async with ports.database.control() as control:
        tenant = await queries.tenant_by_slug(control, SLUG)
        assert tenant is not None
        ref = queries.ref(tenant)
    async with ports.database.tenant(ref) as session:
        people = [await _agent(session, number) for number in range(7)]
        owner = await users.create(
            session, kind="staff", email="owner.bench@bench.example", name="Olivia Berg",
            password=None,
        )  # fmt: skip
        owner.state = "active"
        await users.grant_role(session, user=owner, role="owner")
        value = await sessions.start(
            session,
            user_id=owner.id,
            kind="staff",
            surface="staff",
            host=f"team.{SLUG}.localhost",
        )
    connection = await asyncpg.connect(
        started.environment["DATABASE_URL"], server_settings={"search_path": ref.schema}
    )
    try:
        await connection.executemany(_INSERT, _leads(people))
        async with ports.database.tenant(ref) as session:
            await lead_tally.add_up(session)  # as the scheduler does every ten minutes
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return f"{sessions.cookie_name(https=False)}={value}"


_TOUCH = """
UPDATE lead SET score = (score + 1) % 100 WHERE id IN
  (SELECT id FROM lead ORDER BY created_at DESC, id DESC LIMIT 50)
"""
_INSERT = """
INSERT INTO lead (reference, first_name, last_name, email, phone, phone_digits, country, language,
                  source, campaign, utm, referral_code, stage, owner_id, score, created_at,
                  updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'en', $8, $9, '{}', $10, $11, $12, $13, $14, $15)
"""


def _leads(people: list[object]) -> list[tuple[object, ...]]:
    dice = random.Random(7)
    moment = now() - timedelta(days=1)
    rows: list[tuple[object, ...]] = []
    for number in range(LEADS):
        created = moment - timedelta(minutes=number * 11)
        phone = f"+49151{number:08}"
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        rows.append(
            (
                f"LD-{number:06}",
                first,
                last,
                f"{first}.{last}.{number}@example.com".lower(),
                phone,
                phone[1:],
                dice.choice(_COUNTRIES),
                dice.choice(_SOURCES),
                dice.choice(("autumn", "webinar", None)),
                dice.choice(("IB7", None, None)),
                dice.choice(_STAGES),
                dice.choice([*people, None]),
                dice.randrange(100),
                created,
                created + timedelta(minutes=dice.randrange(600)),
            )
        )
    return rows


async def _agent(session: TenantSession, number: int) -> object:
    user = await users.create(
        session,
        kind="staff",
        email=f"agent{number}@bench.example",
        name=f"{_FIRST[number]} {_LAST[number]}",
        password=None,
    )
    await users.grant_role(session, user=user, role="sales_agent")
    return user.id
