"""What this room does when events come."""

from __future__ import annotations

from collections.abc import Sequence

from clients import queries as client_queries
from clients import timeline
from connectors.trading.port import TradingConnections
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.subscriptions import Subscriptions
from messaging import mails
from tenants import queries as tenant_queries
from tenants.ports import Ports
from trading import accounts, operations, results
from trading.events import (
    AccountOpened,
    AccountOpeningFailed,
    DealsSynced,
    PlatformOperationReady,
)

# So many claims are lost for a quiet window at most when the process that holds them dies.
_BATCH = 40


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind this room's subscribers to the process's ports."""

    async def send(
        database: Database, tenant: TenantRef, events: Sequence[PlatformOperationReady]
    ) -> None:
        await on_platform_operations_ready(
            database,
            tenant,
            events,
            connections=ports.trading,
            vault=ports.vault,
            quiet_seconds=ports.settings.quiet_seconds,
        )

    async def welcome(database: Database, tenant: TenantRef, event: AccountOpened) -> None:
        await on_account_opened(database, tenant, event, vault=ports.vault)

    # While one batch is written down the next one calls: the server is never left waiting.
    made.job_batch(
        PlatformOperationReady, "trading.send", send, size=_BATCH, abreast=2, lane="money"
    )
    made.job(AccountOpened, "trading.welcome", welcome)
    made.on(AccountOpeningFailed, "trading.opening_failed", on_account_opening_failed)
    made.on(DealsSynced, "trading.book_results", on_deals_synced)
    made.on(AccountOpened, "trading.book_results_of_login", on_account_opened_for_results)


async def on_platform_operations_ready(
    database: Database,
    tenant: TenantRef,
    events: Sequence[PlatformOperationReady],
    *,
    connections: TradingConnections,
    vault: Vault,
    quiet_seconds: float = operations.QUIET_SECONDS,
) -> None:
    """Send the operations; a job, because it calls the network, and harmless when repeated."""
    await operations.execute(
        database,
        tenant,
        operation_ids=[event.operation_id for event in events],
        connections=connections,
        vault=vault,
        quiet_seconds=quiet_seconds,
    )


async def on_account_opened(
    database: Database, tenant: TenantRef, event: AccountOpened, *, vault: Vault
) -> None:
    """Mail the login with its first passwords, which are forgotten in the same transaction.

    A job, because the server's name stands in control; repeated, it finds nothing to reveal.
    """
    async with database.control() as control:
        held = await tenant_queries.servers_of_tenant(control, tenant.id)
    server = next((row.name for _, row in held if row.id == event.server_id), "")
    async with database.tenant(tenant) as session:
        client = await client_queries.client(session, event.client_id)
        passwords = await accounts.reveal_passwords(
            session, account_id=event.account_id, vault=vault
        )
        if client is None or passwords is None:
            return
        await mails.queue(
            session,
            to=client.email,
            template="account_opened",
            context={
                "name": client.first_name,
                "login": str(event.login),
                "server": server,
                "password": passwords.main,
                "investor_password": passwords.investor,
            },
            vault=vault,
            reader=client.user_id,
            language=client.language,
        )
        timeline.add(
            session,
            subject=("client", event.client_id),
            kind="trading",
            fact=f"Trading account {event.login} opened",
            detail=f"{event.account_type_code} in {event.currency}",
            icon="chart-line",
        )


async def on_account_opening_failed(session: TenantSession, event: AccountOpeningFailed) -> None:
    """Tell the client's timeline that the server refused, and why."""
    timeline.add(
        session,
        subject=("client", event.client_id),
        kind="trading",
        fact="Trading account could not be opened",
        detail=event.reason[:200],
        icon="alert-triangle",
    )


async def on_deals_synced(session: TenantSession, event: DealsSynced) -> None:
    """Bring the book's accounts to what their deals have made of them."""
    await results.book(session, server_id=event.server_id, tickets=event.tickets)


async def on_account_opened_for_results(session: TenantSession, event: AccountOpened) -> None:
    """Book deals that came before their account was known."""
    await results.book_login(session, server_id=event.server_id, login=event.login)
