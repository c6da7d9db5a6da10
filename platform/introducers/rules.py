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
