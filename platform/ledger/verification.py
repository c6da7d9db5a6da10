"""Proof that the book is whole: compares what is stored twice and adds up what must be zero."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kernel.database import ReadSession, TenantSession
from ledger import queries


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: whether every promise holds, and one line for each."""

    ok: bool
    lines: tuple[str, ...]


_PROMISES = (
    ("every entry balances in each currency", queries.count_unbalanced_entries),
    ("balances equal the sums of their lines", queries.count_wrong_balances),
    ("running balances are unbroken", queries.count_broken_runs),
    ("lines are in their account's currency", queries.count_lines_of_other_currency),
    ("no wallet or trading account below zero", queries.count_negative_wallets),
    ("held amounts equal the pending holds", queries.count_wrong_holds),
    ("posted holds cover their entries", queries.count_misused_holds),
    ("every external reference stands once", queries.count_repeated_references),
)


async def verify(session: TenantSession | ReadSession) -> Verification:
    """Check every promise of the book over all its lines; changes nothing."""
    entries, accounts, holds = await queries.count_entries(session)
    lines = [f"{entries} entries, {accounts} accounts, {holds} holds"]
    ok = True
    for currency, total, count in await queries.sums_by_currency(session):
        ok = ok and total == 0
        lines.append(f"{_verdict(total)}  sum of {count} lines in {currency}: {total:f}")
    for promise, count_broken in _PROMISES:
        broken = await count_broken(session)
        ok = ok and broken == 0
        lines.append(f"{_verdict(broken)}  {promise}: {broken} broken")
    return Verification(ok, tuple(lines))


def _verdict(difference: Decimal | int) -> str:
    return "FAIL" if difference else "ok  "
