"""Requests and decisions, and that PostgreSQL itself keeps four eyes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from approvals import queries, requests
from approvals.models import Approval
from approvals.requests import AlreadyDecided, ApprovalMissing, SamePerson
from identity import users
from identity.models import UserAccount
from kernel.actor import Actor, TenantRef
from kernel.database import Database, TenantSession
from kernel.errors import Forbidden, InvalidInput
from kernel.viewer import Viewer
from tests.factories import people

PERMISSION = "treasury.deposit.approve"
SUBJECT = ("thing", UUID("01890000-0000-7000-8000-000000000001"))
CONTENT = {"amount": Decimal("250.00"), "currency": "USD"}


@dataclass
class Room:
    """People of a brokerage who ask and decide."""

    database: Database
    tenant: TenantRef
    maker: UserAccount
    checkers: list[UserAccount]

    @asynccontextmanager
    async def by(self, user: UserAccount) -> AsyncIterator[TenantSession]:
        """Open a transaction in which somebody acts."""
        actor = Actor(user.kind, user.id, user.name)  # type: ignore[arg-type]
        async with self.database.tenant(self.tenant, actor=actor) as session:
            yield session

    async def open(self, **changed: Any) -> Approval:
        """Let the maker ask."""
        async with self.by(self.maker) as session:
            return await requests.open(session, **{**_asked(), **changed})

    async def decide(self, asked: Approval, user: UserAccount, **changed: Any) -> Approval:
        """Let somebody give their word, through the product."""
        async with self.by(user) as session:
            return await requests.decide(
                session,
                approval_id=asked.id,
                viewer=viewer(user),
                **{"approve": True, **changed},
            )


def _asked() -> dict[str, Any]:
    return {
        "kind": "thing",
        "subject": SUBJECT,
        "content": CONTENT,
        "summary": "Give 250.00 USD",
        "permission": PERMISSION,
    }


def viewer(user: UserAccount, *permissions: str) -> Viewer:
    """Return somebody as pages know them."""
    granted = permissions or (PERMISSION,)
    return Viewer("staff", user.id, user.name, user.email, grants=dict.fromkeys(granted, "all"))


@pytest.fixture
async def room(database: Database, tenant: TenantRef) -> Room:
    """A maker and three checkers, all heads of finance."""
    async with database.tenant(tenant) as session:
        found = [await people.staff(session, "finance_head") for _ in range(4)]
    return Room(database, tenant, found[0], found[1:])


async def decide_in_sql(
    superuser: asyncpg.Connection, asked: Approval, user: UserAccount, *, step: int = 1
) -> None:
    """Write a decision past the product: only the triggers stand in the way."""
    async with superuser.transaction():
        await superuser.execute("SET LOCAL search_path = t_alpha; SET LOCAL ROLE t_alpha")
        await superuser.execute(
            "INSERT INTO approval_decision (approval_id, step, user_id, label, approve)"
            " VALUES ($1, $2, $3, 'x', true)",
            asked.id,
            step,
            user.id,
        )


async def state(superuser: asyncpg.Connection, asked: Approval) -> str:
    """Return a request's state as the database has it."""
    return str(
        await superuser.fetchval("SELECT state FROM t_alpha.approval WHERE id = $1", asked.id)
    )


async def test_a_second_person_grants_what_was_asked(
    room: Room, superuser: asyncpg.Connection
) -> None:
    """The event names the request's kind, and exactly this content is covered afterwards."""
    asked = await room.open()
    given = await room.decide(asked, room.checkers[0], reason="Seen the letter.")

    assert given.state == "granted"
    told = await superuser.fetchval(
        "SELECT payload->>'approval_kind' FROM t_alpha.outbox WHERE topic = 'approvals.granted'"
    )
    assert told == "thing"
    async with room.by(room.maker) as session:
        found = await requests.require_granted(
            session, kind="thing", subject=SUBJECT, content=CONTENT
        )
        assert found.id == asked.id
        for other in ({**CONTENT, "amount": Decimal("250.01")}, {**CONTENT, "more": 1}):
            with pytest.raises(ApprovalMissing):
                await requests.require_granted(
                    session, kind="thing", subject=SUBJECT, content=other
                )


async def test_the_maker_is_never_the_checker(room: Room) -> None:
    """Whatever their role."""
    asked = await room.open()

    with pytest.raises(SamePerson):
        await room.decide(asked, room.maker)


async def test_a_person_with_two_logins_is_one_person(
    room: Room, superuser: asyncpg.Connection
) -> None:
    """A client asks, and the member of staff with the same address may not decide."""
    checker = room.checkers[0]
    async with room.database.tenant(room.tenant) as session:
        client = await users.create(
            session, kind="client", email=checker.email.upper(), name="C", password=None
        )
    async with room.by(client) as session:
        asked = await requests.open(session, **_asked())

    with pytest.raises(SamePerson):
        await room.decide(asked, checker)
    with pytest.raises(asyncpg.PostgresError, match="does not decide"):
        await decide_in_sql(superuser, asked, checker)
    assert (await room.decide(asked, room.checkers[1])).state == "granted"


async def test_the_barred_decide_under_no_login(room: Room, superuser: asyncpg.Connection) -> None:
    """The account manager is barred, and so is whoever has their address."""
    barred = room.checkers[0]
    asked = await room.open(barred=[barred.id])

    with pytest.raises(SamePerson):
        await room.decide(asked, barred)
    with pytest.raises(asyncpg.PostgresError, match="does not decide"):
        await decide_in_sql(superuser, asked, barred)


async def test_a_chain_asks_one_person_after_the_other(
    room: Room, superuser: asyncpg.Connection
) -> None:
    """Each step has its permission, and nobody decides two of them."""
    first, second, _ = room.checkers
    asked = await room.open(permission=[PERMISSION, "treasury.deposit.export"])
    half = await room.decide(asked, first)

    assert (half.state, half.step) == ("open", 2)
    with pytest.raises(AlreadyDecided):
        async with room.by(first) as session:
            await requests.decide(
                session,
                approval_id=asked.id,
                viewer=viewer(first, "treasury.deposit.export"),
                approve=True,
            )
    with pytest.raises(asyncpg.PostgresError, match="one decision a person"):
        await decide_in_sql(superuser, asked, first, step=2)
    with pytest.raises(Forbidden):
        await room.decide(asked, second)  # lacks the second step's permission
    async with room.by(second) as session:
        done = await requests.decide(
            session,
            approval_id=asked.id,
            viewer=viewer(second, "treasury.deposit.export"),
            approve=True,
        )
    assert done.state == "granted"


async def test_who_lacks_the_role_decides_nothing_in_sql_either(
    room: Room, superuser: asyncpg.Connection
) -> None:
    """Permissions are looked up by PostgreSQL too."""
    asked = await room.open()
    async with room.database.tenant(room.tenant) as session:
        support = await people.staff(session, "support")

    with pytest.raises(asyncpg.PostgresError, match="asks for"):
        await decide_in_sql(superuser, asked, support)


async def test_a_refusal_needs_a_reason_and_ends_the_request(
    room: Room, superuser: asyncpg.Connection
) -> None:
    """Whoever asked reads it."""
    asked = await room.open(steps=2)

    with pytest.raises(InvalidInput):
        await room.decide(asked, room.checkers[0], approve=False)
    refused = await room.decide(asked, room.checkers[0], approve=False, reason="Not him.")
    assert (refused.state, refused.reason) == ("rejected", "Not him.")
    with pytest.raises(AlreadyDecided):
        await room.decide(asked, room.checkers[1])
    told = await superuser.fetchval(
        "SELECT payload->>'reason' FROM t_alpha.outbox WHERE topic = 'approvals.rejected'"
    )
    assert told == "Not him."


async def test_a_newer_request_takes_the_place_of_an_older_one(room: Room) -> None:
    """What was agreed on before the edit covers nothing any more."""
    first = await room.open()
    await room.decide(first, room.checkers[0])
    second = await room.open(content={**CONTENT, "amount": Decimal(900)})

    async with room.by(room.maker) as session:
        for content in (CONTENT, {**CONTENT, "amount": Decimal(900)}):
            with pytest.raises(ApprovalMissing):
                await requests.require_granted(
                    session, kind="thing", subject=SUBJECT, content=content
                )
    third = await room.open()
    async with room.by(room.maker) as session:
        found = await queries.of_subject(session, "thing", SUBJECT)
    assert [one.id for one in found] == [third.id, second.id, first.id]
    assert [one.state for one in found] == ["open", "voided", "granted"]


async def test_an_edit_voids_what_was_agreed(room: Room) -> None:
    """Of the same content, too."""
    asked = await room.open()
    await room.decide(asked, room.checkers[0])
    async with room.by(room.maker) as session:
        await requests.void(session, kind="thing", subject=SUBJECT, reason="Edited.")
        with pytest.raises(ApprovalMissing):
            await requests.require_granted(session, kind="thing", subject=SUBJECT, content=CONTENT)


async def test_two_deciders_at_once_give_one_word_each_step(
    room: Room, superuser: asyncpg.Connection
) -> None:
    """Three click at the same moment on a request of one step: one decision, one event."""
    asked = await room.open()

    outcomes = await asyncio.gather(
        *(room.decide(asked, one) for one in room.checkers), return_exceptions=True
    )

    assert sum(isinstance(one, Approval) for one in outcomes) == 1
    assert sum(isinstance(one, AlreadyDecided) for one in outcomes) == 2
    told = "SELECT count(*) FROM t_alpha.outbox WHERE topic = 'approvals.granted'"
    assert await superuser.fetchval(told) == 1


CHEATS = [
    "UPDATE approval SET state = 'granted'",
    "UPDATE approval SET content = '{}'",
    "UPDATE approval SET permissions = '{a}'",
    "UPDATE approval SET barred = '{}', barred_persons = '{}'",
    "UPDATE approval SET maker_id = NULL, maker_person = NULL",
    "UPDATE approval SET step = 2",
    "UPDATE approval SET state = 'voided', reason = ''",
    "DELETE FROM approval",
    "TRUNCATE approval CASCADE",
    "UPDATE approval_decision SET approve = true",
    "DELETE FROM approval_decision",
]


@pytest.mark.parametrize("statement", CHEATS)
async def test_nobody_writes_around_the_rules(
    room: Room, superuser: asyncpg.Connection, statement: str
) -> None:
    """Statements that the tenant's own role may send, and the triggers refuse."""
    asked = await room.open(steps=2, barred=[room.checkers[2].id])
    await room.decide(asked, room.checkers[0])

    with pytest.raises(asyncpg.PostgresError):
        async with superuser.transaction():
            await superuser.execute("SET LOCAL search_path = t_alpha; SET LOCAL ROLE t_alpha")
            # The first decision stands, so that not even the step after it can be forged.
            await superuser.execute(statement.replace("step = 2", "step = 1"))
    assert await state(superuser, asked) == "open"


async def test_a_closed_request_stays_closed(room: Room, superuser: asyncpg.Connection) -> None:
    """A rejected one is not opened or granted again."""
    asked = await room.open()
    await room.decide(asked, room.checkers[0], approve=False, reason="No.")

    for wanted in ("open", "granted", "voided"):
        with pytest.raises(asyncpg.PostgresError, match="rejected"):
            await superuser.execute("UPDATE t_alpha.approval SET state = $1, reason = 'x'", wanted)


# Each protection with what goes through when it is gone: a test that can't go red proves nothing.
PROTECTIONS = {
    "approval_decided ON approval_decision": "same person",
    "approval_changed ON approval": "forged",
    "approval_decision_append_only ON approval_decision": "rewritten",
    "approval_followed ON approval_decision": "left open",
}


@pytest.mark.parametrize("trigger", PROTECTIONS)
async def test_each_trigger_is_what_stands_in_the_way(
    room: Room, superuser: asyncpg.Connection, trigger: str
) -> None:
    """With the trigger dropped, in a transaction that is rolled back, the fraud succeeds."""
    asked = await room.open()
    transaction = superuser.transaction()
    await transaction.start()
    try:
        await superuser.execute("SET LOCAL search_path = t_alpha")
        await superuser.execute(f"DROP TRIGGER {trigger}")
        fraud = PROTECTIONS[trigger]
        if fraud == "forged":
            await superuser.execute("UPDATE approval SET state = 'granted'")
        elif fraud == "same person":
            await superuser.execute(
                "INSERT INTO approval_decision"
                " (approval_id, step, user_id, person, label, approve)"
                " VALUES ($1, 1, $2, 'x', 'x', true)",
                asked.id,
                room.maker.id,
            )
        else:
            await superuser.execute(
                "INSERT INTO approval_decision (approval_id, step, user_id, label, approve)"
                " VALUES ($1, 1, $2, 'x', true)",
                asked.id,
                room.checkers[0].id,
            )
        if fraud == "rewritten":
            await superuser.execute("UPDATE approval_decision SET approve = true, label = 'y'")
            assert await superuser.fetchval("SELECT label FROM approval_decision") == "y"
        else:
            expected = "open" if fraud == "left open" else "granted"
            assert await superuser.fetchval("SELECT state FROM approval") == expected
    finally:
        await transaction.rollback()
