"""Demo money that moves: conversions, an amount between clients, adjustments and a dispute."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from clients.models import Client
from entrypoints.demo_money import verified
from kernel.clock import now
from kernel.database import TenantSession
from kernel.money import Money
from ledger import queries as ledger_queries
from ledger.chart import CLIENT_WALLET
from tenants.provisioning import Context
from treasury import queries as treasury_queries
from treasury.adjustments import adjustments, disputes
from treasury.events import DepositDisputed
from treasury.queries import DepositFilter
from treasury.rates import queries as rate_queries
from treasury.transfers import queries as transfer_queries
from treasury.transfers import quotes, recipients, transfers
from treasury.transfers.transfers import Wish

_DAY_MAX = Decimal(5_000)
_CONVERTERS = 12
_SHARE = Decimal("0.3")


async def transfers_and_more(context: Context) -> str:
    """Let some clients convert and send; a second run finds that it is done."""
    if not context.options.get("demo"):
        return "no demo"
    async with context.ports.database.tenant(context.tenant) as session:
        if (await transfer_queries.policy(session)).between_clients or not (
            await rate_queries.pairs(session)
        ):
            return "there already, or no rates"
        await recipients.set_policy(session, between_clients=True, day_max=_DAY_MAX)
        people = await verified(session, context)
        converted = [
            await _convert(session, client, context.tenant.base_currency)
            for client in people[:_CONVERTERS]
        ]
        await _send(session, people, context.tenant.base_currency)
        await _adjust(session, people, context.tenant.base_currency)
        disputed = await _dispute(session, people)
    return f"{sum(converted)} conversions, {disputed} disputes"


async def _available(session: TenantSession, client: Client, currency: str) -> Decimal:
    found = await ledger_queries.balance(
        session, code=CLIENT_WALLET, currency=currency, owner=("client", client.id)
    )
    return found.available


async def _convert(session: TenantSession, client: Client, base: str) -> bool:
    part = Money(await _available(session, client, base) * _SHARE, base).rounded()
    if part.amount < 1:
        return False
    other = "EUR" if base != "EUR" else "USD"
    quote = await quotes.make(session, client_id=client.id, amount=part, currency=other)
    wish = Wish(client.id, f"demo-convert:{client.id}", part, other, quote_id=quote.id)
    await transfers.start(session, wish)
    return True


async def _send(session: TenantSession, people: Sequence[Client], base: str) -> None:
    amount = Money(Decimal(25), base)
    able = [one for one in people if one.status in ("verified", "active")]
    for sender in able[1:]:
        if await _available(session, sender, base) >= amount.amount:
            wish = Wish(
                sender.id, f"demo-send:{sender.id}", amount, base, target_client_id=able[0].id
            )
            await transfers.start(session, wish)
            return


async def _adjust(session: TenantSession, people: Sequence[Client], base: str) -> None:
    for number, amount in enumerate((25, 250)):
        if number < len(people):
            await adjustments.request(
                session,
                adjustments.Wish(
                    key=f"demo-adjustment:{number}",
                    client_id=people[number].id,
                    kind="goodwill",
                    amount=Money(Decimal(amount), base),
                    reason="For the trouble with the app",
                ),
            )


async def _dispute(session: TenantSession, people: Sequence[Client]) -> int:
    for client in people[3:]:
        found = await treasury_queries.deposit_page(
            session,
            narrowed=DepositFilter(client_id=client.id, states=("credited",)),
            limit=1,
        )
        for row in found.rows:
            deposit = await treasury_queries.locked_deposit(session, row.id)
            if deposit is None or deposit.settled_amount is None:
                continue
            deposit.disputed_at = now()
            told = DepositDisputed(
                deposit.id,
                client.id,
                "chargeback",
                deposit.settled_amount,
                deposit.currency,
                "The cardholder does not recognise the payment.",
            )
            await disputes.open_case(session, told)
            return 1
    return 0
