"""Pure rules: what terms of a plan are made of, whose touch counts, and who refers themselves.

Rates are money per lot in the plan's currency, percentages are of the trade's commission.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from kernel.errors import InvalidInput
from kernel.language import gettext, marked
from themes.formats import day_text, isolated, number_text

# A partner's link counts for so long after the visit that made somebody a lead.
TOUCH_LASTS = timedelta(days=90)
GUARD_PERCENT = "80"
MINIMUM_SECONDS = "120"
# Cent accounts trade hundredths of a lot.
LOT_MODIFIERS = {"CENT": "0.01"}
PERCENT_ACCOUNTS = ("RAW", "PRO")


# What the calculation writes down, and how it is said.
_REASONS = (
    (
        re.compile("held (.+) s, the plan asks for (.+) s"),
        marked("held %s s, the plan asks for %s s"),
    ),
    (
        re.compile("scaled to (.+ %) of the revenue of the trade"),
        marked("scaled to %s of the revenue of the trade"),
    ),
    (
        re.compile("a partner below is entitled to as much"),
        marked("a partner below is entitled to as much"),
    ),
    (re.compile("before the client had qualified"), marked("before the client had qualified")),
    (re.compile("the trade paid no commission"), marked("the trade paid no commission")),
    (
        re.compile("the plan pays nothing for these instruments"),
        marked("the plan pays nothing for these instruments"),
    ),
)


@dataclass(frozen=True, slots=True)
class Cpa:
    """What a plan pays once for a client, in its currency, and what the client has to bring in.

    The first deposit must reach `deposit_min`, and eligible lots `lots_min` within `days` of it.
    What is earned under the plan is set aside for `hold_days`.
    """

    amount: Decimal
    deposit_min: Decimal
    lots_min: Decimal
    days: int
    hold_days: int

    def terms(self) -> dict[str, str]:
        """Return it as a plan's terms keep it."""
        return {name: str(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Cpa | None:
        """Read it from a plan's terms; None for a plan that pays nothing once."""
        known = terms.get("cpa")
        if known is None:
            return None
        amount, deposit_min, lots_min = (
            Decimal(known[name]) for name in ("amount", "deposit_min", "lots_min")
        )
        return cls(amount, deposit_min, lots_min, int(known["days"]), int(known["hold_days"]))


def qualifying(
    trades: Sequence[tuple[datetime, Decimal]], *, lots_min: Decimal
) -> tuple[datetime, Decimal] | None:
    """Return when trades (moment and lots, in order) reach so many lots, and the lots by then."""
    total = Decimal(0)
    for at, lots in trades:
        total += lots
        if total >= lots_min:
            return at, total
    return None


def terms(
    *,
    rates: Mapping[str, Sequence[str]],
    percents: Sequence[str],
    percent_accounts: Sequence[str] = PERCENT_ACCOUNTS,
    lot_modifiers: Mapping[str, str] | None = None,
    guard_percent: str = GUARD_PERCENT,
    minimum_seconds: str = MINIMUM_SECONDS,
    cpa: Cpa | None = None,
) -> dict[str, Any]:
    """Return the terms of a plan; raise InvalidInput for a rate or percentage that is none.

    `rates` and `percents` hold one figure a level; a rank plan has the first alone. With `cpa` a
    client pays once, and rebates only for trades after the one that qualified them.
    """
    figures = [figure for row in rates.values() for figure in row]
    figures += [*percents, *(lot_modifiers or {}).values(), guard_percent, minimum_seconds]
    for figure in figures:
        if not _is_figure(figure):
            raise InvalidInput({"terms": f"{figure} is no rate: enter 0 or more, such as 5.00."})
    for percent in (*percents, guard_percent):
        if Decimal(percent) > 100:
            raise InvalidInput({"terms": f"{percent} % is more than all: enter 100 or less."})
    first = {} if cpa is None else {"cpa": cpa.terms()}
    return {
        **first,
        "rates": {family: list(row) for family, row in rates.items()},
        "percents": list(percents),
        "percent_accounts": list(percent_accounts),
        "lot_modifiers": dict(LOT_MODIFIERS if lot_modifiers is None else lot_modifiers),
        "guard_percent": guard_percent,
        "minimum_seconds": minimum_seconds,
    }


def first_touch(
    touches: Sequence[tuple[UUID, datetime]], latest: UUID | None, now: datetime
) -> UUID | None:
    """Return the partner who counts: of the earliest touch within 90 days, else the latest code."""
    fresh = [(at, partner_id) for partner_id, at in touches if now - at <= TOUCH_LASTS]
    return min(fresh)[1] if fresh else latest


def same_person(
    *, partner_email: str, partner_client_id: UUID | None, client_email: str, client_id: UUID
) -> bool:
    """Say whether partner and client are one: the same profile or the same address."""
    return (
        partner_client_id == client_id
        or partner_email.strip().lower() == client_email.strip().lower()
    )


def _is_figure(figure: str) -> bool:
    try:
        number = Decimal(figure)
    except InvalidOperation:
        return False
    return number.is_finite() and number >= 0


def steps(arithmetic: Mapping[str, Any], *, symbol: str, currency: str) -> list[dict[str, str]]:
    """Return a commission line's steps before the last rounding: label, note, operator, value."""
    plan = isolated(f"{arithmetic['plan']} v{arithmetic['plan_version']}")
    since = gettext("in force since %s") % day_text(
        date.fromisoformat(arithmetic["effective_from"])
    )
    if arithmetic["method"] == "percent":
        made = [
            _step(
                gettext("Commission of the trade"),
                gettext("both sides, as charged"),
                f"{exact(arithmetic['commission'])} {currency}",
            ),
            _step(gettext("Your share"), f"{plan}, {since}", f"{arithmetic['percent']} %", "×"),
        ]
    else:
        made = [
            _step(
                gettext("Lots closed"),
                isolated(f"{symbol}, {arithmetic['account_type']}"),
                exact(arithmetic["lots"]),
            )
        ]
        if arithmetic["lot_modifier"] != "1":
            made.append(
                _step(
                    gettext("Lot factor"),
                    gettext("of %s accounts") % arithmetic["account_type"],
                    arithmetic["lot_modifier"],
                    "×",
                )
            )
        note = f"{plan}, {isolated(arithmetic['family'])}, {since}"
        made.append(
            _step(
                gettext("Your rate"),
                note,
                gettext("%s a lot") % f"{exact(arithmetic['rate'])} {currency}",
                "×",
            )
        )
    if arithmetic["ratio"] != "1":
        made.append(
            _step(gettext("Your ratio"), gettext("tier or personal"), arithmetic["ratio"], "×")
        )
    made.append(
        _step(
            gettext("Your entitlement"),
            gettext("unrounded"),
            f"{exact(arithmetic['entitled'])} {currency}",
            "=",
        )
    )
    if arithmetic["structure"] == "rank" and arithmetic["below"] != "0":
        made.append(
            _step(
                gettext("Entitled below you"),
                gettext("the highest entitlement between you and the client"),
                f"{exact(arithmetic['below'])} {currency}",
                "−",
            )
        )
    return [*made, *_scaled(arithmetic, currency)]


def _scaled(arithmetic: Mapping[str, Any], currency: str) -> list[dict[str, str]]:
    """Return the steps by which a trade that would pay too much is scaled; mostly none."""
    if Decimal(arithmetic["total"]) <= Decimal(arithmetic["cap"]):
        return []
    made: list[dict[str, str]] = []
    made.append(
        _step(
            gettext("Your part"),
            gettext("never below zero"),
            f"{exact(arithmetic['part'])} {currency}",
            "=",
        )
    )
    made.append(
        _step(
            gettext("Scaled for everybody alike"),
            gettext("%s allowed of %s together")
            % (exact(arithmetic["cap"]), exact(arithmetic["total"])),
            f"{exact(arithmetic['cap'])} / {exact(arithmetic['total'])}",
            "×",
        )
    )
    return made


def checks(arithmetic: Mapping[str, Any], *, currency: str) -> list[dict[str, Any]]:
    """Return what was checked about a trade: text, and whether it holds."""
    held, minimum = arithmetic.get("held_seconds"), Decimal(arithmetic["minimum_seconds"])
    if held is None:
        first = {
            "holds": True,
            "text": gettext("Opened before the mirror begins: held long enough"),
        }
    else:
        first = {
            "holds": Decimal(held) >= minimum,
            "text": gettext("Held %s, the plan asks for %s")
            % (_duration(int(held)), _duration(int(minimum))),
        }
    total, cap = Decimal(arithmetic["total"]), Decimal(arithmetic["cap"])
    guard = gettext("All partners together %s of %s allowed (%s of %s revenue)") % (
        _short(total),
        f"{_short(cap)} {currency}",
        f"{arithmetic['guard_percent']} %",
        _short(Decimal(arithmetic["revenue"])),
    )
    return [
        first,
        {"holds": total <= cap, "text": guard},
        {"holds": True, "text": gettext("Rounded down once to %s and minor units") % currency},
    ]


def reason_text(reason: str) -> str:
    """Return why a line pays less or nothing, as it was stored, in the language of the page."""
    for pattern, text in _REASONS:
        found = pattern.fullmatch(reason)
        if found is not None:
            return gettext(text) % found.groups()
    return reason


def exact(figure: str) -> str:
    """Return an unrounded figure with two decimals or as many as it has."""
    whole, _, decimals = figure.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def masked_name(first: str, last: str) -> str:
    """Return a client's name as a partner may see it: first letter, dots, last initial."""
    return f"{first[:1]}•••• {last[:1]}.".strip()


def _step(label: str, note: str, value: object, operator: str = "") -> dict[str, str]:
    return {"label": label, "note": note, "operator": operator, "value": str(value)}


def _short(value: Decimal) -> str:
    return number_text(value, 2)


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if left else f"{minutes} min"
