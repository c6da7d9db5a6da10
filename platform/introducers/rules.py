"""Pure rules: what terms of a plan are made of, whose touch counts, and who refers themselves.

Rates are money per lot in the plan's currency, percentages are of the trade's commission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from kernel.errors import InvalidInput

# A partner's link counts for so long after the visit that made somebody a lead.
TOUCH_LASTS = timedelta(days=90)
GUARD_PERCENT = "80"
MINIMUM_SECONDS = "120"
# Cent accounts trade hundredths of a lot.
LOT_MODIFIERS = {"CENT": "0.01"}
PERCENT_ACCOUNTS = ("RAW", "PRO")


def terms(
    *,
    rates: Mapping[str, Sequence[str]],
    percents: Sequence[str],
    percent_accounts: Sequence[str] = PERCENT_ACCOUNTS,
    lot_modifiers: Mapping[str, str] | None = None,
    guard_percent: str = GUARD_PERCENT,
    minimum_seconds: str = MINIMUM_SECONDS,
) -> dict[str, Any]:
    """Return the terms of a plan; raise InvalidInput for a rate or percentage that is none.

    `rates` and `percents` hold one figure a level; a rank plan has the first alone.
    """
    figures = [figure for row in rates.values() for figure in row]
    figures += [*percents, *(lot_modifiers or {}).values(), guard_percent, minimum_seconds]
    for figure in figures:
        if not _is_figure(figure):
            raise InvalidInput({"terms": f"{figure} is no rate: enter 0 or more, such as 5.00."})
    for percent in (*percents, guard_percent):
        if Decimal(percent) > 100:
            raise InvalidInput({"terms": f"{percent} % is more than all: enter 100 or less."})
    return {
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
    plan = f"{arithmetic['plan']} v{arithmetic['plan_version']}"
    since = f"in force since {arithmetic['effective_from']}"
    if arithmetic["method"] == "percent":
        made = [
            _step(
                "Commission of the trade",
                "both sides, as charged",
                f"{exact(arithmetic['commission'])} {currency}",
            ),
            _step("Your share", f"{plan}, {since}", f"{arithmetic['percent']} %", "×"),
        ]
    else:
        made = [
            _step(
                "Lots closed", f"{symbol}, {arithmetic['account_type']}", exact(arithmetic["lots"])
            )
        ]
        if arithmetic["lot_modifier"] != "1":
            made.append(
                _step(
                    "Lot factor",
                    f"of {arithmetic['account_type']} accounts",
                    arithmetic["lot_modifier"],
                    "×",
                )
            )
        note = f"{plan}, {arithmetic['family']}, {since}"
        made.append(_step("Your rate", note, f"{exact(arithmetic['rate'])} {currency} a lot", "×"))
    if arithmetic["ratio"] != "1":
        made.append(_step("Your ratio", "tier or personal", arithmetic["ratio"], "×"))
    made.append(
        _step("Your entitlement", "unrounded", f"{exact(arithmetic['entitled'])} {currency}", "=")
    )
    if arithmetic["structure"] == "rank" and arithmetic["below"] != "0":
        made.append(
            _step(
                "Entitled below you",
                "the highest entitlement between you and the client",
                f"{exact(arithmetic['below'])} {currency}",
                "−",
            )
        )
    if Decimal(arithmetic["total"]) > Decimal(arithmetic["cap"]):
        made.append(
            _step("Your part", "never below zero", f"{exact(arithmetic['part'])} {currency}", "=")
        )
        made.append(
            _step(
                "Scaled for everybody alike",
                f"{exact(arithmetic['cap'])} allowed of {exact(arithmetic['total'])} together",
                f"{exact(arithmetic['cap'])} / {exact(arithmetic['total'])}",
                "×",
            )
        )
    return made


def checks(arithmetic: Mapping[str, Any], *, currency: str) -> list[dict[str, Any]]:
    """Return what was checked about a trade: text, and whether it holds."""
    held, minimum = arithmetic.get("held_seconds"), Decimal(arithmetic["minimum_seconds"])
    if held is None:
        first = {"holds": True, "text": "Opened before the mirror begins: held long enough"}
    else:
        first = {
            "holds": Decimal(held) >= minimum,
            "text": f"Held {_duration(int(held))}, the plan asks for {_duration(int(minimum))}",
        }
    total, cap = Decimal(arithmetic["total"]), Decimal(arithmetic["cap"])
    guard = (
        f"All partners together {_short(total)} of {_short(cap)} {currency} allowed"
        f" ({arithmetic['guard_percent']} % of {_short(Decimal(arithmetic['revenue']))} revenue)"
    )
    return [
        first,
        {"holds": total <= cap, "text": guard},
        {"holds": True, "text": f"Rounded down once to {currency} and minor units"},
    ]


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
    return f"{value:,.2f}"


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if left else f"{minutes} min"
