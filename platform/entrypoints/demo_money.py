"""Demo money: accounts opened on the simulated server, deposits paid, held, failed and waiting.

Accounts and bookings go the way of real ones: an intent, the call, the verified answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Literal
from uuid import UUID

from clients import queries as client_queries
from clients import rules as client_rules
from clients.models import Client
from crm import queries as crm_queries
from entrypoints.demo_clients import trader_email
from entrypoints.demo_leads import Volume, cast, is_client
from identity import audit
from identity import queries as identity_queries
from kernel.clock import now
from kernel.database import TenantSession
from kernel.money import Money
from tenants.provisioning import Context
from trading import accounts, operations
from trading import queries as trading_queries
from trading.events import CashDone
from trading.models import PlatformOperation, TradingAccount
from treasury import deposits, settlements
from treasury import provisioning as treasury_steps
from treasury import queries as treasury_queries
from treasury.rules import Fact

_AT_ONCE = 100
_ACCOUNTS_MAX = 60
_AMOUNTS = (150, 200, 250, 250, 300, 500, 500, 750, 1_000, 1_500, 2_500, 5_000, 10_000)
_FEE_SHARE, _FEE_FIXED = Decimal("0.029"), Decimal("0.30")
# What becomes of a deposit into the wallet, of a hundred.
Fate = Literal["paid", "failed", "cancelled", "pending", "created", "mismatch"]
_FATES: tuple[Fate, ...] = ("paid", "failed", "cancelled", "pending", "created")
_FATE_WEIGHTS = (78, 9, 7, 4, 2)


async def open_accounts(context: Context) -> str:
    """Open an account for most verified clients; a resumed run opens only what is missing."""
    if not context.options.get("demo") or not context.ports.settings.simulators.mt5_url:
        return "no demo"
    volume = Volume.of(context)
    wanted = min(_ACCOUNTS_MAX, max(8, round(volume.clients * 0.3)))
    async with context.ports.database.tenant(context.tenant) as session:
        for client in (await verified(session, context))[:wanted]:
            if await trading_queries.accounts_of(session, client.id):
                continue
            code = "RAW" if int(client.phone[-1]) < 3 else "STD"
            account = await accounts.request_opening(
                session, client_id=client.id, account_type_code=code
            )
            account.created_at = client.created_at + timedelta(days=1)
    await _send_all(context)
    async with context.ports.database.tenant(context.tenant) as session:
        opened = 0
        for client in (await verified(session, context))[:wanted]:
            for account in await trading_queries.accounts_of(session, client.id):
                opened += account.state == "open"
                # Nobody reads the mails of invented people: their first passwords go.
                if client.user_id is None:
                    account.passwords_sealed = None
    return f"{opened} accounts open on the server"


async def verified(session: TenantSession, context: Context) -> list[Client]:
    """Return the demo's verified clients, the trader who signs in first."""
    found: list[Client] = []
    user = await identity_queries.user_by_email(session, kind="client", email=trader_email(context))
    if user is not None:
        client = await client_queries.client_of_user(session, user.id)
        if client is not None:
            found.append(client)
    volume = Volume.of(context)
    for number, person in enumerate(cast(context)):
        if not is_client(number, volume):
            continue
        digits = client_rules.digits(person.phone)
        lead = await crm_queries.lead_like(session, email=person.email, phone_digits=digits)
        if lead is None or lead.client_id is None:
            continue
        client = await client_queries.client(session, lead.client_id)
        if client is not None and client.kyc_level >= 2:
            found.append(client)
    return found


async def _send_all(context: Context) -> None:
    """Send every operation that waits; raise when some can't be done."""
    ports = context.ports
    while True:
        async with ports.database.tenant_read(context.tenant) as session:
            due = await trading_queries.due_operations(session, limit=_AT_ONCE)
        ready = [operation_id for operation_id, state in due if state == "ready"]
        if not ready:
            return
        await operations.execute(
            ports.database,
            context.tenant,
            operation_ids=ready,
            connections=ports.trading,
            vault=ports.vault,
            quiet_seconds=ports.settings.quiet_seconds,
        )


async def fund(context: Context) -> str:
    """Pay deposits in: one to each account, more into wallets, and one that does not match."""
    if not context.options.get("demo") or not context.ports.settings.simulators.mt5_url:
        return "no demo"
    dice = Random(f"{context.tenant.slug}:deposits")  # noqa: S311 - invented data, no secret
    async with context.ports.database.tenant(context.tenant) as session:
        known = await treasury_queries.count_by_state(session)
        if not known:
            await _pay_in(session, context, dice)
    await _send_all(context)
    credited = await _credit(context)
    async with context.ports.database.tenant_read(context.tenant) as session:
        states = await treasury_queries.count_by_state(session)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{credited} booked now; deposits: {told}"


@dataclass(frozen=True)
class _Plan:
    """A deposit of the demo: whose, when, to where, how much, and what becomes of it."""

    moment: datetime
    client: Client
    account_id: UUID | None
    amount: Money
    fate: Fate


async def _pay_in(session: TenantSession, context: Context, dice: Random) -> None:
    connection = await treasury_queries.connection_by_name(session, treasury_steps.SIMULATOR)
    assert connection is not None
    plans = []
    for client in await verified(session, context):
        accounts = await trading_queries.accounts_of(session, client.id)
        plans += _plans(client, [one for one in accounts if one.state == "open"], dice)
    if plans:
        # Less is paid than was asked for: it waits for a person.
        last = plans[-1].client
        moment = now() - timedelta(hours=5)
        plans.append(_Plan(moment, last, None, Money.of("500", "USD"), "mismatch"))
    # Ids are in the order of time, in which lists show deposits.
    for plan in sorted(plans, key=lambda plan: plan.moment):
        await _carry_out(session, plan, connection.id)
    audit.record(session, "demo.deposits", subject=("tenant", context.tenant.id))


def _plans(client: Client, accounts: Sequence[TradingAccount], dice: Random) -> list[_Plan]:
    """Plan one deposit to each account of a client and up to two into the wallet."""
    first, last = client.created_at + timedelta(hours=4), now() - timedelta(minutes=5)
    span = max(last - first, timedelta())
    made = []
    for account in accounts:
        amount = Money(Decimal(dice.choice(_AMOUNTS) * 4), account.currency)
        moment = min(first + span * dice.random(), last)
        made.append(_Plan(moment, client, account.id, amount, "paid"))
    for _ in range(dice.randrange(3)):
        fate = dice.choices(_FATES, _FATE_WEIGHTS)[0]
        amount = Money(Decimal(dice.choice(_AMOUNTS)), "USD")
        moment = min(first + span * dice.random(), last)
        if fate in ("pending", "created"):
            moment = now() - timedelta(hours=3, minutes=dice.randrange(60))
        made.append(_Plan(moment, client, None, amount, fate))
    return made


async def _carry_out(session: TenantSession, plan: _Plan, connection_id: UUID) -> None:
    deposit = await deposits.start(
        session,
        client_id=plan.client.id,
        account_id=plan.account_id,
        amount=plan.amount,
        connection_id=connection_id,
    )
    deposit.created_at = plan.moment
    if plan.fate == "created":
        return
    payment = f"pi_demo_{deposit.id.hex}"
    if plan.fate == "paid":
        fee = Money(plan.amount.amount * _FEE_SHARE + _FEE_FIXED, plan.amount.currency).rounded()
        fact = Fact("succeeded", payment, plan.amount, fee)
    elif plan.fate == "mismatch":
        paid = Money.of("480", "USD")
        fact = Fact(
            "succeeded", payment, paid, None, problems=(f"Paid {paid}, ordered {plan.amount}.",)
        )
    else:
        fact = Fact(plan.fate, "", None, None)
    await settlements.apply(session, [(deposit, fact)])
    await session.refresh(deposit)
    if deposit.settled_at is not None:
        deposit.settled_at = plan.moment + timedelta(minutes=2)
    if deposit.credited_at is not None:
        deposit.credited_at = deposit.settled_at


async def _credit(context: Context) -> int:
    """Take over what the server has booked, as the subscriber of its event does."""
    async with context.ports.database.tenant(context.tenant) as session:
        done = await trading_queries.operations(session, states=("done",), limit=5_000)
        holds = [one.hold_id for one in done if one.kind == "deposit" and one.hold_id is not None]
        found = await treasury_queries.locked_deposits_of_holds(session, holds)
        waiting = [deposit for deposit in found.values() if deposit.state == "settled"]
        await settlements.credited(session, [_booked(one) for one in done if one.hold_id in found])
        for deposit in waiting:
            await session.refresh(deposit)
            deposit.credited_at = (deposit.settled_at or now()) + timedelta(seconds=9)
    return len(waiting)


def _booked(operation: PlatformOperation) -> CashDone:
    assert operation.external_ticket is not None
    assert operation.amount is not None
    return CashDone(
        operation_id=operation.id,
        account_id=operation.account_id,
        ticket=operation.external_ticket,
        kind=operation.kind,
        amount=operation.amount,
        currency=operation.currency,
        hold_id=operation.hold_id,
        reference=operation.reference,
    )
