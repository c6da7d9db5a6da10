"""What may be withdrawn, where it goes, what stands in the way, and who approves: pure rules.

Amounts are in one currency, that of the withdrawal, unless said otherwise.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from kernel.language import gettext
from kernel.money import Money, round_down
from themes.formats import money_text

# features.md 6.7: withdrawable with open positions, the window of return to source, open requests.
OPEN_POSITIONS_SHARE = Decimal("0.90")
SOURCE_WINDOW = timedelta(days=180)
PENDING_MAX = 3
# A payee that was not used or confirmed for a year has to be confirmed again.
AUTHORISATION = timedelta(days=365)
VERIFIED_LEVEL = 2
# What is promised to clients: from the request to the payout leaving us.
PROMISED = timedelta(hours=24)
PENDING_STATES = ("requested", "held", "approved", "debiting", "paying")
UNDEBITED_STATES = ("requested", "held", "approved", "debiting")
FINAL_STATES = ("paid", "rejected", "cancelled", "failed")
Way = Literal["refund", "payout", "manual"]
CHECK = "treasury.withdrawal_check.approve"
APPROVE = "treasury.withdrawal.approve"
RISK = "treasury.withdrawal_risk.approve"
LARGE = "treasury.withdrawal_large.approve"
STEPS = (CHECK, APPROVE, RISK, LARGE)
# features.md 5, approval ladder: amounts in the base currency, None for any.
LADDER: tuple[tuple[Decimal | None, tuple[str, ...]], ...] = (
    (Decimal(500), ()),
    (Decimal(5_000), (CHECK, APPROVE)),
    (Decimal(50_000), (CHECK, APPROVE, RISK)),
    (None, STEPS),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A deposit that money may go back to: what of it has not been returned yet."""

    deposit_id: UUID
    connection_id: UUID
    label: str
    remaining: Decimal
    way: Way


@dataclass(frozen=True, slots=True)
class Payee:
    """A saved payee as the rules need it; `usable` says whether its way still takes payouts."""

    id: UUID
    label: str
    holder: str
    fingerprint: str
    confirmed_at: datetime
    created_at: datetime
    connection_id: UUID | None
    way: Way
    usable: bool
    used: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a split."""

    label: str
    amount: Decimal
    way: Way
    fee: Decimal = Decimal(0)
    connection_id: UUID | None = None
    deposit_id: UUID | None = None
    destination_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that decides whether and how a client may withdraw an amount now.

    `withdrawable` is what the source gives at most: `available` of the wallet, or the rule of
    `withdrawable` for a trading account. `gone` names methods that were paid in by and can't be
    returned to any more. `fee` is that of the rest which goes to the payee.
    """

    amount: Money
    name: str
    withdrawable: Decimal
    from_account: bool
    open_positions: bool
    kyc_level: int
    restricted: str
    pending: int
    sources: Sequence[Source]
    payee: Payee | None
    gone: Sequence[str]
    fee: Decimal
    now: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands in the way: what it is, how to fix it, and where."""

    code: str
    title: str
    fix: str
    href: str = ""


def withdrawable(
    *, free_margin: Decimal, credit: Decimal, open_positions: bool, currency: str
) -> Decimal:
    """Return what a trading account gives: free margin less credit, 90 % of it with positions.

    features.md 6.10 item 12: 1,000 free margin and 200 credit with positions are 720.
    """
    own = max(free_margin - credit, Decimal(0))
    share = own * OPEN_POSITIONS_SHARE if open_positions else own
    return round_down(share, currency)


def split(
    amount: Decimal, sources: Sequence[Source], payee: Payee | None, *, fee: Decimal
) -> list[Part]:
    """Return where an amount goes: back to its sources, oldest first, and the rest to the payee.

    Profit has no source, so it is the rest. Without a payee the rest is left out. The fee is
    taken from what the payee gets. features.md 6.10 item 13: 900 of card 300 and wallet 200 are
    300, 200 and 400 to the bank.
    """
    left, parts = amount, []
    for source in sources:
        share = min(left, source.remaining)
        if share > 0:
            parts.append(
                Part(
                    source.label,
                    share,
                    source.way,
                    connection_id=source.connection_id,
                    deposit_id=source.deposit_id,
                )
            )
            left -= share
    if left > 0 and payee is not None:
        parts.append(
            Part(
                payee.label,
                left,
                payee.way,
                fee=fee if fee < left else Decimal(0),
                connection_id=payee.connection_id,
                destination_id=payee.id,
            )
        )
    return parts


def rest(amount: Decimal, sources: Sequence[Source]) -> Decimal:
    """Return what of an amount goes beyond what can be returned to its sources."""
    return max(amount - sum((one.remaining for one in sources), Decimal(0)), Decimal(0))


def problems(facts: Facts) -> list[Problem]:
    """Return what stands in the way, the client's worst first; empty when nothing does.

    Seven of them are why brokers' withdrawals are known to fail (features.md 3 item 4).
    """
    found = [*_of_the_person(facts), *_of_the_money(facts), *_of_the_payee(facts)]
    return [one for one in found if one is not None]


def _of_the_person(facts: Facts) -> list[Problem | None]:
    return [
        Problem("restricted", facts.restricted, gettext("Write to support."))
        if facts.restricted
        else None,
        Problem(
            "questionnaire",
            gettext("Your questionnaire and documents are not complete."),
            gettext("Finish your verification. It takes a few minutes."),
            "/verification",
        )
        if facts.kyc_level < VERIFIED_LEVEL
        else None,
        Problem(
            "pending",
            gettext("You have three withdrawals under way already."),
            gettext("Wait until one of them is paid, or cancel one."),
        )
        if facts.pending >= PENDING_MAX
        else None,
    ]


def _of_the_money(facts: Facts) -> list[Problem | None]:
    found: list[Problem | None] = []
    most = Money(facts.withdrawable, facts.amount.currency)
    if facts.amount.amount > facts.withdrawable:
        if facts.from_account:
            title = gettext("The account has too little free margin for this.")
            fix = gettext("Enter %s or less, or close positions first.") % money_text(most)
        else:
            title = gettext("There is less in your wallet.")
            fix = gettext("Enter %s or less.") % money_text(most)
        found.append(Problem("free_margin", title, fix))
    left = rest(facts.amount.amount, facts.sources)
    if facts.fee > 0 and 0 < left <= facts.fee:
        fee = money_text(Money(facts.fee, facts.amount.currency))
        found.append(
            Problem(
                "fee",
                gettext("The fee of %s is more than what would arrive.") % fee,
                gettext("Enter a larger amount, or only what goes back to where it came from."),
            )
        )
    return found


def _of_the_payee(facts: Facts) -> list[Problem | None]:
    left = rest(facts.amount.amount, facts.sources)
    payee = facts.payee
    if payee is None:
        if left <= 0:
            return []
        beyond = money_text(Money(left, facts.amount.currency))
        gone = ", ".join(facts.gone)
        if gone:
            title = gettext("%s can't be paid back to any more.") % gone
            fix = gettext("Choose a bank account of yours for %s.") % beyond
            return [Problem("method_gone", title, fix)]
        title = gettext("Only what you paid in by a method can go back by it.")
        fix = gettext("Choose a bank account of yours for the other %s.") % beyond
        return [Problem("method", title, fix)]
    found: list[Problem | None] = []
    if not payee.usable:
        found.append(
            Problem(
                "method_gone",
                gettext("%s takes no payouts in this currency now.") % payee.label,
                gettext("Choose another payee."),
            )
        )
    if not same_person(payee.holder, facts.name):
        found.append(
            Problem(
                "third_party",
                gettext("%s is not in your name. We pay nobody else.") % payee.label,
                gettext("Choose an account that is in your own name."),
            )
        )
    if facts.now - payee.confirmed_at > AUTHORISATION:
        found.append(
            Problem(
                "authorisation",
                gettext("You last confirmed %s more than a year ago.") % payee.label,
                gettext("Save it again, so that we know it is still yours."),
            )
        )
    return found


def same_person(holder: str, name: str) -> bool:
    """Say whether a payee's holder is the client: the same words in any order and case.

    Accents and punctuation do not count; a holder may leave out middle names, not the first or
    the last word of the client's name.
    """
    ours, theirs = _words(name), _words(holder)
    if not ours or not theirs:
        return False
    return {ours[0], ours[-1]} <= set(theirs) and set(theirs) <= set(ours)


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(one if one.isalpha() else " " for one in plain if not unicodedata.combining(one))
    return kept.split()


def flags(facts: Facts, parts: Sequence[Part], *, other_currencies: bool) -> list[str]:
    """Return what makes somebody look: words that staff read."""
    found = []
    payee = facts.payee
    if any(part.destination_id for part in parts) and payee is not None:
        if not payee.used:
            found.append("new_payee")
        if facts.now - payee.created_at < timedelta(days=1):
            found.append("payee_added_today")
    if other_currencies:
        found.append("paid_in_other_currency")
    if facts.gone:
        found.append("method_gone")
    return found


def chain(
    base_amount: Decimal,
    flagged: Sequence[str],
    ladder: Sequence[tuple[Decimal | None, Sequence[str]]] = LADDER,
) -> list[str]:
    """Return the permissions that have to agree, in order; empty where nobody has to.

    A flag takes what would go through by itself to the first rung with people on it, and adds
    whoever looks at risks.
    """
    rungs = sorted(ladder, key=lambda rung: (rung[0] is None, rung[0] or Decimal(0)))
    fitting = [list(steps) for limit, steps in rungs if limit is None or base_amount <= limit]
    steps = fitting[0] if fitting else list(STEPS)
    if not flagged:
        return steps
    staffed = next((one for one in fitting if one), list(STEPS))
    return staffed if RISK in staffed else [*staffed, RISK]


def binding(amount: Money, payees: Sequence[str]) -> str:
    """Return what a code is for: the amount, its currency and every payee, in one hash."""
    words = [f"{amount.amount:f}", amount.currency, *payees]
    return hashlib.sha256("\x1f".join(words).encode()).hexdigest()


def payees(parts: Sequence[Part], fingerprints: Mapping[UUID, str]) -> list[str]:
    """Return each part's payee and share, as a code is bound to them."""
    return [
        f"{part.destination_id and fingerprints[part.destination_id]}|{part.deposit_id}"
        f"|{part.amount:f}"
        for part in parts
    ]
