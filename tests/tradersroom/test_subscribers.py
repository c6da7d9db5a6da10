"""What follows a decision and a payment: an account, and mails that tell of it."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from clients import restrictions
from compliance import cases
from compliance.events import KycApproved
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.ids import uuid7
from tenants.ports import Ports
from tests.factories import people as clients
from tests.tradersroom import people
from tradersroom import subscribers
from trading import queries
from trading.models import AccountType


def _offer(code: str) -> AccountType:
    return AccountType(
        code=code,
        version=1,
        name=code,
        server_id=uuid7(),
        group_name=f"real\\alpha\\{code}-USD",
        currency="USD",
        leverage_max=500,
        minimum_deposit=Decimal(100),
        markup_note="",
    )


async def _verified(session: TenantSession) -> UUID:
    client = await clients.client(session, email="sofia@mail.example")
    await cases.open_for(session, client_id=client.id)
    for kind in cases.UNTIL_VERIFIED:
        await restrictions.lift(session, client_id=client.id, kind=kind, reason="Verified.")
    return client.id


@pytest.mark.parametrize(
    ("offered", "wanted", "opened"),
    [(("STD", "RAW"), "RAW", "RAW"), (("STD",), "RAW", "STD"), (("STD", "RAW"), "STD", "STD")],
)
async def test_an_approval_opens_the_account_that_was_chosen(
    database: Database, tenant: TenantRef, *, offered: tuple[str, ...], wanted: str, opened: str
) -> None:
    """The standard one when theirs is not offered any more; and only ever one."""
    async with database.tenant(tenant) as session:
        session.add_all([_offer(code) for code in offered])
        client_id = await _verified(session)
        event = KycApproved(client_id, uuid7(), 2, wanted)
        await subscribers.open_first_account(session, event)
        await subscribers.open_first_account(session, event)
    async with database.tenant_read(tenant) as session:
        [account] = await queries.accounts_of(session, client_id)
        offer = await queries.account_type_by_id(session, account.account_type_id)

    assert offer is not None
    assert (account.state, offer.code) == ("opening", opened)


async def test_a_client_who_is_paused_gets_no_account(
    database: Database, tenant: TenantRef
) -> None:
    """What another room has ordered stands above the approval."""
    async with database.tenant(tenant) as session:
        session.add(_offer("STD"))
        client_id = await _verified(session)
        await restrictions.impose(
            session, client_id=client_id, kind="open_account", reason="Under review.", source="aml"
        )
        event = KycApproved(client_id, uuid7(), 2, "STD")
        await subscribers.open_first_account(session, event)
        assert not await queries.accounts_of(session, client_id)


async def test_the_approval_is_told_by_mail(
    database: Database, tenant: TenantRef, ports: Ports
) -> None:
    """With a link to the client's own home page."""
    async with database.tenant(tenant) as session:
        client_id = await _verified(session)
        await subscribers.mail_approval(
            session, KycApproved(client_id, uuid7(), 2, "STD"), ports=ports
        )
    letter = await people.letter(ports, tenant, to="sofia@mail.example", template="kyc_approved")

    assert letter.action_href == "http://my.alpha.localhost:8000/"
