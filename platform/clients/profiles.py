"""Clients' profiles: created, given a status, an owner and a way to sign in."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from clients import queries, rules, timeline
from clients.events import ClientCreated, ClientStatusChanged
from clients.models import STATUSES, Client
from identity import audit
from identity.users import checked_email
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.events import record
from kernel.ids import reference, uuid7


async def create(
    session: TenantSession,
    *,
    user_id: UUID | None = None,
    first_name: str,
    last_name: str,
    email: str,
    phone: str,
    country: str,
    language: str,
    lead_id: UUID | None = None,
    owner_id: UUID | None = None,
) -> Client:
    """Create a client's profile; raise InvalidInput with every field that can't be used."""
    fields = checked(
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone,
        country=country,
        language=language,
    )
    client = Client(
        id=uuid7(),
        reference=reference("CL"),
        user_id=user_id,
        lead_id=lead_id,
        owner_id=owner_id,
        status="registered",
        kyc_level=0,
        **fields,
    )
    session.add(client)
    await session.flush()
    audit.record(
        session,
        "clients.client.create",
        subject=("client", client.id),
        after={"status": client.status, "lead_id": str(lead_id) if lead_id else None},
    )
    timeline.add(
        session,
        subject=("client", client.id),
        kind="sales",
        fact="Client profile created",
        detail=client.reference,
        icon="user-plus",
    )
    record(session, ClientCreated(client.id, lead_id))
    return client


def checked(
    *, first_name: str, last_name: str, email: str, phone: str, country: str, language: str
) -> dict[str, str]:
    """Return the fields cleaned; raise InvalidInput with a sentence for each that is wrong."""
    checks: dict[str, Callable[[], str]] = {
        "first_name": lambda: _name("first_name", "first name", first_name),
        "last_name": lambda: _name("last_name", "last name", last_name),
        "email": lambda: checked_email(email),
        "phone": lambda: rules.phone(phone),
        "country": lambda: rules.country(country),
        "language": lambda: rules.language(language),
    }
    made: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, check in checks.items():
        try:
            made[name] = check()
        except InvalidInput as error:
            errors.update(error.fields)
    if errors:
        raise InvalidInput(errors)
    return made


def _name(field: str, label: str, value: str) -> str:
    return rules.line(value, field=field, label=label, limit=rules.NAME_MAX)


async def set_status(
    session: TenantSession, *, client_id: UUID, status: str, kyc_level: int | None = None
) -> Client:
    """Change a client's status, and their level of verification when one is given."""
    if status not in STATUSES:
        raise InvalidInput({"status": "Choose one of the known states."})
    client = await _locked(session, client_id)
    before = {"status": client.status, "kyc_level": client.kyc_level}
    level = client.kyc_level if kyc_level is None else kyc_level
    after = {"status": status, "kyc_level": level}
    if before == after:
        return client
    client.status, client.kyc_level = status, level
    audit.record(
        session,
        "clients.client.set_status",
        subject=("client", client.id),
        before=before,
        after=after,
    )
    timeline.add(
        session,
        subject=("client", client.id),
        kind="compliance",
        fact=f"Status: {status}" if before["status"] != status else f"Verified to level {level}",
        detail=f"Was {before['status']}, level {before['kyc_level']}; now {status}, level {level}.",
        icon="user-check",
    )
    record(session, ClientStatusChanged(client.id, status, level))
    return client


async def set_owner(session: TenantSession, *, client_id: UUID, owner_id: UUID | None) -> Client:
    """Give a client to a member of staff, or to nobody."""
    client = await _locked(session, client_id)
    before = client.owner_id
    if before != owner_id:
        client.owner_id = owner_id
        audit.record(
            session,
            "clients.client.set_owner",
            subject=("client", client.id),
            before={"owner_id": str(before) if before else None},
            after={"owner_id": str(owner_id) if owner_id else None},
        )
    return client


async def _locked(session: TenantSession, client_id: UUID) -> Client:
    client = await queries.client_for_update(session, client_id)
    if client is None:
        raise NotFound
    return client
