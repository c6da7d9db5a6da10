"""What introducers learn from the rooms below."""

from __future__ import annotations

from clients.events import (
    ClientCreated,
    ClientRegistered,
    LeadCaptured,
    LeadConverted,
    ReferralVisited,
)
from introducers import attributions, commissions
from introducers.acquisitions import acquisitions
from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from revenue.events import RevenueBooked
from tenants.ports import Ports
from treasury.adjustments.events import DepositChargedBack, DisputeClosed


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind this room's subscribers."""
    made.on(ReferralVisited, "introducers.visit", on_referral_visited)
    made.on(LeadCaptured, "introducers.lead", on_lead_captured)
    made.on(ClientCreated, "introducers.client", on_client_created)
    made.on(ClientRegistered, "introducers.registered", on_client_registered)
    made.on(LeadConverted, "introducers.converted", on_lead_converted)
    made.on(RevenueBooked, "introducers.accrue", on_revenue_booked)
    made.on(DepositChargedBack, "introducers.charged_back", on_deposit_charged_back)
    made.on(DisputeClosed, "introducers.dispute_closed", acquisitions.dispute_closed)


async def on_referral_visited(session: TenantSession, event: ReferralVisited) -> None:
    """Count a visit by a partner's link."""
    await attributions.visited(session, code=event.code, visitor=event.visitor)


async def on_lead_captured(session: TenantSession, event: LeadCaptured) -> None:
    """Note which partner a lead came through."""
    if event.referral_code:
        await attributions.lead_came(session, lead_id=event.lead_id, code=event.referral_code)


async def on_client_created(session: TenantSession, event: ClientCreated) -> None:
    """Attribute a client whose lead came through a partner."""
    if event.lead_id is not None:
        await attributions.client_came(session, client_id=event.client_id, lead_id=event.lead_id)


async def on_client_registered(session: TenantSession, event: ClientRegistered) -> None:
    """Attribute somebody who registered by themselves, by their first visit or their code."""
    if event.referral_code or event.visitor:
        await attributions.client_came(
            session,
            client_id=event.client_id,
            code=event.referral_code,
            visitor=event.visitor,
        )


async def on_lead_converted(session: TenantSession, event: LeadConverted) -> None:
    """Attribute a client by their lead, or by the code that came along."""
    await attributions.client_came(
        session, client_id=event.client_id, lead_id=event.lead_id, code=event.referral_code
    )


async def on_revenue_booked(session: TenantSession, event: RevenueBooked) -> None:
    """Bring the commissions of deals up to date whose revenue is new or has changed."""
    await commissions.accrue(session, server_id=event.server_id, tickets=event.tickets)
    await acquisitions.consider_deals(session, server_id=event.server_id, tickets=event.tickets)


async def on_deposit_charged_back(session: TenantSession, event: DepositChargedBack) -> None:
    """Take back what the deposit has earned partners."""
    await acquisitions.charged_back(session, event)
