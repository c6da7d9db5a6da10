"""A request's key is its client's own: the same again is the same, whoever else uses the key."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.settings import Settings
from ledger.errors import KeyReused
from tests.fixtures.database import SECRET
from tests.treasury.transfers.desk import Room, open_room
from treasury.transfers.models import Transfer
from treasury.transfers.transfers import Wish

ROOT = Path(__file__).parents[3]
KEY = "the-same-key"


@pytest.fixture
async def wish(room: Room) -> Wish:
    """Two hundred of a thousand, from the wallet to an account, which a server has to book."""
    await room.fund(room.wallet, "1000.00", "USD")
    return room.wish("200.00", target=await room.account(900301), key=KEY)


async def _left(room: Room) -> tuple[Decimal, Decimal]:
    return await room.has(room.wallet, "USD")


def _bytes(transfer: Transfer) -> bytes:
    """Return everything that an answer could show of a transfer."""
    columns = transfer.__table__.columns.keys()
    return msgspec.json.encode({name: getattr(transfer, name) for name in columns})


async def test_the_same_again_is_answered_alike_to_the_byte(room: Room, wish: Wish) -> None:
    """Once and again, one after the other and eight at once: one transfer, set aside once."""
    first = await room.seen(await room.start(wish))
    again = await asyncio.gather(*(room.start(wish) for _ in range(8)))
    assert {_bytes(one) for one in again} == {_bytes(first)}
    assert await _left(room) == (Decimal(1000), Decimal(800))


async def test_eight_at_once_are_one(room: Room, wish: Wish) -> None:
    """Nobody was first: one does it, the others get what it made."""
    made = await asyncio.gather(*(room.start(wish) for _ in range(8)))
    assert len({one.id for one in made}) == 1
    assert await _left(room) == (Decimal(1000), Decimal(800))


async def test_another_body_under_the_key_is_refused_and_changes_nothing(
    room: Room, wish: Wish
) -> None:
    """Another amount, another account, the other way round."""
    await room.start(wish)
    account = await room.account(900302)
    bodies = [
        replace(wish, amount=room.wish("200.01").amount),
        replace(wish, target_account_id=account),
        replace(wish, source_account_id=wish.target_account_id, target_account_id=account),
    ]
    for body in bodies:
        with pytest.raises(KeyReused):
            await room.start(body)
    assert await _left(room) == (Decimal(1000), Decimal(800))


async def test_another_client_has_keys_of_their_own(room: Room, wish: Wish) -> None:
    """The same key of somebody else is another transfer, and shows nothing of the first."""
    first = await room.start(wish)
    other = replace(room, client_id=await room.other())
    await other.fund(other.wallet, "1000.00", "USD")
    target = await room.account(900303, client_id=other.client_id)
    second = await other.start(replace(wish, client_id=other.client_id, target_account_id=target))
    assert second.id != first.id
    assert await _left(other) == (Decimal(1000), Decimal(800))
    assert await _left(room) == (Decimal(1000), Decimal(800))


async def test_another_brokerage_has_keys_of_its_own(
    room: Room, wish: Wish, database: Database, other_tenant: TenantRef
) -> None:
    """The same key at another brokerage is another transfer."""
    first = await room.start(wish)
    beta = await open_room(database, other_tenant)
    await beta.fund(beta.wallet, "1000.00", "USD")
    second = await beta.start(beta.wish("200.00", target=await beta.account(900304), key=KEY))
    assert second.id != first.id
    assert await _left(beta) == (Decimal(1000), Decimal(800))
    assert await _left(room) == (Decimal(1000), Decimal(800))


@pytest.mark.parametrize(
    ("failpoint", "held"),
    [("treasury.transfer_before_commit", 0), ("database.after_commit", 200)],
)
async def test_after_a_crash_the_same_again_ends_as_one(
    room: Room, wish: Wish, settings: Settings, failpoint: str, held: int
) -> None:
    """Killed before the commit nothing was done, killed after it all: the next one is told so."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.treasury.transfers.starter", msgspec.json.encode(wish)),
        cwd=ROOT,
        env={
            "PATH": os.environ.get("PATH", ""),
            "MARQUE_SECRET_KEY": SECRET,
            "MARQUE_DATA": str(settings.data),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SMTP_URL": "smtp://127.0.0.1:1",
            "MARQUE_FAILPOINT": failpoint,
        },
    )
    assert await asyncio.wait_for(process.wait(), 60) == 137
    assert await _left(room) == (Decimal(1000), Decimal(1000 - held))

    made = [await room.start(wish) for _ in range(2)]
    assert len({one.id for one in made}) == 1
    assert await _left(room) == (Decimal(1000), Decimal(800))
