"""Many operations travel together, and each ends as if it had travelled alone (MON6)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from connectors.trading.mt5_rest import Mt5Rest
from connectors.trading.port import CashKind
from kernel.settings import Settings
from tests.factories.trading import open_account
from tests.fixtures.mt5_simulator import Mt5Simulator
from tests.trading.conftest import GROUP, SERVER_ID, Connections, connect, new_login
from tests.trading.desk import QUIET, Desk
from trading.models import PlatformOperation

COUNT = 6


@pytest.fixture
async def accounts(desk: Desk, connections: Connections) -> list[UUID]:
    """Accounts of as many clients."""
    made = []
    for _ in range(COUNT):
        login = await new_login(connections.connection)
        made.append(
            await open_account(
                desk.database, desk.tenant, server_id=SERVER_ID, login=login, group_name=GROUP
            )
        )
    return made


async def _ask_all(desk: Desk, accounts: list[UUID]) -> list[PlatformOperation]:
    return [
        await desk.ask(f"{number + 10}.00", account_id=account_id)
        for number, account_id in enumerate(accounts)
    ]


async def test_operations_of_many_logins_share_their_commits(
    desk: Desk, accounts: list[UUID], superuser: asyncpg.Connection[Any]
) -> None:
    """One commit claims all before the first call, one records all after the last."""
    asked = await _ask_all(desk, accounts)
    await desk.send_all([one.id for one in asked])

    assert [(await desk.read(one.id)).state for one in asked] == ["done"] * COUNT
    booked = [desk.booked(one.token) for one in asked]
    assert booked == [[f"{number + 10}.00"] for number in range(COUNT)]
    for fact in ("claimed", "applied"):
        writers = await superuser.fetchval(
            "SELECT count(DISTINCT xmin::text) FROM t_alpha.operation_step WHERE fact = $1", fact
        )
        assert writers == 1, fact
    topics = await desk.topics()
    assert topics.count("trading.cash_done") == COUNT


async def test_one_that_fails_or_stays_unknown_holds_up_no_other(
    desk: Desk, accounts: list[UUID]
) -> None:
    """Refused, lost on the way back, and two of the same login: each comes to its own end."""
    lost = await desk.ask("70.00", account_id=accounts[3])
    plain = await _ask_all(desk, accounts[:2])
    refused = await desk.ask("5000.00", kind="withdrawal", account_id=accounts[2])
    twins = [await desk.ask(f"{amount}.00", account_id=accounts[4]) for amount in (21, 22)]
    # The first call of a batch is its oldest operation's.
    desk.fault(drop_reply=1, times=1)
    everything = [*plain, refused, lost, *twins]
    await desk.send_all([one.id for one in everything])

    states = [(await desk.read(one.id)).state for one in everything]
    assert states[:2] == ["done", "done"]
    assert states[2:4] == ["failed", "unknown"]
    for one in (lost, *twins):
        await desk.settled(one.id)
    booked = [desk.booked(one.token) for one in everything]
    assert booked == [["10.00"], ["11.00"], [], ["70.00"], ["21.00"], ["22.00"]]


async def test_batches_that_overlap_send_each_operation_once(
    desk: Desk, accounts: list[UUID]
) -> None:
    """Three processes get overlapping lists in different orders."""
    asked = await _ask_all(desk, accounts)
    ids = [one.id for one in asked]
    others = [connect(desk.server) for _ in range(3)]
    lists = (ids, ids[::-1], ids[2:] + ids[:2])
    await asyncio.gather(
        *(desk.send_all(some, other) for some, other in zip(lists, others, strict=True))
    )
    for other in others:
        await other.connection.close()

    for one in asked:
        await desk.settled(one.id)
    assert [len(desk.booked(one.token)) for one in asked] == [1] * COUNT


@pytest.mark.parametrize(
    "point",
    ["trading.after_claim", "trading.before_call:3", "trading.after_call:3",
     "trading.before_done_commit"],
)  # fmt: skip
async def test_a_process_killed_in_the_middle_of_a_batch_books_each_once(
    desk: Desk, accounts: list[UUID], settings: Settings, server: Mt5Simulator, point: str
) -> None:
    """What it had sent is found, what it had only claimed is sent again, nothing twice."""
    asked = await _ask_all(desk, accounts)
    told = {
        "database": settings.database_url,
        "operations": [str(one.id) for one in asked],
        "address": f"{server.host}:{server.port}",
        "manager": server.manager,
        "password": server.password,
        "fingerprint": server.fingerprint,
        "quiet_seconds": QUIET,
    }
    dying = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.trading.dying_executor"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "MARQUE_FAILPOINT": point},
    )
    await dying.communicate(json.dumps(told).encode())
    assert dying.returncode == 137
    assert {(await desk.read(one.id)).state for one in asked} == {"sending"}

    for one in asked:
        await desk.settled(one.id)
    booked = [desk.booked(one.token) for one in asked]
    assert booked == [[f"{number + 10}.00"] for number in range(COUNT)]


class _Boaster(Mt5Rest):
    """Stands for a server that answers with a ticket and has booked nothing."""

    async def cash(
        self,
        login: int,
        kind: CashKind,
        amount: Decimal,
        comment: str,
        *,
        check_margin: bool = True,
    ) -> int:
        """Answer, and do nothing."""
        del login, kind, amount, comment, check_margin
        return 4711


async def test_an_answer_that_the_books_do_not_show_is_no_booking(
    desk: Desk, accounts: list[UUID], server: Mt5Simulator
) -> None:
    """What is not read back stays unknown, and is sent again once the search is sure."""
    asked = await _ask_all(desk, accounts[:2])
    boaster = Connections(
        SERVER_ID,
        _Boaster(
            f"{server.host}:{server.port}",
            login=server.manager,
            password=server.password,
            fingerprint=server.fingerprint,
        ),
    )
    await desk.send_all([one.id for one in asked], boaster)
    await boaster.connection.close()
    waiting = [await desk.read(one.id) for one in asked]
    assert [one.state for one in waiting] == ["unknown", "unknown"]
    assert "not yet seen" in waiting[0].error

    for one in asked:
        await desk.settled(one.id)
    assert [desk.booked(one.token) for one in asked] == [["10.00"], ["11.00"]]
