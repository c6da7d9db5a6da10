"""Demo clients: a third of the leads, with cases in every state and papers to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

from clients import profiles
from clients import queries as client_queries
from clients import rules as client_rules
from clients.models import Client, Restriction, TimelineEntry
from compliance import cases, documents
from compliance import queries as case_queries
from compliance.models import KycCase, KycDocument
from crm import queries as crm_queries
from crm.models import Lead
from entrypoints.demo_leads import Volume, cast, entry, is_client
from entrypoints.demo_people import Person, pick
from identity import audit, logins, users
from identity import queries as identity_queries
from identity.models import UserAccount
from kernel.actor import Actor
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import reference, uuid7
from tenants.provisioning import Context

_PAPERS = ("passport", "proof_of_address", "selfie")
_CASES = (("approved", 61), ("in_review", 6), ("rejected", 4), ("collecting", 29))
_PAUSED = "Your identity is not verified yet. Send your documents first."
_REJECTED = "The proof of address is older than three months."
_STREETS = ("Harbour Road", "Mill Lane", "Olive Street", "Station Avenue", "Garden Square")


@dataclass(frozen=True)
class Paper:
    """A document's picture, stored sealed once and referred to by many demo cases."""

    kind: str
    object_key: str
    media_type: str
    size_bytes: int


async def clients(context: Context) -> str:
    """Write the clients and their cases in one transaction; nothing when they are there."""
    if not context.options.get("demo"):
        return "no demo"
    volume, persons = Volume.of(context), cast(context)
    chosen = [person for number, person in enumerate(persons) if is_client(number, volume)]
    dice = Random(f"{context.tenant.slug}:clients")  # noqa: S311 - invented data, no secret
    async with context.ports.database.tenant(context.tenant) as session:
        reviewer = await _compliance_head(session, context)
        first = await _lead_of(session, chosen[0])
        if first.client_id is not None:
            return "there already"
        papers = await _papers(context, session)
        made = [
            await _client(session, dice, person, papers=papers, reviewer=reviewer)
            for person in chosen
        ]
        audit.record(
            session,
            "demo.clients",
            subject=("tenant", context.tenant.id),
            after={"clients": len(made)},
        )
    states = ", ".join(f"{made.count(state)} {state}" for state, _ in _CASES)
    return f"{len(made)} clients: {states}"


async def _client(
    session: TenantSession,
    dice: Random,
    person: Person,
    *,
    papers: Sequence[Paper],
    reviewer: UserAccount,
) -> str:
    lead = await _lead_of(session, person)
    state = pick(dice, _CASES)
    became_at = min(person.came_at + timedelta(hours=dice.randrange(2, 72)), now())
    client = Client(
        id=uuid7(),
        reference=reference("CL"),
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.email,
        phone=lead.phone,
        country=person.country,
        language=person.language,
        status="verified" if state == "approved" else "registered",
        kyc_level=2 if state == "approved" else 0,
        owner_id=lead.owner_id,
        lead_id=lead.id,
        created_at=became_at,
    )
    session.add(client)
    lead.client_id, lead.stage, lead.updated_at = client.id, "converted", became_at
    case = _case(dice, client, state, reviewer)
    session.add(case)
    # Documents refer to their case's row.
    await session.flush()
    if state != "collecting":
        session.add_all(_documents(dice, client, case, papers))
    if state != "approved":
        session.add_all(
            Restriction(id=uuid7(), client_id=client.id, kind=kind, reason=_PAUSED)
            for kind in cases.UNTIL_VERIFIED
        )
    session.add_all(_story(lead, client, case, reviewer.name))
    return state


def _case(dice: Random, client: Client, state: str, reviewer: UserAccount) -> KycCase:
    submitted = min(client.created_at + timedelta(hours=dice.randrange(1, 30)), now())
    if state == "in_review":
        submitted = now() - timedelta(hours=dice.randrange(1, 30))
    case = KycCase(
        id=uuid7(),
        reference=reference("KYC"),
        client_id=client.id,
        state=state,
        level=2,
        account_type_code="RAW" if dice.randrange(10) < 3 else "STD",
        created_at=client.created_at,
        reason="",
        address="",
        document_number="",
    )
    if state == "collecting":
        return case
    case.born_on = date(dice.randrange(1958, 2005), dice.randrange(1, 13), dice.randrange(1, 28))
    case.address = f"{dice.randrange(1, 180)} {dice.choice(_STREETS)}, {client.country}"
    case.document_number = f"{dice.choice('CLPX')}{dice.randrange(10**7, 10**8)}"
    case.submitted_at = submitted
    if state in ("approved", "rejected"):
        case.decided_at = min(submitted + timedelta(hours=dice.randrange(1, 20)), now())
        case.decided_by = reviewer.id
        case.reason = "Documents match the profile." if state == "approved" else _REJECTED
    return case


def _documents(
    dice: Random, client: Client, case: KycCase, papers: Sequence[Paper]
) -> list[KycDocument]:
    found = []
    for paper in papers:
        state = {"approved": "accepted", "in_review": "received"}.get(case.state, "accepted")
        if case.state == "rejected" and paper.kind == "proof_of_address":
            state = "rejected"
        expires = None
        if paper.kind == "passport":
            expires = now().date() + timedelta(days=dice.randrange(120, 3000))
        found.append(
            KycDocument(
                id=uuid7(),
                case_id=case.id,
                client_id=client.id,
                kind=paper.kind,
                object_key=paper.object_key,
                filename=f"{case.reference}-{paper.kind}.png",
                media_type=paper.media_type,
                size_bytes=paper.size_bytes,
                sha256=hashlib.sha256(f"{client.reference}{paper.kind}".encode()).hexdigest(),
                state=state,
                reason=_REJECTED if state == "rejected" else "",
                expires_on=expires,
                created_at=case.submitted_at or case.created_at,
            )
        )
    return found


def _story(lead: Lead, client: Client, case: KycCase, reviewer: str) -> list[TimelineEntry]:
    fact = f"Lead {lead.reference} became client {client.reference}"
    at, subject = client.created_at, ("client", client.id)
    told = [
        entry(("lead", lead.id), at, "sales", ("user-check", fact, "")),
        entry(subject, at, "sales", ("user-plus", "Client profile created", client.reference)),
        entry(subject, at, "sales", ("user-check", fact, "")),
    ]
    if case.submitted_at:
        words = ("id", "Documents submitted", case.reference)
        told.append(entry(subject, case.submitted_at, "compliance", words, by=client.name))
    if case.decided_at:
        words = ("file-x", "Documents sent back", case.reason)
        if case.state == "approved":
            words = ("shield-check", "Documents approved, level 2", case.reason)
        told.append(entry(subject, case.decided_at, "compliance", words, by=reviewer))
    return told


async def _papers(context: Context, session: TenantSession) -> list[Paper]:
    """Return the papers of the trader who signs in: sealed once, referred to by every case."""
    email = trader_email(context)
    user = await identity_queries.user_by_email(session, kind="client", email=email)
    assert user is not None
    client = await client_queries.client_of_user(session, user.id)
    assert client is not None
    case = await case_queries.case_of_client(session, client.id)
    assert case is not None
    rows = await case_queries.documents_of(session, case.id)
    return [Paper(row.kind, row.object_key, row.media_type, row.size_bytes) for row in rows]


def trader_email(context: Context) -> str:
    """Return the address under which the demo's trader signs in."""
    return f"trader@{context.tenant.slug}.example"


def picture(kind: str, brand: str) -> bytes:
    """Draw a paper that nobody can take for a real one, and return it as PNG."""
    image = Image.new("RGB", (720, 460), (238, 241, 244))
    draw = ImageDraw.Draw(image)
    draw.rectangle((24, 24, 696, 436), outline=(96, 108, 124), width=3)
    draw.rectangle((52, 96, 240, 330), fill=(205, 212, 220))
    draw.ellipse((108, 130, 184, 206), fill=(150, 160, 172))
    draw.ellipse((84, 220, 208, 360), fill=(150, 160, 172))
    draw.text((52, 48), f"SPECIMEN  {kind.replace('_', ' ').upper()}", fill=(40, 48, 60))
    for row in range(6):
        draw.rectangle((280, 110 + row * 40, 620 - row * 30, 124 + row * 40), fill=(120, 130, 144))
    draw.text((280, 390), f"Drawn for the demo of {brand}", fill=(96, 108, 124))
    held = BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


async def _lead_of(session: TenantSession, person: Person) -> Lead:
    digits = client_rules.digits(person.phone)
    lead = await crm_queries.lead_like(session, email=person.email, phone_digits=digits)
    assert lead is not None
    return lead


async def _compliance_head(session: TenantSession, context: Context) -> UserAccount:
    email = f"petra@{context.tenant.slug}.example"
    user = await identity_queries.user_by_email(session, kind="staff", email=email)
    assert user is not None
    return user


async def trader(context: Context) -> str:
    """Bring in, by the real way, a trader who signs in and whose passport soon runs out."""
    if not context.options.get("demo"):
        return "no demo"
    email = trader_email(context)
    [login] = logins.keep(
        context.ports.settings.data, context.tenant.slug, [("trader", "Maya Lindgren", email)]
    )
    async with context.ports.database.tenant(context.tenant) as session:
        reviewer = await _compliance_head(session, context)
        user = await identity_queries.user_by_email(session, kind="client", email=email)
        if user is None:
            user = await users.create(
                session, kind="client", email=email, name=login.name, password=login.password
            )
            user.email_verified_at = now()
            await _trader(session, context, user)
        client = await client_queries.client_of_user(session, user.id)
        assert client is not None
        case = await case_queries.case_of_client(session, client.id)
        assert case is not None
        if case.state == "approved":
            return "there already"
        case_id = case.id
    actor = Actor("staff", reviewer.id, reviewer.name)
    async with context.ports.database.tenant(context.tenant, actor=actor) as session:
        await cases.approve(
            session, case_id=case_id, level=2, reason="Documents match the profile."
        )
    return "a passport runs out in six days; a trader signs in"


async def _trader(session: TenantSession, context: Context, user: UserAccount) -> None:
    client = await profiles.create(
        session,
        user_id=user.id,
        first_name="Maya",
        last_name="Lindgren",
        email=user.email,
        phone="+46555010203",
        country="SE",
        language="en",
    )
    await cases.describe(
        session,
        client_id=client.id,
        born_on="1988-04-12",
        address="14 Harbour Road, Gothenburg, SE",
        document_number="P40718820",
    )
    for kind in _PAPERS:
        await documents.add(
            session,
            client_id=client.id,
            kind=kind,
            data=picture(kind, context.tenant.name),
            store=context.ports.store,
            vault=context.ports.vault,
            expires_on=now().date() + timedelta(days=6) if kind == "passport" else None,
        )
    await cases.submit(session, client_id=client.id)
