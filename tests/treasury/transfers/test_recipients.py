"""A recipient is shown masked, and nobody learns who is a client."""

from __future__ import annotations

import pytest

from clients import queries as client_queries
from clients import restrictions
from kernel.errors import InvalidInput
from tests.treasury.transfers.desk import Room
from treasury.transfers import recipients
from treasury.transfers.recipients import SendingIsOff


async def test_a_recipient_is_found_by_address_or_number_in_any_case(room: Room) -> None:
    """Only first letters of the name are shown."""
    other = await room.other("Noor", "Al Haddad")
    await room.let_send()
    async with room.database.tenant(room.tenant) as session:
        client = await client_queries.client(session, other)
        assert client is not None
        found = [
            await recipients.find(session, sender_id=room.client_id, text=text)
            for text in (client.email.upper(), f" {client.reference.lower()} ")
        ]

    assert {one.client_id for one in found} == {other}
    assert {one.shown for one in found} == {"N••• A••• H•••"}


async def test_every_reason_to_find_nobody_sounds_the_same(room: Room) -> None:
    """A stranger, oneself, somebody suspended and somebody paused."""
    suspended, paused = await room.other(), await room.other("Ada")
    await room.let_send()
    async with room.database.tenant(room.tenant) as session:
        await restrictions.impose(session, client_id=paused, kind="deposit", reason="Secret")
        clients = [
            await client_queries.client(session, one) for one in (suspended, paused, room.client_id)
        ]
        texts = ["nobody@example.com", "", *(one.email for one in clients if one is not None)]
        assert clients[0] is not None
        clients[0].status = "suspended"
        await session.flush()
        told = set()
        for text in texts:
            with pytest.raises(InvalidInput) as refused:
                await recipients.find(session, sender_id=room.client_id, text=text)
            told.add(tuple(refused.value.fields.items()))

    assert len(told) == 1


async def test_an_unverified_sender_can_not_ask_who_is_a_client(room: Room) -> None:
    """Nothing is looked up for them."""
    other = await room.other()
    await room.let_send()
    async with room.database.tenant(room.tenant) as session:
        sender = await client_queries.client(session, room.client_id)
        found = await client_queries.client(session, other)
        assert sender is not None
        assert found is not None
        sender.status = "registered"
        await session.flush()
        with pytest.raises(SendingIsOff):
            await recipients.find(session, sender_id=room.client_id, text=found.email)
