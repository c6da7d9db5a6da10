"""The CRM's API for programs: leads from other sites and campaigns."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from sqlalchemy.dialects.postgresql import insert

from clients.rules import NAME_MAX
from crm import leads, queries
from crm.models import CaptureKey
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput
from kernel.throttle import spend
from kernel.web.inject import Seen, Session, Tenant
from tenants.ports import Ports

_KEY = re.compile(r"^[\x21-\x7e]{1,80}$")
_CALLS_PER_MINUTE = 1200


class LeadBody(msgspec.Struct, forbid_unknown_fields=True):
    """A lead as a program sends it."""

    first_name: Annotated[str, msgspec.Meta(max_length=NAME_MAX)]
    last_name: Annotated[str, msgspec.Meta(max_length=NAME_MAX)]
    email: Annotated[str, msgspec.Meta(max_length=254)]
    phone: Annotated[
        str, msgspec.Meta(max_length=24, description="With country code, as +971501234567")
    ]
    country: Annotated[str, msgspec.Meta(description="Two letters, ISO 3166-1, as AE")]
    language: Annotated[str, msgspec.Meta(max_length=5, description="As en or ar")] = "en"
    campaign: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    referral_code: Annotated[str, msgspec.Meta(max_length=24)] | None = None
    utm: Annotated[
        dict[str, str], msgspec.Meta(description="utm_source, utm_medium and the like")
    ] = {}


class LeadAnswer(msgspec.Struct):
    """The lead that was made, or that the person was already."""

    id: UUID
    reference: str
    stage: str


class KeyUsedOtherwise(Conflict):
    """The Idempotency-Key came before with another body."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key came with another body before. Use a new key."


@post(
    "/api/v1/leads",
    permission="crm.lead.create",
    status_code=201,
    tags=["Leads"],
    summary="Capture a lead",
    description=(
        "Routes the lead like one of the website's form. Somebody who is known by e-mail or"
        " telephone number stays the same lead. Send an `Idempotency-Key` header to repeat a"
        " call safely."
    ),
    security=[{"key": []}],
)
async def create_lead(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    data: JSONBody[LeadBody],
) -> Response[LeadAnswer]:
    """Capture a lead that a program sends."""
    ports: Ports = request.app.state.ports
    await spend(
        ports.redis,
        tenant,
        what="lead_api",
        caller=viewer.name,
        limit=_CALLS_PER_MINUTE,
        seconds=60,
    )
    key = request.headers.get("idempotency-key")
    digest = hashlib.sha256(msgspec.json.encode(data, order="sorted")).digest()
    if key is not None:
        earlier = await _earlier(session, key, digest)
        if earlier is not None:
            return Response(earlier, status_code=201)
    lead = await leads.capture(
        session,
        source="api",
        first_name=data.first_name,
        last_name=data.last_name,
        email=data.email,
        phone=data.phone,
        country=data.country,
        language=data.language,
        campaign=data.campaign,
        utm=data.utm,
        referral_code=data.referral_code,
    )
    if key is not None:
        await _keep(session, key, digest, lead.id)
    return Response(LeadAnswer(lead.id, lead.reference, lead.stage), status_code=201)


async def _earlier(session: TenantSession, key: str, digest: bytes) -> LeadAnswer | None:
    if not _KEY.match(key):
        raise InvalidInput({"Idempotency-Key": "Send 1 to 80 visible ASCII characters."})
    row = await queries.capture_key(session, key)
    if row is None:
        return None
    if row.request_hash != digest:
        raise KeyUsedOtherwise
    lead = await queries.lead(session, row.lead_id)
    assert lead is not None
    return LeadAnswer(lead.id, lead.reference, lead.stage)


async def _keep(session: TenantSession, key: str, digest: bytes, lead_id: UUID) -> None:
    statement = (
        insert(CaptureKey)
        .values(key=key, request_hash=digest, lead_id=lead_id)
        .on_conflict_do_nothing()
        .returning(CaptureKey.key)
    )
    if await session.scalar(statement) is None:
        raise Conflict("A call with this Idempotency-Key is under way. Repeat it in a moment.")


ROUTES: list[HTTPRouteHandler] = [create_lead]
