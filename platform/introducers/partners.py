"""Partners: they register, are approved by staff or by their plan, and may be suspended."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from clients import rules as client_rules
from clients import timeline
from identity import audit
from identity.users import checked_email
from introducers import queries, tree
from introducers.models import Partner, PartnerTerm, Plan
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import reference, uuid7
from kernel.language import gettext

DEFAULT_PLAN = "SILVER"


class NotApplied(Conflict):
    """Only somebody who has applied can be approved or refused."""

    code = "partner_not_applied"
    message = "This partner has been decided already. Reload the page."


async def register(
    session: TenantSession,
    *,
    user_id: UUID,
    name: str,
    email: str,
    country: str,
    sponsor_code: str | None = None,
    plan_code: str = DEFAULT_PLAN,
    client_id: UUID | None = None,
    at: datetime | None = None,
) -> Partner:
    """Register a partner on a public plan, below whoever's code they bring; they have applied.

    Raises InvalidInput for a code or plan that is not to be had.
    """
    moment = at or now()
    plan = await queries.plan_at(session, plan_code, moment)
    if plan is None or plan.joining != "public":
        raise InvalidInput({"plan_code": "Choose one of the plans that are open."})
    return await enrol(
        session,
        user_id=user_id,
        name=name,
        email=email,
        country=country,
        parent=await _sponsor(session, sponsor_code),
        plan=plan,
        client_id=client_id,
        at=moment,
    )


async def enrol(
    session: TenantSession,
    *,
    user_id: UUID,
    name: str,
    email: str,
    country: str,
    parent: Partner | None,
    plan: Plan,
    client_id: UUID | None = None,
    at: datetime,
) -> Partner:
    """Put a partner on any plan, public or private; they have applied."""
    made = Partner(
        id=uuid7(),
        reference=reference("IB"),
        user_id=user_id,
        client_id=client_id,
        name=client_rules.line(name, field="name", label="name", limit=120),
        email=checked_email(email),
        country=client_rules.country(country),
        code=reference("C").removeprefix("C-"),
        plan_code=plan.code,
        ratio=Decimal(1),
        parent_id=parent.id if parent else None,
        state="applied",
        created_at=at,
    )
    session.add(made)
    await session.flush()
    await tree.plant(session, partner=made, at=at)
    audit.record(
        session,
        "introducers.partner.register",
        subject=("partner", made.id),
        after={"plan": plan.code, "parent_id": str(parent.id) if parent else None},
    )
    _tell(session, made, "Applied", f"Plan {plan.name}{', below ' + parent.name if parent else ''}")
    return made


async def approve(
    session: TenantSession, *, partner_id: UUID, at: datetime | None = None
) -> Partner:
    """Make a partner active; their terms begin now. Raises NotApplied."""
    partner = await _locked(session, partner_id)
    if partner.state != "applied":
        raise NotApplied
    moment = at or now()
    partner.state, partner.activated_at = "active", moment
    session.add(
        PartnerTerm(
            partner_id=partner.id,
            valid_from=moment,
            plan_code=partner.plan_code,
            ratio=partner.ratio,
        )
    )
    await session.flush()
    _changed(session, partner, "approve", "applied")
    _tell(session, partner, "Approved", "The partnership is active.")
    return partner


async def refuse(session: TenantSession, *, partner_id: UUID, reason: str) -> Partner:
    """Refuse somebody who has applied, with a reason. Raises NotApplied."""
    partner = await _locked(session, partner_id)
    if partner.state != "applied":
        raise NotApplied
    partner.state = "refused"
    _changed(session, partner, "refuse", "applied", _reason(reason))
    _tell(session, partner, "Refused", reason)
    return partner


async def suspend(session: TenantSession, *, partner_id: UUID, reason: str) -> Partner:
    """Suspend a partner: they go on accruing, and nothing is posted meanwhile."""
    partner = await _locked(session, partner_id)
    if partner.state != "active":
        raise Conflict
    partner.state = "suspended"
    _changed(session, partner, "suspend", "active", _reason(reason))
    _tell(session, partner, "Suspended", reason)
    return partner


async def resume(session: TenantSession, *, partner_id: UUID) -> Partner:
    """Make a suspended partner active again; what was held is posted by the next close."""
    partner = await _locked(session, partner_id)
    if partner.state != "suspended":
        raise Conflict
    partner.state = "active"
    _changed(session, partner, "resume", "suspended")
    _tell(session, partner, "Active again", "")
    return partner


async def set_terms(
    session: TenantSession,
    *,
    partner_id: UUID,
    plan_code: str,
    ratio: Decimal = Decimal(1),
    at: datetime | None = None,
) -> Partner:
    """Put a partner on a plan and a ratio from a moment on; earlier trades keep theirs.

    `ratio` multiplies the plan's rates: 1.2 is the Gold tier.
    """
    moment = at or now()
    partner = await _locked(session, partner_id)
    if await queries.plan_at(session, plan_code, moment) is None:
        raise InvalidInput({"plan_code": "Choose a plan that is in force."})
    if not Decimal(0) <= ratio <= Decimal(10):
        raise InvalidInput({"ratio": "Enter a ratio between 0 and 10, such as 1.2."})
    before = {"plan": partner.plan_code, "ratio": str(partner.ratio)}
    partner.plan_code, partner.ratio = plan_code, ratio
    if partner.state != "applied":
        await session.merge(
            PartnerTerm(partner_id=partner.id, valid_from=moment, plan_code=plan_code, ratio=ratio)
        )
    await session.flush()
    audit.record(
        session,
        "introducers.partner.set_terms",
        subject=("partner", partner.id),
        before=before,
        after={"plan": plan_code, "ratio": str(ratio), "from": moment.isoformat()},
    )
    _tell(session, partner, "New terms", f"Plan {plan_code}, rates x {ratio}")
    return partner


async def _sponsor(session: TenantSession, code: str | None) -> Partner | None:
    if not code:
        return None
    found = await queries.partner_by_code(session, code)
    if found is None or found.state != "active":
        raise InvalidInput(
            {"code": gettext("This link is not valid any more. Ask your partner for it.")}
        )
    return found


async def _locked(session: TenantSession, partner_id: UUID) -> Partner:
    partner = await queries.partner_for_update(session, partner_id)
    if partner is None:
        raise NotFound
    return partner


def _reason(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, so that others can follow the decision."})
    return reason.strip()


def _changed(
    session: TenantSession, partner: Partner, verb: str, before: str, reason: str | None = None
) -> None:
    audit.record(
        session,
        f"introducers.partner.{verb}",
        subject=("partner", partner.id),
        before={"state": before},
        after={"state": partner.state},
        reason=reason,
    )


def _tell(session: TenantSession, partner: Partner, fact: str, detail: str) -> None:
    timeline.add(
        session,
        subject=("partner", partner.id),
        kind="partner",
        fact=fact,
        detail=detail[:200],
        icon="affiliate",
    )
