"""What the MT5 REST adapter makes of a server that misbehaves, over a real TLS socket."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.trading.mt5_rest import Mt5Rest
from connectors.trading.mt5_session import Limits
from connectors.trading.port import (
    NotAdmitted,
    OpenAccount,
    RateLimited,
    Refused,
    Unknown,
    Unreachable,
    Untrusted,
)
from tests.connectors.trading.hostile_server import (
    LOGIN,
    PASSWORD,
    Answer,
    HostileServer,
    Request,
    http,
    reply,
)

LIMITS = Limits(connect_seconds=2, request_seconds=0.5, bulk_seconds=0.5, body_bytes_max=1_000_000)
TOKEN = "xaaaaaaaaaaaaaaaa"
CUT = Answer(b"", close=True)


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    """A server that behaves until told otherwise."""
    async with HostileServer() as running:
        yield running


@pytest.fixture
async def connection(server: HostileServer) -> AsyncIterator[Mt5Rest]:
    """The adapter with its certificate pinned."""
    made = connect(server)
    yield made
    await made.close()


def connect(
    server: HostileServer,
    *,
    fingerprint: str | None = "pinned",
    password: str = PASSWORD,
    limits: Limits = LIMITS,
) -> Mt5Rest:
    """Make an adapter for the server."""
    return Mt5Rest(
        server.address,
        login=LOGIN,
        password=password,
        fingerprint=server.fingerprint if fingerprint == "pinned" else fingerprint,
        limits=limits,
    )


async def deposit(connection: Mt5Rest) -> int:
    """Send the write that must never be sent twice."""
    return await connection.cash(7, "deposit", Decimal(10), TOKEN)


@pytest.mark.parametrize(
    "answer",
    [
        CUT,
        Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", close=True),
        Answer(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ret', close=True),
        Answer(b"SSH-2.0-OpenSSH\r\n", close=True),
        Answer(b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nabcde"),
        Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"),
        Answer(b"X" * 200_000),
        Answer(b"", delay_seconds=1),
        http(b"not json"),
        http(b'{"answer":{"Ticket":"1"}}'),
        http(b"{}", 403),
        http(b"{}", 500),
        reply({}),
        reply({"Ticket": "none"}),
        reply(retcode="9 Timeout"),
        reply(retcode="1018"),
    ],
    ids=range(16),
)
async def test_a_write_without_a_clear_answer_is_unknown_and_sent_once(
    server: HostileServer, connection: Mt5Rest, answer: Answer
) -> None:
    """Whatever happens after bytes have left, the write is not sent again."""
    server.on("/api/trade/balance", answer)

    with pytest.raises(Unknown):
        await deposit(connection)

    await asyncio.sleep(0.05)
    assert server.paths().count("/api/trade/balance") == 1


async def test_an_unknown_write_drops_the_connection(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """What still waits on the server's side dies with it, and later calls sign in anew."""
    server.on("/api/trade/balance", reply(retcode="9"))

    with pytest.raises(Unknown):
        await deposit(connection)
    await connection.server_time()

    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(retcode="10019 No money"), 10019),
        (reply(retcode="3"), 3),
        (reply(retcode="13 Not found"), 13),
        (http(b"", 404), 12002),
    ],
)
async def test_a_refused_write_is_definite(
    server: HostileServer, connection: Mt5Rest, answer: Answer, code: int
) -> None:
    """A clear no keeps its code, says what to do, and leaves the session in use."""
    server.on("/api/trade/balance", answer)

    with pytest.raises(Refused) as refused:
        await deposit(connection)
    await connection.server_time()

    assert refused.value.code == code
    assert refused.value.advice
    assert server.connections == 1


async def test_a_flood_limit_asks_for_a_pause(server: HostileServer, connection: Mt5Rest) -> None:
    """Code 12 means that nothing happened and that the caller should wait."""
    server.on("/api/trade/balance", reply(retcode="12 Too frequent"))

    with pytest.raises(RateLimited):
        await deposit(connection)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    """Nothing was sent, so the write may be tried again later."""
    connection = Mt5Rest("127.0.0.1:9", login=LOGIN, password=PASSWORD, limits=LIMITS)

    with pytest.raises(Unreachable):
        await deposit(connection)


async def test_failing_servers_are_not_hammered(server: HostileServer) -> None:
    """After a failed sign-in the next callers are told at once, without a connection."""
    connection = connect(server, password="Wrong-12345")

    for _ in range(5):
        with pytest.raises(NotAdmitted) as refused:
            await deposit(connection)

    assert refused.value.code == 1001
    assert server.connections == 1
    assert server.paths() == []


async def test_a_server_that_does_not_know_the_password_is_not_believed(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """A wrong cli_rand_answer ends the session before any command is sent."""
    server.on("/api/auth/answer", reply(cli_rand_answer="0" * 32, version_trade="4150"))

    with pytest.raises(Untrusted):
        await deposit(connection)

    assert server.paths() == []


async def test_a_missing_proof_is_not_a_proof(server: HostileServer, connection: Mt5Rest) -> None:
    """A server that leaves cli_rand_answer out is not believed either."""
    server.on("/api/auth/answer", reply())

    with pytest.raises(Untrusted):
        await connection.server_time()


@pytest.mark.parametrize("fingerprint", ["0" * 64, None])
async def test_an_unknown_certificate_is_not_trusted(
    server: HostileServer, fingerprint: str | None
) -> None:
    """Another certificate than the pinned one, or a self-signed one unpinned, gets no byte."""
    connection = connect(server, fingerprint=fingerprint)

    with pytest.raises(Untrusted):
        await connection.server_time()

    assert server.requests == []


async def test_a_tenants_address_may_not_lead_inside(server: HostileServer) -> None:
    """Without the operator's exception nothing connects to a private address."""
    for allow in (frozenset[str](), frozenset({"127.0.0.1:1"}), frozenset({server.address})):
        connection = Mt5Rest(
            server.address,
            login=LOGIN,
            password=PASSWORD,
            fingerprint=server.fingerprint,
            egress_allow=allow,
        )
        if server.address in allow:
            assert (await connection.server_time()).raw > 0
            await connection.close()
        else:
            with pytest.raises(Unreachable, match="refused"):
                await connection.server_time()
            assert server.connections == 0


async def test_a_fingerprint_may_be_written_with_colons(server: HostileServer) -> None:
    """As certificate tools print it: upper case and with colons."""
    hexadecimal = server.fingerprint.upper()
    written = ":".join(hexadecimal[i : i + 2] for i in range(0, 64, 2))
    connection = connect(server, fingerprint=written)

    assert (await connection.server_time()).offset_seconds == 7200
    await connection.close()


@pytest.mark.parametrize("answer", [CUT, http(b"", 403), http(b"", 401), http(b"", 400)])
async def test_a_read_signs_in_again_once(
    server: HostileServer, connection: Mt5Rest, answer: Answer
) -> None:
    """A lost session is rebuilt for a read, which then gets its answer."""
    server.on("/api/group/get", answer, reply([{"Group": "real\\pro-usd", "Currency": "USD"}]))

    (group,) = await connection.groups()

    assert group.name == "real\\pro-usd"
    assert server.connections == 2


async def test_a_read_gives_up_after_the_second_loss(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """There is no loop: two losses make the server unreachable."""
    server.on("/api/group/get", CUT)

    with pytest.raises(Unreachable):
        await connection.groups()

    assert server.paths() == ["/api/group/get"] * 2


async def test_a_slow_read_ends_in_time(server: HostileServer, connection: Mt5Rest) -> None:
    """The timeout is hard, is not repeated, and the late answer can't meet the next question."""
    server.on("/api/group/get", Answer(reply([]).data, delay_seconds=5))

    started = asyncio.get_running_loop().time()
    with pytest.raises(Unreachable):
        await connection.groups()

    assert asyncio.get_running_loop().time() - started < 2
    assert (await connection.server_time()).offset_seconds == 7200


async def test_a_cancelled_call_leaves_no_answer_behind(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """The connection of a cancelled caller is dropped, or the next one would read its answer."""
    await connection.server_time()
    server.on("/api/group/get", Answer(reply([{"Group": "late"}]).data, delay_seconds=0.2))

    call = asyncio.create_task(connection.groups())
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    server.on("/api/position/get_batch", reply([]))
    assert await connection.positions("*") == []
    assert server.connections == 2


async def test_an_idle_session_is_kept_alive(server: HostileServer) -> None:
    """Pings keep it open, and a busy session gets none."""
    limits = Limits(ping_after_seconds=0.1)
    connection = connect(server, limits=limits)
    await connection.server_time()

    await asyncio.sleep(0.55)
    pings = server.paths().count("/api/test/access")
    await connection.close()
    await asyncio.sleep(0.2)

    assert 3 <= pings <= 5
    assert server.paths().count("/api/test/access") == pings
    assert server.paths()[-1] == "/api/quit"


async def test_a_write_after_a_pause_finds_the_lost_session_first(server: HostileServer) -> None:
    """A connection that died while idle is replaced before the write leaves."""
    connection = connect(server, limits=Limits(prove_after_seconds=0.05))
    server.on("/api/trade/balance", reply({"Ticket": "136623"}))
    server.on("/api/test/access", CUT)
    await connection.server_time()
    await asyncio.sleep(0.1)

    assert await deposit(connection) == 136623
    assert server.connections == 2
    assert server.paths().count("/api/trade/balance") == 1
    await connection.close()


async def test_calls_go_out_one_after_the_other(server: HostileServer, connection: Mt5Rest) -> None:
    """Ten callers share one connection and never overlap on it."""

    def behaviour(request: Request) -> Answer:
        answer = [{"Login": request.parameters["login"]}]
        return Answer(reply(answer).data, delay_seconds=0.01)

    server.behaviours["/api/user/account/get_batch"] = behaviour

    states = await asyncio.gather(*(connection.account_states(logins=[n]) for n in range(1, 11)))

    assert [state.login for (state,) in states] == list(range(1, 11))
    assert server.connections == 1


async def test_passwords_and_personal_data_stay_in_the_body(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """Nothing of the person is in an address, where proxies and logs would keep it."""
    server.on("/api/user/add", reply({"Login": "5001"}, login="5001"))
    request = OpenAccount(
        group="real\\pro-usd",
        name="Ada Lovelace",
        email="ada@example.com",
        leverage=100,
        main_password="Main-12345",
        investor_password="Inve-12345",
        token=TOKEN,
        zip_code="SW1Y 4LB",
    )

    assert await connection.open_account(request) == 5001

    (sent,) = [item for item in server.requests if item.path == "/api/user/add"]
    body = json.loads(sent.body)
    assert sent.parameters == {}
    assert body["Group"] == "real\\pro-usd"
    assert (body["PassMain"], body["ID"]) == ("Main-12345", TOKEN)
    assert body["ZipCode"] == body["ZIPCode"] == "SW1Y 4LB"
    assert all(isinstance(value, str) for value in body.values())
    for secret in ("Main-12345", "Inve-12345", "Ada", "ada@", "SW1Y"):
        assert secret not in repr(request)


async def test_errors_hold_no_secrets(server: HostileServer, connection: Mt5Rest) -> None:
    """A server that echoes what it was sent gets none of it into our errors' causes."""
    server.behaviours["/api/user/add"] = lambda request: http(request.body)
    request = OpenAccount("g", "Ada", "ada@example.com", 100, "Main-12345", "Inve-12345", TOKEN)

    with pytest.raises(Unknown) as unknown:
        await connection.open_account(request)

    assert unknown.value.__cause__ is None
    assert "Main-12345" not in str(unknown.value)


async def test_group_paths_keep_their_backslashes(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """A mask goes out percent-encoded, character by character."""
    server.on("/api/position/get_batch", reply([]))

    await connection.positions("real\\MM\\*,demo\\a&b")

    assert server.requests[-1].parameters == {"group": "real\\MM\\*,demo\\a&b"}
    assert "%5C" in server.requests[-1].target


async def test_deals_pass_through_untouched(server: HostileServer, connection: Mt5Rest) -> None:
    """The array is the very bytes of the server, in a window of the server's own time."""
    inner = b'[{"Deal":"1","Profit":"0.10"} , {"Deal":"2","Comment":"\xc3\xa9"}]'
    server.on("/api/deal/get_batch", http(b'{"retcode":"0 Done","answer":' + inner + b"}"))
    until = datetime(2026, 11, 24, 12, tzinfo=UTC)

    assert await connection.deals_raw("real\\*", until - timedelta(hours=1), until) == inner

    sent = server.requests[-1].parameters
    assert int(sent["to"]) == int(until.timestamp()) + 7200
    assert int(sent["to"]) - int(sent["from"]) == 3600


async def test_long_windows_of_deals_are_read_in_parts(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """Days follow each other without gap or overlap; a cut answer is read in halves."""
    windows: list[tuple[int, int]] = []

    def behaviour(request: Request) -> Answer:
        start, stop = int(request.parameters["from"]), int(request.parameters["to"])
        if stop - start > 50_000:
            return reply([{"Deal": "cut"}], retcode="14 Partial")
        windows.append((start, stop))
        return reply([{"Deal": str(start)}] if len(windows) % 2 else [])

    server.behaviours["/api/deal/get_batch"] = behaviour
    until = datetime(2026, 11, 24, 12, tzinfo=UTC)
    since = until - timedelta(days=2, hours=1)

    deals = json.loads(await connection.deals_raw("*", since, until))

    assert windows[0][0] == int(since.timestamp()) + 7200
    assert windows[-1][1] == int(until.timestamp()) + 7200
    assert all(left[1] + 1 == right[0] for left, right in itertools.pairwise(windows))
    assert [deal["Deal"] for deal in deals] == [str(start) for start, _ in windows[::2]]


@pytest.mark.parametrize("answer", [reply(), reply([]), reply(retcode="13 Not found")])
async def test_no_deals_are_an_empty_array(
    server: HostileServer, connection: Mt5Rest, answer: Answer
) -> None:
    """Whichever way a server says that there are none."""
    server.on("/api/deal/get_batch", answer)
    now = datetime.now(UTC)

    assert json.loads(await connection.deals_raw("*", now, now)) == []


async def test_a_search_reads_short_pages_to_the_end(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """A page shorter than asked is not the last: a deal missed would be booked a second time."""
    deals = [
        {"Deal": str(n), "Login": "7", "Action": "2", "Profit": "1.00", "Comment": f"{n}"}
        for n in range(1, 200)
    ]
    deals[150] |= {"Comment": TOKEN + " DEP", "Profit": "10.00"}
    deals[151] |= {"Comment": TOKEN, "Action": "0"}
    deals[152] |= {"Comment": f"re {TOKEN}"}

    def behaviour(request: Request) -> Answer:
        start = int(request.parameters["offset"])
        return reply(deals[start : start + 30])

    server.behaviours["/api/deal/get_page"] = behaviour
    now = datetime.now(UTC)

    found = await connection.find_cash(7, TOKEN, now - timedelta(minutes=10), now)

    assert [(deal.ticket, deal.amount) for deal in found] == [(151, Decimal("10.00"))]


async def test_a_search_on_a_moving_clock_is_wider(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """Where the server's clock changes twice a year, an hour more at both ends is searched."""
    server.on("/api/time/get", reply({"TimeZone": "120", "Daylight": "1", "DaylightState": "1"}))
    server.on("/api/deal/get_page", reply([]))
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    assert await connection.find_cash(7, TOKEN, now, now) == []

    sent = server.requests[-1].parameters
    assert int(sent["from"]) == int(now.timestamp()) + 3 * 3600 - 3600
    assert int(sent["to"]) == int(now.timestamp()) + 3 * 3600 + 3600


async def test_a_cut_list_of_accounts_is_not_an_absence(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """An account that may stand in the part that was cut must not be opened a second time."""
    server.on("/api/user/get_batch", reply([{"Login": "1", "ID": "x"}], retcode="14 Partial"))

    with pytest.raises(Refused):
        await connection.find_account(TOKEN, "*")
