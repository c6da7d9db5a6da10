"""An account is opened on the server exactly once, and its first passwords are shown once."""

from __future__ import annotations

import string
from uuid import UUID

import pytest
from sqlalchemy import select

from clients import profiles, restrictions
from clients import queries as client_queries
from clients.restrictions import ClientRestricted
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import InvalidInput
from kernel.events import OutboxEvent
from messaging.models import Message
from tests.factories.trading import open_account
from tests.fixtures.mt5_simulator import Mt5Simulator
from tests.trading.conftest import GROUP, SERVER_ID, Connections
from tests.trading.desk import eventually
from trading import accounts, operations, queries, rules, subscribers
from trading.events import AccountOpened
from trading.models import AccountType, PlatformOperation, TradingAccount

QUIET = 1.0


async def new_client(database: Database, tenant: TenantRef) -> UUID:
    """Create a client to open accounts for."""
    async with database.tenant(tenant) as session:
        client = await profiles.create(
            session,
            first_name="Ada",
            last_name="Example",
            email="ada@example.com",
            phone="+44 20 7946 0000",
            country="GB",
            language="en",
        )
        return client.id


async def new_offer(database: Database, tenant: TenantRef) -> str:
    """Make an offer in the simulator's group."""
    async with database.tenant(tenant) as session:
        session.add(
            AccountType(
                code="STD",
                version=1,
                name="Standard",
                server_id=SERVER_ID,
                group_name=GROUP,
                currency="USD",
                leverage_max=200,
                minimum_deposit=100,
                markup_note="",
            )
        )
    return "STD"


class Opening:
    """Asks for an account and sees it through."""

    def __init__(
        self, database: Database, tenant: TenantRef, vault: Vault, connections: Connections
    ) -> None:
        """Remember what every call needs."""
        self.database = database
        self.tenant = tenant
        self.vault = vault
        self.connections = connections

    async def ask(self) -> tuple[TradingAccount, PlatformOperation]:
        """Write the intent."""
        client_id = await new_client(self.database, self.tenant)
        code = await new_offer(self.database, self.tenant)
        async with self.database.tenant(self.tenant) as session:
            account = await accounts.request_opening(
                session, client_id=client_id, account_type_code=code
            )
        async with self.database.tenant_read(self.tenant) as session:
            (operation,) = await queries.operations(session, account_id=account.id)
        return account, operation

    async def send(self, operation_id: UUID) -> None:
        """Execute, as the job does."""
        await operations.execute(
            self.database,
            self.tenant,
            operation_ids=[operation_id],
            connections=self.connections,
            vault=self.vault,
            quiet_seconds=QUIET,
        )

    async def read(self, account_id: UUID) -> TradingAccount:
        """Return the account as it is."""
        async with self.database.tenant_read(self.tenant) as session:
            account = await queries.account(session, account_id)
        assert account is not None
        return account

    async def opened(self, account_id: UUID) -> TradingAccount:
        """Reconcile until the account is open."""
        async for _ in eventually(30):
            await operations.reconcile(
                self.database,
                self.tenant,
                connections=self.connections,
                vault=self.vault,
                quiet_seconds=QUIET,
            )
            account = await self.read(account_id)
            if account.state == "open":
                return account
        raise AssertionError


@pytest.fixture
def opening(
    database: Database, tenant: TenantRef, vault: Vault, connections: Connections
) -> Opening:
    """Hands to open accounts with."""
    return Opening(database, tenant, vault, connections)


async def test_an_account_is_opened_with_its_login(opening: Opening, server: Mt5Simulator) -> None:
    """The server's login stands in the row, and AccountOpened tells whom it belongs to."""
    account, operation = await opening.ask()
    await opening.send(operation.id)

    opened = await opening.read(account.id)
    assert opened.state == "open"
    found = server.records(id=operation.token)
    assert found["logins"] == [opened.login]
    async with opening.database.tenant_read(opening.tenant) as session:
        statement = select(OutboxEvent).where(OutboxEvent.topic == "trading.account_opened")
        event = (await session.scalars(statement)).one()
    assert event.payload["login"] == opened.login
    assert event.payload["client_id"] == str(opened.client_id)


async def test_first_passwords_are_sealed_and_shown_once(opening: Opening) -> None:
    """They never stand in clear in the row, and the second asking finds none."""
    account, operation = await opening.ask()
    await opening.send(operation.id)
    sealed = (await opening.read(account.id)).passwords_sealed

    async with opening.database.tenant(opening.tenant) as session:
        shown = await accounts.reveal_passwords(session, account_id=account.id, vault=opening.vault)
    async with opening.database.tenant(opening.tenant) as session:
        again = await accounts.reveal_passwords(session, account_id=account.id, vault=opening.vault)
    assert shown is not None
    assert again is None
    assert sealed is not None
    assert shown.main.encode() not in sealed
    assert shown.main != shown.investor
    assert shown.main not in repr(shown)


async def test_the_login_is_mailed_once_with_its_first_passwords(opening: Opening) -> None:
    """The job on AccountOpened queues one sealed mail, however often it comes."""
    account, operation = await opening.ask()
    await opening.send(operation.id)
    opened = await opening.read(account.id)
    event = AccountOpened(
        account_id=opened.id,
        client_id=opened.client_id,
        login=opened.login or 0,
        server_id=opened.server_id,
        account_type_code="STD",
        currency="USD",
    )
    for _ in range(2):
        await subscribers.on_account_opened(
            opening.database, opening.tenant, event, vault=opening.vault
        )

    async with opening.database.tenant_read(opening.tenant) as session:
        messages = (await session.scalars(select(Message))).all()
        entries = await client_queries.timeline(session, ("client", opened.client_id))
    assert [message.template for message in messages] == ["account_opened"]
    assert [message.recipient for message in messages] == ["ada@example.com"]
    assert any(str(opened.login) in entry.fact for entry in entries)
    assert (await opening.read(account.id)).passwords_sealed is None


@pytest.mark.parametrize("fault", [{"drop_reply": 1}, {"drop_request": 1}, {"late_apply_ms": 900}])
async def test_an_unknown_opening_makes_one_user(
    opening: Opening, server: Mt5Simulator, fault: dict[str, int]
) -> None:
    """A lost answer, a lost request and a late gateway all end with one user under the token."""
    account, operation = await opening.ask()
    server.operator("POST", "/_simulator/faults", {"command": "user/add", "times": 1, **fault})
    await opening.send(operation.id)
    assert (await opening.read(account.id)).state == "unknown"

    opened = await opening.opened(account.id)
    found = server.records(id=operation.token)
    assert (found["users"], found["logins"]) == (1, [opened.login])


async def test_a_refused_opening_fails_and_says_so(opening: Opening, server: Mt5Simulator) -> None:
    """The server has no login left: the account fails, its passwords go, and an event says so."""
    account, operation = await opening.ask()
    server.operator(
        "POST", "/_simulator/faults", {"command": "user/add", "retcode": 3002, "times": 1}
    )
    await opening.send(operation.id)

    failed = await opening.read(account.id)
    assert (failed.state, failed.login, failed.passwords_sealed) == ("failed", None, None)
    async with opening.database.tenant_read(opening.tenant) as session:
        topics = (await session.scalars(select(OutboxEvent.topic))).all()
    assert "trading.account_opening_failed" in topics


async def test_a_restricted_client_opens_nothing(database: Database, tenant: TenantRef) -> None:
    """Before identity is proven there is no account: the restriction is told, no row is written."""
    client_id = await new_client(database, tenant)
    code = await new_offer(database, tenant)
    async with database.tenant(tenant) as session:
        await restrictions.impose(
            session, client_id=client_id, kind="open_account", reason="Verify your identity first."
        )
    with pytest.raises(ClientRestricted):
        async with database.tenant(tenant) as session:
            await accounts.request_opening(session, client_id=client_id, account_type_code=code)
    async with database.tenant_read(tenant) as session:
        assert await queries.accounts_of(session, client_id) == []


async def test_an_unknown_offer_and_too_high_a_leverage_are_refused(
    database: Database, tenant: TenantRef
) -> None:
    """Both say what to do instead."""
    client_id = await new_client(database, tenant)
    code = await new_offer(database, tenant)
    async with database.tenant(tenant) as session:
        with pytest.raises(accounts.UnknownAccountType):
            await accounts.request_opening(session, client_id=client_id, account_type_code="GOLD")
        with pytest.raises(InvalidInput) as refusal:
            await accounts.request_opening(
                session, client_id=client_id, account_type_code=code, leverage=500
            )
    assert refusal.value.fields == {"leverage": "Choose a leverage from 1 to 200."}


def test_passwords_hold_all_four_classes() -> None:
    """Every one of a thousand is of a length and mixture that the server accepts."""
    for _ in range(1000):
        made = rules.password()
        assert 8 <= len(made) <= 16
        for group in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%*+-?@"):
            assert set(made) & set(group)


async def test_a_nickname_is_kept_short(database: Database, tenant: TenantRef) -> None:
    """A client may name an account, in forty characters."""
    account_id = await open_account(
        database, tenant, server_id=SERVER_ID, login=77, group_name=GROUP
    )
    async with database.tenant(tenant) as session:
        account = await accounts.rename(session, account_id=account_id, nickname=" Savings ")
        assert account.nickname == "Savings"
        with pytest.raises(InvalidInput):
            await accounts.rename(session, account_id=account_id, nickname="x" * 41)
