"""Who brought whom: visits, leads and clients, the first touch within 90 days."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clients import queries as clients_queries
from clients import timeline
from clients.models import Client
from identity import audit
from introducers import commissions, queries, rules
from introducers.models import Attribution, LeadAttribution, Partner, ReferralVisit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import uuid7
from kernel.language import marked
from messaging import notifications


async def visited(session: TenantSession, *, code: str, visitor: str) -> bool:
    """Remember that somebody followed a partner's link; False when the code is nobody's."""
    partner = await queries.partner_by_code(session, code)
    if partner is None:
        return False
    session.add(
        ReferralVisit(id=uuid7(), partner_id=partner.id, code=partner.code, visitor=visitor[:64])
    )
    return True


async def lead_came(session: TenantSession, *, lead_id: UUID, code: str) -> bool:
    """Note which partner a lead came through; the first one stays. False for nobody's code."""
    partner = await queries.partner_by_code(session, code)
    if partner is None or partner.state != "active":
        return False
    values = {"lead_id": lead_id, "partner_id": partner.id, "code": partner.code, "at": now()}
    await session.execute(insert(LeadAttribution).values(values).on_conflict_do_nothing())
    return True


async def client_came(
    session: TenantSession,
    *,
    client_id: UUID,
    lead_id: UUID | None = None,
    code: str | None = None,
    visitor: str | None = None,
) -> bool:
    """Attribute a client to whoever's touch counts; say whether there was one."""
    moment = now()
    touches = []
    if lead_id and (lead := await queries.lead_attribution(session, lead_id)):
        touches.append((lead.partner_id, lead.at))
    since = moment - rules.TOUCH_LASTS
    if visitor and (seen := await queries.first_visit(session, visitor=visitor, since=since)):
        touches.append((seen.partner_id, seen.at))
    latest = await queries.partner_by_code(session, code) if code else None
    chosen = rules.first_touch(touches, latest.id if latest else None, moment)
    partner = await queries.partner(session, chosen) if chosen else None
    if partner is None:
        return False
    return await attribute(session, client_id=client_id, partner=partner, source="link")


async def attribute(
    session: TenantSession,
    *,
    client_id: UUID,
    partner: Partner,
    source: str,
    at: datetime | None = None,
) -> bool:
    """Attribute a client once and for all; False when they are somebody's already.

    Nobody refers themselves: with the partner's own address or profile the client stays
    nobody's, and both timelines say so. An inactive partner gains nobody.
    """
    client = await clients_queries.client(session, client_id)
    if client is None or partner.state != "active":
        return False
    if rules.same_person(
        partner_email=partner.email,
        partner_client_id=partner.client_id,
        client_email=client.email,
        client_id=client.id,
    ):
        _own_link(session, client, partner)
        return False
    values = {
        "client_id": client_id,
        "partner_id": partner.id,
        "source": source,
        "code": partner.code,
        "at": at or now(),
    }
    made = await session.scalar(
        insert(Attribution).values(values).on_conflict_do_nothing().returning(Attribution.client_id)
    )
    if made is None:
        return False
    audit.record(
        session,
        "introducers.client.attribute",
        subject=("client", client_id),
        after={"partner_id": str(partner.id), "source": source},
    )
    _write_timelines(session, client, partner)
    if at is None:  # what is brought over from elsewhere is no news
        await notifications.notify(
            session,
            user_id=partner.user_id,
            kind="referral",
            title=marked("A new client came through you"),
            body="%(name)s",
            href="/referrals",
            facts={"name": rules.masked_name(client.first_name, client.last_name)},
        )
    await session.flush()
    await commissions.accrue_client(session, client_id=client_id)
    return True


def _write_timelines(session: TenantSession, client: Client, partner: Partner) -> None:
    timeline.add(
        session,
        subject=("client", client.id),
        kind="partner",
        fact="Came through a partner",
        detail=f"{partner.name}, {partner.reference}",
        icon="affiliate",
    )
    timeline.add(
        session,
        subject=("partner", partner.id),
        kind="partner",
        fact="New client",
        detail=client.reference,
        icon="user-plus",
    )


def _own_link(session: TenantSession, client: Client, partner: Partner) -> None:
    audit.record(
        session,
        "introducers.client.own_link",
        subject=("client", client.id),
        after={"partner_id": str(partner.id)},
        reason="a partner does not refer themselves",
    )
    subjects: tuple[timeline.Subject, ...] = (("client", client.id), ("partner", partner.id))
    for subject in subjects:
        timeline.add(
            session,
            subject=subject,
            kind="partner",
            fact="Own link used: not attributed",
            detail=f"{client.reference} and {partner.reference} share an address or profile.",
            icon="user-question",
        )
