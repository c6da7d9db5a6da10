"""The desk where one case is looked at and decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice import kyc_list
from clients import queries as client_queries
from clients.models import Client
from compliance import cases, documents, queries, rules
from compliance.models import KycCase, KycDocument
from identity import queries as identity_queries
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from tenants.inject import Outside

_READ = "compliance.kyc.read"
_DECIDE = "compliance.kyc.approve"
_HERE = "/backoffice/kyc"
_EXPIRES_SOON = timedelta(days=90)


@get("/backoffice/kyc/{case_id:uuid}", permission=_READ)
async def review(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, case_id: FromPath[UUID]
) -> Response[Any]:
    """Show a case: its documents, what the client typed, and the decision."""
    return await _desk(request, session, viewer, case_id, form_state())


@post("/backoffice/kyc/{case_id:uuid}/approve", permission=_DECIDE, status_code=200)
async def approve(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, case_id: FromPath[UUID]
) -> Response[Any]:
    """Verify the client and go on to the next case."""
    values = form_values(await request.form())
    try:
        case = await cases.approve(
            session,
            case_id=case_id,
            level=int(values["level"]) if values.get("level", "").isdecimal() else 0,
            reason=values.get("reason", ""),
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _desk(request, session, viewer, case_id, form, status=422)
    except (cases.CaseNotInReview, cases.ReviewerIsOwner) as error:
        return await _refused(request, error, session=session, viewer=viewer, case_id=case_id)
    return await _next(request, session, case, f"{case.reference} approved.")


@post("/backoffice/kyc/{case_id:uuid}/reject", permission=_DECIDE, status_code=200)
async def reject(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, case_id: FromPath[UUID]
) -> Response[Any]:
    """Send the case back with a reason, and one for each document that is needed again."""
    values = form_values(await request.form())
    try:
        named = {
            UUID(name.removeprefix("document-")): values.get(
                f"why-{name.removeprefix('document-')}", ""
            )
            for name in values
            if name.startswith("document-")
        }
    except ValueError:
        raise NotFound from None
    try:
        case = await cases.reject(
            session, case_id=case_id, reason=values.get("reason", ""), documents=named
        )
    except InvalidInput as error:
        form = form_state(values, {"reject_reason": error.fields.get("reason", error.text)})
        return await _desk(request, session, viewer, case_id, form, status=422)
    except (cases.CaseNotInReview, cases.ReviewerIsOwner) as error:
        return await _refused(request, error, session=session, viewer=viewer, case_id=case_id)
    return await _next(request, session, case, f"{case.reference} sent back to the client.")


@get("/backoffice/kyc/documents/{document_id:uuid}", permission=_READ)
async def document(
    request: Request[Any, Any, Any], session: Session, ports: Outside, document_id: FromPath[UUID]
) -> Response[bytes]:
    """Open a document for the viewer, or hand it over as a file; the view is written down first.

    Browsers show no PDF inside a sandbox, so the desk asks for the file of those.
    """
    opened = await documents.view(
        session, document_id=document_id, store=ports.store, vault=ports.vault
    )
    headers = opened.headers
    if "download" in request.query_params:
        headers["content-disposition"] = f'attachment; filename="{opened.filename}"'
    return Response(opened.data, media_type=opened.media_type, headers=headers)


async def _desk(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    case_id: UUID,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    case = await queries.case(session, case_id)
    client = await client_queries.client(session, case.client_id) if case is not None else None
    if case is None or client is None:
        raise NotFound
    found = await queries.documents_of(session, case.id)
    shown = _chosen(found, request.query_params.get("document", ""))
    previous, following = await queries.neighbours(session, case)
    owner = await identity_queries.user(session, client.owner_id) if client.owner_id else None
    decider = await identity_queries.user(session, case.decided_by) if case.decided_by else None
    return await page(
        request,
        "backoffice/kyc_review.html",
        title=f"{client.name}, {case.reference}",
        active=_HERE,
        status=status,
        case=case,
        client=client,
        owner=owner.name if owner else "Nobody",
        decider=decider.name if decider else "",
        documents=found,
        shown=shown,
        tabs=[
            {
                "label": rules.KINDS[row.kind],
                "href": f"{_HERE}/{case.id}?document={row.id}",
                "active": row is shown,
            }
            for row in found
        ],
        kinds=rules.KINDS,
        facts=_facts(case, client),
        checks=await _checks(session, case, client, found),
        sla=kyc_list.time_left(case.submitted_at) if case.state == "in_review" else None,
        views=await queries.views_of(session, case.id, limit=8),
        replaced=await queries.replaced_count(session, case.id),
        previous=previous,
        following=following,
        position=await _position(session, case),
        levels=list(rules.LEVELS.items()),
        blocked=_blocked(viewer, client),
        form=form,
    )


async def _position(session: TenantSession, case: KycCase) -> tuple[int, int] | None:
    if case.state != "in_review" or case.submitted_at is None:
        return None
    before = await queries.waiting_before(session, moment=case.submitted_at, case_id=case.id)
    counts = await queries.count_by_state(session)
    return before + 1, counts.get("in_review", 0)


def _blocked(viewer: Viewer, client: Client) -> str:
    """Return why this viewer may not decide; empty when they may."""
    if not viewer.may(_DECIDE):
        return "Your role prepares and reads. The head of compliance decides."
    try:
        cases.require_other_eyes(viewer.actor, client)
    except cases.ReviewerIsOwner as error:
        return error.text
    return ""


def _facts(case: KycCase, client: Client) -> list[tuple[str, Any]]:
    age = rules.age(case.born_on, today=now().date()) if case.born_on else None
    return [
        ("First name", client.first_name),
        ("Last name", client.last_name),
        ("Date of birth", f"{case.born_on}, {age} years" if case.born_on else "not given"),
        ("Document number", case.document_number or "not given"),
        ("Address", case.address or "not given"),
        ("Country of residence", client.country),
        ("E-mail", client.email),
        ("Telephone", client.phone),
        ("Account type wanted", case.account_type_code),
    ]


async def _checks(
    session: TenantSession, case: KycCase, client: Client, found: Sequence[KycDocument]
) -> list[dict[str, Any]]:
    """Return what the product itself can tell about the case; the worst first."""
    missing = rules.missing([row.kind for row in found if row.state != "rejected"])
    user = await identity_queries.user(session, client.user_id) if client.user_id else None
    checks = [
        _check(not missing, "All documents there", f"Missing: {', '.join(missing)}"),
        _check(
            user is not None and user.email_verified_at is not None,
            "E-mail address confirmed",
            "The client has not confirmed the e-mail address",
        ),
        _check(
            case.born_on is not None and bool(case.address) and bool(case.document_number),
            "Birth date, address and number given",
            "The client has not typed everything",
        ),
    ]
    today = now().date()
    for row in found:
        if row.expires_on is not None:
            fine = row.expires_on - today > _EXPIRES_SOON
            words = f"{rules.KINDS[row.kind]} valid until {row.expires_on}"
            checks.append(_check(fine, words, f"{words}: expires soon"))
        if await queries.same_file(session, sha256=row.sha256, client_id=client.id):
            text = f"{rules.KINDS[row.kind]}: another client sent the same file"
            checks.append(_check(False, "", text))
    return sorted(checks, key=lambda check: check["state"] == "ok")


def _check(fine: bool, good: str, bad: str) -> dict[str, Any]:  # noqa: FBT001 - a fact
    return {"state": "ok" if fine else "attention", "label": good if fine else bad}


def _chosen(found: Sequence[KycDocument], text: str) -> KycDocument | None:
    for row in found:
        if str(row.id) == text:
            return row
    return found[0] if found else None


async def _refused(
    request: Request[Any, Any, Any],
    error: ProductError,
    *,
    session: TenantSession,
    viewer: Viewer,
    case_id: UUID,
) -> Response[Any]:
    form = form_state(message=error.text)
    return await _desk(request, session, viewer, case_id, form, status=error.status)


async def _next(
    request: Request[Any, Any, Any], session: TenantSession, case: KycCase, text: str
) -> Response[Any]:
    """Go on with the case that waits longest, or back to the queue when none does."""
    following = await queries.next_waiting(session, but=case.id)
    target = f"{_HERE}/{following}" if following else _HERE
    return flash(request, see_other(target), text)


ROUTES: list[HTTPRouteHandler] = [*kyc_list.ROUTES, review, approve, reject, document]
