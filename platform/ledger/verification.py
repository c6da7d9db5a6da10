"""Hot path: proof that the book is whole, one statement for each promise, over all its lines.

Compares what is stored twice, adds up what must be zero, and follows every link.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kernel.database import ReadSession, TenantSession, driver, tagged

_SIZES = """
SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM entry_line),
  (SELECT count(*) FROM ledger_account), (SELECT count(*) FROM hold)
"""
_SUMS = """
SELECT coalesce(currency, '?'), coalesce(sum(amount), 'NaN'), count(*) FROM entry_line
GROUP BY currency ORDER BY currency
"""

# What the book promises, and how many times it is broken.
_PROMISES = {
    "every entry balances in each currency": """
SELECT count(*) FROM (
  SELECT entry_id FROM entry_line GROUP BY entry_id, currency HAVING sum(amount) <> 0
  UNION SELECT id FROM entry WHERE num_nonnulls(account_1, account_2, version_1, version_2,
    amount_1, amount_2, after_1, after_2, currency) NOT IN (0, 9)
  UNION SELECT e.id FROM entry e LEFT JOIN entry_line p ON p.entry_id = e.id
    GROUP BY e.id HAVING count(p.line) < 2 OR max(p.line) <> count(p.line)
      OR count(DISTINCT p.line) <> count(p.line)) broken""",
    "every line has its entry and its account, in the account's currency": """
SELECT count(*) FROM entry_line p LEFT JOIN entry e ON e.id = p.entry_id
LEFT JOIN ledger_account a ON a.id = p.account_id
WHERE e.id IS NULL OR a.currency IS DISTINCT FROM p.currency""",
    "balances equal the sums of their lines": """
SELECT count(*) FROM ledger_account a FULL JOIN balance b ON b.account_id = a.id
LEFT JOIN (
  SELECT account_id, sum(amount) AS amount, count(*) AS version FROM entry_line GROUP BY account_id
) p ON p.account_id = coalesce(a.id, b.account_id)
WHERE (b.amount, b.version) IS DISTINCT FROM (coalesce(p.amount, 0), coalesce(p.version, 0))""",
    "running balances are unbroken": """
SELECT count(*) FROM (
  SELECT balance_after, account_version, sum(amount) OVER w AS sum, row_number() OVER w AS step
  FROM entry_line WINDOW w AS (PARTITION BY account_id ORDER BY account_version)) run
WHERE balance_after <> sum OR account_version <> step""",
    "balances carry the key and the guards of their account": """
SELECT count(*) FROM balance b LEFT JOIN ledger_account a ON a.id = b.account_id
LEFT JOIN account_code c ON c.code = a.code AND c.owner_kind = a.owner_kind
WHERE (b.code, b.currency, b.owner_kind, b.owner_id, b.guarded, b.forcible, b.ceiling)
  IS DISTINCT FROM (a.code, a.currency, a.owner_kind, a.owner_id, c.guarded, c.forcible,
    CASE WHEN c.guarded AND NOT c.forcible THEN 0::numeric END)""",
    "no wallet below zero, nor what is held beyond it": """
SELECT count(*) FROM balance b JOIN ledger_account a ON a.id = b.account_id
JOIN account_code c ON c.code = a.code
WHERE c.guarded AND NOT c.forcible AND b.amount + b.held > 0""",
    "other guarded accounts went below zero by force alone": """
SELECT count(*) FROM balance b JOIN ledger_account a ON a.id = b.account_id
JOIN account_code c ON c.code = a.code AND c.guarded AND c.forcible
JOIN entry_line p ON p.account_id = b.account_id AND p.amount > 0
JOIN entry e ON e.id = p.entry_id AND NOT e.forced
WHERE b.amount > 0 AND p.account_version > (
  SELECT coalesce(max(q.account_version), 0) FROM entry_line q
  WHERE q.account_id = b.account_id AND q.balance_after <= 0)""",
    "held amounts equal the pending holds": """
SELECT count(*) FROM balance b LEFT JOIN (
  SELECT account_id, sum(amount) AS held FROM hold WHERE state = 'pending' GROUP BY account_id
) h ON h.account_id = b.account_id WHERE b.held <> coalesce(h.held, 0)""",
    "posted holds cover their entries": """
SELECT count(*) FROM (
  SELECT h.id FROM hold h
  LEFT JOIN entry_line p ON p.entry_id = h.entry_id AND p.account_id = h.account_id
  WHERE h.state = 'posted' GROUP BY h.id, h.amount
  HAVING coalesce(sum(p.amount), 0) <= 0 OR sum(p.amount) > h.amount
  UNION SELECT coalesce(h.id, e.hold_id)
  FROM (SELECT id, entry_id FROM hold WHERE state = 'posted') h
  FULL JOIN (SELECT id, hold_id FROM entry WHERE hold_id IS NOT NULL) e ON e.hold_id = h.id
  WHERE h.entry_id IS DISTINCT FROM e.id) misused""",
    "every external reference, key and reversal stands once": """
SELECT (SELECT count(*) - count(DISTINCT key) FROM entry)
  + (SELECT count(external_reference) - count(DISTINCT external_reference) FROM entry)
  + (SELECT count(reverses_id) - count(DISTINCT reverses_id) FROM entry)
  + (SELECT count(*) - count(DISTINCT key) FROM hold)""",
    "reversals are their originals with the signs turned": """
SELECT count(*) FROM entry e
LEFT JOIN entry o ON o.id = e.reverses_id
CROSS JOIN LATERAL (
  SELECT count(*) AS lines, count(*) FILTER (WHERE m.account_id = t.account_id
    AND m.currency = t.currency AND m.amount = -t.amount) AS turned
  FROM (SELECT * FROM entry_line WHERE entry_id = e.id) m
  FULL JOIN (SELECT * FROM entry_line WHERE entry_id = e.reverses_id) t ON t.line = m.line) l
WHERE (e.reverses_id IS NOT NULL OR e.kind = 'reversal') AND (e.kind <> 'reversal'
  OR o.id IS NULL OR o.recorded_at > e.recorded_at OR l.lines <> l.turned OR l.lines = 0)""",
    "nothing was written into a closed period": """
SELECT count(*) FROM entry e
WHERE e.occurred_at < e.recorded_at - interval '1 minute' AND e.occurred_at < (
  SELECT l.closed_before FROM period_lock l WHERE l.recorded_at < e.recorded_at
  ORDER BY l.number DESC LIMIT 1)""",
}


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: whether every promise holds, one line for each, and all of it in one."""

    ok: bool
    lines: tuple[str, ...]
    summary: str


async def verify(session: TenantSession | ReadSession) -> Verification:
    """Check every promise of the book over all its lines; changes nothing."""
    raw = await driver(session)
    entries, postings, accounts, holds = await raw.fetchrow(tagged(session, _SIZES))
    size = f"{entries} entries, {postings} lines, {accounts} accounts, {holds} holds"
    lines, broken = [size], []
    sums = [
        (currency, total, count)
        for currency, total, count in await raw.fetch(tagged(session, _SUMS))
    ]
    for currency, total, count in sums:
        lines.append(f"{_verdict(total)}  sum of {count} lines in {currency}: {total:f}")
        if total != 0:
            broken.append(f"sum in {currency}")
    for promise, statement in _PROMISES.items():
        count = await raw.fetchval(tagged(session, statement))
        lines.append(f"{_verdict(count)}  {promise}: {count} broken")
        if count:
            broken.append(f"{promise}: {count}")
    told = ", ".join(f"{currency} {total.normalize():f}" for currency, total, _ in sums) or "none"
    kept = f"{len(_PROMISES)} promises kept" if not broken else "BROKEN: " + "; ".join(broken)
    return Verification(not broken, tuple(lines), f"{size}; sums {told}; {kept}")


def _verdict(difference: Decimal | int) -> str:
    return "FAIL" if difference else "ok  "
