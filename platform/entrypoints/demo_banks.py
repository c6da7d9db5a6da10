"""Demo banks: two accounts, a statement with settlements and strangers, and a provider's list."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from kernel.clock import now
from kernel.database import TenantSession
from kernel.money import Money
from ledger import chart, entries
from ledger import queries as ledger_queries
from ledger.lines import credit, debit
from tenants.provisioning import Context
from treasury import provisioning as treasury_steps
from treasury import queries as treasury_queries
from treasury.banks import accounts, imports, provider_lists, queries
from treasury.reconciliation import runs
from treasury.reconciliation.files import COLUMNS
from treasury.reconciliation.sides import queries as sides

_NUMBERS = {"segregated": "40004000200030", "own": "40004000200099"}
_WORDS = "SIMULATED CARDS"
_CAPITAL = Decimal(250_000)
_SETTLED = (Decimal("0.55"), Decimal("0.40"))


async def banks(context: Context) -> str:
    """Open accounts, let the provider settle most of what it owes, and compare the books once."""
    if not context.options.get("demo"):
        return "no demo"
    currency = context.tenant.base_currency
    async with context.ports.database.tenant(context.tenant) as session:
        known = await treasury_queries.connection_by_name(session, treasury_steps.SIMULATOR)
        if known is None or await queries.accounts(session):
            return "no provider, or there are banks"
        await accounts.open(
            session,
            name=f"Client money {currency}",
            number=_NUMBERS["segregated"],
            currency=currency,
            kind="segregated",
        )
        await accounts.open(
            session,
            name=f"Own money {currency}",
            number=_NUMBERS["own"],
            currency=currency,
            kind="own",
        )
        await accounts.know_sender(session, connection_id=known.id, words=_WORDS)
        capital = Money(_CAPITAL, currency)
        await entries.post(
            session,
            key="demo-capital",
            kind="capital",
            lines=[
                debit(chart.BANK_OWN, chart.MAIN_BANK, capital),
                credit(chart.OPENING, chart.HOUSE, capital),
            ],
        )
        made = await imports.take(
            session, data=await _statement(session, known.id, currency), name="statement.sta"
        )
        data = await _list(session)
        if data:
            await provider_lists.take(
                session, connection_id=known.id, data=data, name="payments.csv"
            )
    async with context.ports.database.tenant(context.tenant) as session:
        done = await runs.reconcile(session, day=now().date())
    return f"{made.lines} lines of a statement, {done.run.matched} payments match"


async def _statement(session: TenantSession, connection_id: UUID, currency: str) -> bytes:
    """Return a day's statement: two settlements, a stranger's payment and a fee of the bank."""
    owed = await ledger_queries.balance(
        session, code=chart.PSP_CLEARING, currency=currency, owner=("psp", connection_id)
    )
    settled = [Money(owed.amount * share, currency).rounded().amount for share in _SETTLED]
    lines = [(one, f"PAYOUT {at}", f"{_WORDS} LTD") for at, one in enumerate(settled, 1) if one > 0]
    lines += [
        (Decimal("1250.00"), "INVOICE 2291", "HARBOUR TRADING CO"),
        (Decimal("300.00"), "FOR MY SON S ACCOUNT", "ROBERT ELLIS"),
    ]
    day = now().date() - timedelta(days=1)
    total = sum((one for one, _, _ in lines), Decimal(0))
    head = f":20:DEMO1\n:25:{_NUMBERS['segregated']}\n:28C:1/1\n"
    opening = f":60F:C{_swift_day(day)}{currency}0,00\n"
    closing = f":62F:C{_swift_day(day)}{currency}{_swift(total)}\n-\n"
    body = "".join(
        f":61:{_swift_day(day)}{day:%m%d}C{_swift(one)}NTRFNONREF//DEMO{at:04d}\n"
        f":86:166?00CREDIT?20SVWZ+{purpose}?32{name}\n"
        for at, (one, purpose, name) in enumerate(lines)
    )
    return f"{head}{opening}{body}{closing}".encode()


def _swift(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _swift_day(day: date) -> str:
    return f"{day:%y%m%d}"


async def _list(session: TenantSession) -> bytes:
    """Return the provider's list of what the book has: one payment is missing, one differs."""
    moment = now()
    booked = await sides.book(
        session,
        code=chart.PSP_CLEARING,
        since=moment - timedelta(days=400),
        until=moment + timedelta(days=1),
        also=(),
    )
    fees = {one.reference: -one.amount for one in booked if one.kind == "psp_fee"}
    paid = [one for one in booked if one.kind != "psp_fee"]
    if not paid:
        return b""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for at, one in enumerate(paid[1:]):
        amount = one.amount - (10 if at == 0 else 0)
        fee = fees.get(one.reference)
        shown = "" if fee is None else f"{Money(fee, one.currency).rounded().amount}"
        money = Money(amount, one.currency).rounded().amount
        writer.writerow((one.reference, money, one.currency, one.at.isoformat(), "settled", shown))
    return text.getvalue().encode()
