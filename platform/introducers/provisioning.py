"""The step that gives a new brokerage its partner plans."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from introducers import plans, rules
from kernel.database import TenantSession
from tenants.provisioning import Context, Step

FAMILIES = (
    *("FX Majors", "FX Minors", "FX Exotics", "Metals"),
    *("Indices", "Energies", "Shares", "Crypto"),
)
_SILVER = ("5.00", "4.00", "3.00", "4.00", "0.50", "1.00", "0.50", "5.00")
_MASTER = ("7.00", "6.00", "5.00", "6.00", "0.80", "1.50", "0.80", "7.00")
_LEVELS = ("5.00", "1.00", "0.50")
# On level plans the other groups of instruments pay this share of what majors pay.
_OTHERS = Decimal("0.8")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_SILVER_START = datetime(2026, 7, 1, tzinfo=UTC)


async def add_plans(session: TenantSession) -> int:
    """Add the plans every brokerage starts with; repeated, nothing changes. Return how many."""
    levels = {
        family: [
            rate if family == FAMILIES[0] else f"{Decimal(rate) * _OTHERS:.2f}" for rate in _LEVELS
        ]
        for family in FAMILIES
    }
    await plans.add(
        session,
        code="SILVER",
        name="Silver",
        version=3,
        structure="rank",
        joining="public",
        auto_approve=True,
        terms=rules.terms(rates=_single(_SILVER), percents=["30"]),
        effective_from=_SILVER_START,
    )
    await plans.add(
        session,
        code="MASTER",
        name="Master",
        version=1,
        structure="rank",
        joining="private",
        auto_approve=False,
        terms=rules.terms(rates=_single(_MASTER), percents=["50"]),
        effective_from=_START,
    )
    await plans.add(
        session,
        code="LEVEL",
        name="Level",
        version=1,
        structure="level",
        joining="public",
        auto_approve=False,
        terms=rules.terms(rates=levels, percents=["30", "6", "3"]),
        effective_from=_START,
    )
    return 3


def _single(rates: tuple[str, ...]) -> dict[str, list[str]]:
    return {family: [rate] for family, rate in zip(FAMILIES, rates, strict=True)}


async def _plans(context: Context) -> str:
    async with context.ports.database.tenant(context.tenant) as session:
        return f"{await add_plans(session)} plans"


STEPS = [Step("partner plans", _plans)]
