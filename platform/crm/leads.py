"""Leads: captured once, routed, worked on, and converted to clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clients import profiles, restrictions, timeline
from clients import queries as clients_queries
from clients import rules as clients_rules
from clients.events import LeadCaptured, LeadConverted
from clients.models import Client
from crm import queries, routing, rules
from crm.models import Lead
from identity import audit, email_tokens, users
from identity import queries as identity_queries
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.events import record
from kernel.ids import reference, uuid7
from messaging import mails, notifications

_CONTACTS = {
    "note": ("Note", "note"),
    "call": ("Call", "phone"),
    "mail": ("E-mail", "mail"),
}
_INVITE_HOURS = 168
_OPEN_STAGES = ("new", "contacted", "qualified", "nurture", "lost")
_UNTIL_VERIFIED = "Your identity is not verified yet. Send your documents first."


class LeadConvertedAlready(Conflict):
    """The lead is a client; what is done now is done on the client's page."""

    code = "lead_converted_already"
    message = "This lead is a client already. Go on on the client's page."


async def capture(
    session: TenantSession,
    *,
    source: str,
    first_name: str,
    last_name: str,
    email: str,
    phone: str,
    country: str,
    language: str,
    campaign: str | None = None,
    utm: Mapping[str, str] | None = None,
    referral_code: str | None = None,
) -> Lead:
    """Take a lead in, route it and return it; raise InvalidInput with a sentence per field.

    Whoever is known by address or telephone number stays the same lead: the repeated request
    becomes an entry of the timeline, and the first referral code is kept.
    """
    fields = profiles.checked(
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone,
        country=country,
        language=language,
    )
    facts = _Facts(
        source=source,
        campaign=rules.campaign(campaign),
        utm=rules.utm(utm or {}),
        referral_code=rules.referral_code(referral_code),
    )
    digits = clients_rules.digits(fields["phone"])
    known = await queries.lead_like(session, email=fields["email"], phone_digits=digits)
    if known is None:
        lead = await _insert(session, fields, digits, facts)
        if lead is not None:
            return lead
        # Somebody else's request with the same address was committed just now.
        known = await queries.lead_like(session, email=fields["email"], phone_digits=digits)
        if known is None:
            raise Conflict
    _came_again(session, known, facts)
    return known


class _Facts:
    """Where a lead came from."""

    def __init__(
        self,
        *,
        source: str,
        campaign: str | None,
        utm: dict[str, str],
        referral_code: str | None,
    ) -> None:
        self.source = source
        self.campaign = campaign
        self.utm = utm
        self.referral_code = referral_code

    @property
    def words(self) -> str:
        parts = [f"Source: {self.source}"]
        if self.campaign:
            parts.append(f"campaign: {self.campaign}")
        if self.referral_code:
            parts.append(f"referral code: {self.referral_code}")
        return ", ".join(parts)


async def _insert(
    session: TenantSession, fields: dict[str, str], digits: str, facts: _Facts
) -> Lead | None:
    """Insert, route and tell; None when address or number belong to another lead by now."""
    parts = rules.worth(
        source=facts.source,
        campaign=facts.campaign,
        referral_code=facts.referral_code,
        phone=fields["phone"],
    )
    lead_id = uuid7()
    values: dict[str, Any] = {
        **fields,
        "id": lead_id,
        "reference": reference("LD"),
        "phone_digits": digits,
        "source": facts.source,
        "campaign": facts.campaign,
        "utm": facts.utm,
        "referral_code": facts.referral_code,
        "score": sum(points for _, points in parts),
    }
    made = await session.scalar(
        insert(Lead).values(values).on_conflict_do_nothing().returning(Lead.id)
    )
    if made is None:
        return None
    lead = await queries.lead(session, lead_id)
    assert lead is not None
    subject: timeline.Subject = ("lead", lead.id)
    timeline.add(
        session,
        subject=subject,
        kind="sales",
        fact="Lead captured",
        detail=facts.words,
        icon="user-plus",
    )
    await routing.assign(session, lead=lead)
    timeline.add(
        session,
        subject=subject,
        kind="sales",
        fact="Assigned" if lead.owner_id else "Waits for an owner",
        detail=lead.assigned_reason,
        icon="route",
    )
    audit.record(
        session,
        "crm.lead.capture",
        subject=("lead", lead.id),
        after={"source": facts.source, "owner_id": str(lead.owner_id) if lead.owner_id else None},
        reason=lead.assigned_reason,
    )
    record(session, LeadCaptured(lead.id, lead.referral_code))
    await _tell_owner(session, lead)
    await session.flush()
    return lead


async def _tell_owner(session: TenantSession, lead: Lead) -> None:
    """Tell a lead's owner that it is theirs, unless they took it themselves."""
    if lead.owner_id is None or lead.owner_id == session.info["actor"].id:
        return
    await notifications.notify(
        session,
        user_id=lead.owner_id,
        kind="lead",
        title="A lead is yours",
        body="%(name)s, %(reference)s. %(reason)s",
        href=f"/crm/leads/{lead.id}",
        facts={
            "name": f"{lead.first_name} {lead.last_name}".strip(),
            "reference": lead.reference,
            "reason": lead.assigned_reason[:160],
        },
    )


def _came_again(session: TenantSession, lead: Lead, facts: _Facts) -> None:
    first_code = lead.referral_code is None and facts.referral_code is not None
    if first_code and lead.client_id is None:
        lead.referral_code = facts.referral_code
        parts = rules.worth(
            source=lead.source,
            campaign=lead.campaign,
            referral_code=lead.referral_code,
            phone=lead.phone,
        )
        lead.score = sum(points for _, points in parts)
        record(session, LeadCaptured(lead.id, lead.referral_code))
    lead.updated_at = now()
    timeline.add(
        session,
        subject=("lead", lead.id),
        kind="sales",
        fact="Came again",
        detail=facts.words,
        icon="repeat",
    )


async def set_stage(session: TenantSession, *, lead_id: UUID, stage: str, reason: str = "") -> Lead:
    """Move a lead to a stage; `converted` is reached only by `convert`, `lost` needs a reason."""
    lead = await _open(session, lead_id)
    if stage not in _OPEN_STAGES:
        raise InvalidInput({"stage": "Choose one of the stages."})
    reason = reason.strip()
    if stage == "lost" and not reason:
        raise InvalidInput({"reason": "Say why the lead is lost."})
    if lead.stage != stage:
        before, lead.stage, lead.updated_at = lead.stage, stage, now()
        audit.record(
            session,
            "crm.lead.set_stage",
            subject=("lead", lead.id),
            before={"stage": before},
            after={"stage": stage},
            reason=reason,
        )
        timeline.add(
            session,
            subject=("lead", lead.id),
            kind="sales",
            fact=f"Stage: {stage}",
            detail=reason or f"Was {before}.",
            icon="progress",
        )
    return lead


async def add_note(session: TenantSession, *, lead_id: UUID, text: str, kind: str = "note") -> Lead:
    """Write a note, a call or an e-mail down; contact with a new lead makes it contacted."""
    lead = await _locked(session, lead_id)
    text = rules.note(text)
    if kind not in _CONTACTS:
        raise InvalidInput({"kind": "Choose note, call or e-mail."})
    fact, icon = _CONTACTS[kind]
    timeline.add(session, subject=("lead", lead.id), kind=kind, fact=fact, detail=text, icon=icon)
    audit.record(session, "crm.lead.add_note", subject=("lead", lead.id), after={"kind": kind})
    lead.updated_at = now()
    if kind != "note" and lead.stage == "new":
        await set_stage(session, lead_id=lead_id, stage="contacted")
    return lead


async def assign(session: TenantSession, *, lead_id: UUID, owner_id: UUID) -> Lead:
    """Give a lead to one of the sales people by hand."""
    lead = await _open(session, lead_id)
    people = {person.id: person for person in await queries.sales_people(session)}
    if owner_id not in people:
        raise InvalidInput({"owner_id": "Choose somebody of the sales desk."})
    if lead.owner_id == owner_id:
        return lead
    before = lead.owner_id
    lead.owner_id, lead.updated_at = owner_id, now()
    lead.assigned_reason = f"By hand: {people[owner_id].name}, by {session.info['actor'].label}"
    _assigned(session, lead, before)
    await _tell_owner(session, lead)
    return lead


async def give_back(session: TenantSession, *, lead_id: UUID, owner_id: UUID | None) -> Lead:
    """Set a lead's owner back to whom they were before, also to nobody or to somebody who left."""
    lead = await _open(session, lead_id)
    if lead.owner_id == owner_id:
        return lead
    before, lead.owner_id, lead.updated_at = lead.owner_id, owner_id, now()
    lead.assigned_reason = f"Set back by {session.info['actor'].label}"
    _assigned(session, lead, before)
    return lead


def _assigned(session: TenantSession, lead: Lead, before: UUID | None) -> None:
    audit.record(
        session,
        "crm.lead.assign",
        subject=("lead", lead.id),
        before={"owner_id": str(before) if before else None},
        after={"owner_id": str(lead.owner_id) if lead.owner_id else None},
    )
    timeline.add(
        session,
        subject=("lead", lead.id),
        kind="sales",
        fact="Assigned",
        detail=lead.assigned_reason,
        icon="route",
    )


async def set_campaign(session: TenantSession, *, lead_id: UUID, campaign: str | None) -> Lead:
    """Count a lead to a campaign, or to none; the score stays what it was at the capture."""
    lead = await _open(session, lead_id)
    name = rules.campaign(campaign)
    if lead.campaign != name:
        before, lead.campaign, lead.updated_at = lead.campaign, name, now()
        audit.record(
            session,
            "crm.lead.set_campaign",
            subject=("lead", lead.id),
            before={"campaign": before},
            after={"campaign": name},
        )
        timeline.add(
            session,
            subject=("lead", lead.id),
            kind="sales",
            fact=f"Campaign: {name or 'none'}",
            detail=f"Was {before or 'none'}.",
            icon="progress",
        )
    return lead


async def convert(session: TenantSession, *, lead_id: UUID, vault: Vault, origin: str) -> Client:
    """Make a lead a client and mail them the link to set a password; repeated, return the client.

    `origin` is the address of the Trader's Room's host. Owner, history and the partner's code
    go along. Somebody who has registered with the same address keeps that profile.
    """
    lead = await _locked(session, lead_id)
    if lead.client_id is not None:
        client = await clients_queries.client(session, lead.client_id)
        assert client is not None
        return client
    user = await identity_queries.user_by_email(session, kind="client", email=lead.email)
    client = await clients_queries.client_of_user(session, user.id) if user else None
    if client is None:
        if user is None:
            user = await users.create(
                session,
                kind="client",
                email=lead.email,
                name=lead.name,
                password=None,
                language=lead.language,
            )
        client = await _profile(session, lead, user.id)
    invited = user is not None and user.state == "invited"
    if user is not None and invited:
        secret = await email_tokens.issue(
            session, user_id=user.id, purpose="invite", hours=_INVITE_HOURS
        )
        await mails.queue(
            session,
            to=lead.email,
            template="invite_client",
            context={"name": lead.first_name, "link": f"{origin}/invite/{secret}"},
            vault=vault,
            reader=user.id,
            language=lead.language,
        )
    words = "An invitation to set a password went out by e-mail." if invited else ""
    _close(session, lead, client, detail=words)
    return client


async def adopt(
    session: TenantSession, *, client_id: UUID, referral_code: str | None = None
) -> Lead | None:
    """Tie somebody who registered by themselves to their lead, or make one, and share its owner.

    Returns None when the client comes from a lead already.
    """
    client = await clients_queries.client_for_update(session, client_id)
    if client is None or client.lead_id is not None:
        return None
    lead = await capture(
        session,
        source="register",
        first_name=client.first_name,
        last_name=client.last_name,
        email=client.email,
        phone=client.phone,
        country=client.country,
        language=client.language,
        referral_code=referral_code,
    )
    lead = await _locked(session, lead.id)
    if lead.client_id is not None:
        return None  # another client shares the telephone number: two people, one lead
    if client.owner_id is None and lead.owner_id is not None:
        await profiles.set_owner(session, client_id=client.id, owner_id=lead.owner_id)
    _close(session, lead, client, detail="Registered by themselves.")
    return lead


async def _profile(session: TenantSession, lead: Lead, user_id: UUID) -> Client:
    client = await profiles.create(
        session,
        user_id=user_id,
        first_name=lead.first_name,
        last_name=lead.last_name,
        email=lead.email,
        phone=lead.phone,
        country=lead.country,
        language=lead.language,
        lead_id=lead.id,
        owner_id=lead.owner_id,
    )
    for kind in ("open_account", "withdraw"):
        await restrictions.impose(session, client_id=client.id, kind=kind, reason=_UNTIL_VERIFIED)
    return client


def _close(session: TenantSession, lead: Lead, client: Client, *, detail: str) -> None:
    before = lead.stage
    lead.stage, lead.client_id, lead.updated_at = "converted", client.id, now()
    if client.lead_id is None:
        client.lead_id = lead.id
    audit.record(
        session,
        "crm.lead.convert",
        subject=("lead", lead.id),
        before={"stage": before},
        after={"stage": "converted", "client_id": str(client.id)},
    )
    subjects: list[timeline.Subject] = [("lead", lead.id)]
    if client.lead_id != lead.id:  # the page of a client shows the story of one lead only
        subjects.append(("client", client.id))
    for subject in subjects:
        timeline.add(
            session,
            subject=subject,
            kind="sales",
            fact=f"Lead {lead.reference} became client {client.reference}",
            detail=detail,
            icon="user-check",
        )
    record(session, LeadConverted(lead.id, client.id, lead.referral_code))


async def _locked(session: TenantSession, lead_id: UUID) -> Lead:
    lead = await queries.lead_for_update(session, lead_id)
    if lead is None:
        raise NotFound
    return lead


async def _open(session: TenantSession, lead_id: UUID) -> Lead:
    lead = await _locked(session, lead_id)
    if lead.client_id is not None:
        raise LeadConvertedAlready
    return lead
