"""Searching many logins at once: nothing that a server leaves out may look absent."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.trading.mt5_rest import Mt5Rest
from connectors.trading.port import RateLimited, Unreachable
from tests.connectors.trading.hostile_server import (
    LOGIN,
    PASSWORD,
    Answer,
    Behaviour,
    HostileServer,
    Request,
    http,
    reply,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WINDOW = (NOW - timedelta(minutes=10), NOW)
TOKENS = {7: "xaaaaaaaaaaaaaaaa", 8: "xbbbbbbbbbbbbbbbb", 9: "xcccccccccccccccc"}


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    """A server that behaves until told otherwise."""
    async with HostileServer() as running:
        yield running


@pytest.fixture
async def connection(server: HostileServer) -> AsyncIterator[Mt5Rest]:
    """The adapter with its certificate pinned."""
    made = Mt5Rest(server.address, login=LOGIN, password=PASSWORD, fingerprint=server.fingerprint)
    yield made
    await made.close()


def deal(ticket: int, login: int, comment: str, action: int = 2) -> dict[str, str]:
    """Make a deal as the server shows it."""
    return {
        "Deal": str(ticket),
        "Login": str(login),
        "Action": str(action),
        "Profit": "10.00",
        "Comment": comment,
        "Time": str(int(NOW.timestamp())),
    }


def pages(*deals: dict[str, str]) -> Behaviour:
    """Answer the pages of one login with its deals among these."""

    def behaviour(request: Request) -> Answer:
        mine = [item for item in deals if item["Login"] == request.parameters["login"]]
        return reply(mine[int(request.parameters["offset"]) :])

    return behaviour


async def test_each_login_is_searched_for_its_own_token(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """Another login's token, another kind of deal and a token further back are not found."""
    server.on(
        "/api/deal/get_batch",
        reply(
            [
                deal(5, 8, TOKENS[8] + " DEP-1"),
                deal(1, 7, TOKENS[7]),
                deal(2, 7, TOKENS[8]),
                deal(3, 9, TOKENS[9], action=0),
                deal(4, 9, f"re {TOKENS[9]}"),
                deal(6, 10, TOKENS[7]),
            ]
        ),
    )

    found = await connection.find_cash_batch(TOKENS, *WINDOW)

    assert [(one.ticket, one.login, one.amount) for one in found] == [
        (1, 7, Decimal("10.00")),
        (5, 8, Decimal("10.00")),
    ]
    sent = server.requests[-1].parameters
    assert sent.pop("login") == "7,8,9"
    # The window goes out in the server's own seconds, two hours ahead of UTC.
    assert int(sent.pop("from")) == int(WINDOW[0].timestamp()) + 7200
    assert int(sent.pop("to")) == int(WINDOW[1].timestamp()) + 7200
    assert sent == {}


async def test_a_query_names_a_hundred_logins_at_most(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """Every login is asked for exactly once."""
    server.on("/api/deal/get_batch", reply([]))

    assert await connection.find_cash_batch(dict.fromkeys(range(1, 251), "x"), *WINDOW) == []

    asked = [
        request.parameters["login"].split(",")
        for request in server.requests
        if request.path == "/api/deal/get_batch"
    ]
    assert [len(part) for part in asked] == [100, 100, 50]
    assert sorted(int(login) for part in asked for login in part) == list(range(1, 251))


@pytest.mark.parametrize(
    "cut",
    [
        reply([deal(1, 7, TOKENS[7])], retcode="14 Partial"),
        reply(retcode="12002 Not supported"),
        reply(retcode="3 Invalid parameters"),
        http(b"", status=404),
    ],
)
async def test_a_list_that_is_cut_short_or_refused_is_searched_login_by_login(
    server: HostileServer, connection: Mt5Rest, cut: Answer
) -> None:
    """The deals that the short list left out are found, and those in it only once."""
    server.on("/api/deal/get_batch", cut)
    deals = (deal(1, 7, TOKENS[7]), deal(2, 8, TOKENS[8]), deal(3, 9, "another"))
    server.behaviours["/api/deal/get_page"] = pages(*deals)

    found = await connection.find_cash_batch(TOKENS, *WINDOW)

    assert [(one.ticket, one.login) for one in found] == [(1, 7), (2, 8)]


@pytest.mark.parametrize("nothing", [reply(), reply([]), reply(retcode="13 Not found")])
async def test_no_deals_in_any_form_are_an_empty_list(
    server: HostileServer, connection: Mt5Rest, nothing: Answer
) -> None:
    """Whichever way a server says that there are none."""
    server.on("/api/deal/get_batch", nothing)

    assert await connection.find_cash_batch(TOKENS, *WINDOW) == []
    assert "/api/deal/get_page" not in server.paths()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(retcode="12 Too frequent requests"), RateLimited),
        (reply(retcode="9 Timeout"), Unreachable),
        (reply("cut"), Unreachable),
    ],
)
async def test_a_search_that_failed_says_so(
    server: HostileServer, connection: Mt5Rest, answer: Answer, error: type[Exception]
) -> None:
    """A busy, silent or unreadable server has shown nothing, least of all an absence."""
    server.on("/api/deal/get_batch", answer)

    with pytest.raises(error):
        await connection.find_cash_batch(TOKENS, *WINDOW)


async def test_a_search_without_a_token_is_a_mistake(connection: Mt5Rest) -> None:
    """An empty token would fit every comment."""
    with pytest.raises(ValueError, match="token"):
        await connection.find_cash_batch({7: ""}, *WINDOW)


async def test_a_search_on_a_moving_clock_is_wider(
    server: HostileServer, connection: Mt5Rest
) -> None:
    """Where the server's clock changes twice a year, an hour more at both ends is searched."""
    server.on("/api/time/get", reply({"TimeZone": "120", "Daylight": "1", "DaylightState": "1"}))
    server.on("/api/deal/get_batch", reply([]))

    await connection.find_cash_batch(TOKENS, *WINDOW)

    sent = server.requests[-1].parameters
    assert int(sent["from"]) == int(WINDOW[0].timestamp()) + 3 * 3600 - 3600
    assert int(sent["to"]) == int(WINDOW[1].timestamp()) + 3 * 3600 + 3600
