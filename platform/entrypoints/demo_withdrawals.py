"""Demo withdrawals: the trader asks for three, takes one back, and finance refuses another."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests as approvals
from clients import queries as client_queries
from clients.models import Client
from entrypoints.demo_clients import trader_email
from identity import queries as identity_queries
from identity.listings import queries as listing_queries
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import uuid7
from kernel.money import Money
from kernel.viewer import Viewer
from tenants.provisioning import Context
from treasury import deposits, settlements
from treasury import queries as treasury_queries
from treasury.rules import Fact
from treasury.withdrawals import codes, destinations, queries, requests
from treasury.withdrawals.facts import Wish
from treasury.withdrawals.models import WithdrawalCode

# More than goes out by itself, so that people have to look.
_AMOUNTS = ("620.00", "540.00", "510.00")
_PAID_IN = Money.of("2500.00", "USD")


async def withdraw(context: Context) -> str:
    """Ask for money as the trader, once; what waits is for whoever looks."""
    if not context.options.get("demo") or not context.ports.settings.simulators.psp_url:
        return "no demo"
    database, tenant = context.ports.database, context.tenant
    async with database.tenant(tenant) as session:
        client = await _trader(session, context)
        if client is None or await queries.destinations(session, client.id):
            return "done before"
        await _pay_in(session, client)
        asked = await _ask(session, client, context)
    finance = await _finance(context)
    async with database.tenant(tenant, actor=finance.actor) as session:
        for withdrawal_id in asked[1:2]:
            await _refuse(session, finance, withdrawal_id)
    return f"{len(asked)} withdrawals"


async def _trader(session: TenantSession, context: Context) -> Client | None:
    user = await identity_queries.user_by_email(session, kind="client", email=trader_email(context))
    return await client_queries.client_of_user(session, user.id) if user else None


async def _finance(context: Context) -> Viewer:
    """Return the head of finance, who decides here."""
    async with context.ports.database.tenant_read(context.tenant) as session:
        roles = await identity_queries.holders_of_roles(session)
        user_id = next(user_id for user_id, role in roles if role == "finance_head")
        found = await listing_queries.viewer(session, user_id)
    assert found is not None
    return found


async def _pay_in(session: TenantSession, client: Client) -> None:
    """Pay into the wallet what is withdrawn again, two days ago."""
    connection = await treasury_queries.connection_by_name(session, "Skrill (simulator)")
    if connection is None:
        return
    deposit = await deposits.start(
        session,
        client_id=client.id,
        account_id=None,
        amount=_PAID_IN,
        connection_id=connection.id,
    )
    fact = Fact("succeeded", f"demo_{deposit.id.hex}", deposit.ordered, None)
    await settlements.apply(session, [(deposit, fact)])
    await session.refresh(deposit)
    deposit.created_at = now() - timedelta(days=2)
    deposit.settled_at = deposit.credited_at = deposit.created_at + timedelta(minutes=2)


async def _ask(session: TenantSession, client: Client, context: Context) -> list[UUID]:
    """Ask for withdrawals to the client's own bank account and take the last one back."""
    payee = await destinations.save(
        session,
        client=client,
        kind="bank",
        holder=client.name,
        details={"iban": "DE02120300000000202051", "bic": "BYLADEM1001", "bank": "Example Bank"},
        vault=context.ports.vault,
    )
    asked = []
    for figure in _AMOUNTS:
        wish = Wish(Money.of(figure, "USD"), None, payee.id)
        plan = await requests.check(session, client=client, wish=wish)
        if plan.problems:
            continue
        proof = await _proof(session, client, plan.binding)
        made = await requests.request(session, client=client, wish=wish, proof=proof)
        asked.append(made.id)
    if len(asked) == len(_AMOUNTS):
        await requests.cancel(session, client_id=client.id, withdrawal_id=asked[-1])
    return asked


async def _proof(session: TenantSession, client: Client, binding: str) -> codes.Proof:
    """Stand in for the code that the trader would have typed from a mail."""
    assert client.user_id is not None
    row = WithdrawalCode(
        id=uuid7(),
        user_id=client.user_id,
        way="mail",
        binding=binding,
        code_hash="",
        failures=0,
        expires_at=now(),
        used_at=now(),
    )
    session.add(row)
    # The withdrawal refers to it.
    await session.flush()
    return codes.Proof(row.id, client.user_id, binding)


async def _refuse(session: TenantSession, finance: Viewer, withdrawal_id: UUID) -> None:
    subject = ("withdrawal", withdrawal_id)
    for one in await approval_queries.of_subject(session, "withdrawal", subject):
        if one.state == "open":
            await approvals.decide(
                session,
                approval_id=one.id,
                viewer=finance,
                approve=False,
                reason="The name on the statement differs. Send a newer one, please.",
            )
