"""Documents: what is needed, what became of each, and the facts typed beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from compliance import cases, documents, files, queries, rules
from compliance.models import KycCase, KycDocument
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.language import gettext, marked
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from tenants.inject import Outside
from tradersroom import accounts, people
from trading import queries as trading_queries

_ACCEPT = ".jpg,.jpeg,.png,.pdf"
_HELP = {
    "passport": marked("The page with your photo. All four corners visible, no glare."),
    "id_front": marked("All four corners visible, no glare."),
    "id_back": marked("All four corners visible, no glare."),
    "proof_of_address": marked(
        "A utility bill or bank statement of the last three months with your name."
    ),
    "selfie": marked("Your face, no hat, no sunglasses. Your telephone's camera is fine."),
}
_ICONS = {
    "passport": "book",
    "id_front": "id",
    "id_back": "id",
    "proof_of_address": "home",
    "selfie": "face-id",
}
_SEND = {
    "passport": marked("Send passport"),
    "id_front": marked("Send identity card, front"),
    "id_back": marked("Send identity card, back"),
    "proof_of_address": marked("Send proof of address"),
    "selfie": marked("Send selfie"),
}
_RECEIVED = {
    "passport": marked("Passport received."),
    "id_front": marked("Identity card, front received."),
    "id_back": marked("Identity card, back received."),
    "proof_of_address": marked("Proof of address received."),
    "selfie": marked("Selfie received."),
}
_PHOTO = ("selfie",)


@get("/verification", permission=SELF)
async def verification(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Show each document with its state, the form of facts and what is still missing."""
    return await _show(request, session, viewer, {})


@post("/verification/facts", permission=SELF, status_code=200)
async def save_facts(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Keep what the client typed about themselves, and the account type they want."""
    me = await people.me(session, viewer)
    values = form_values(await request.form())
    try:
        await cases.describe(
            session,
            client_id=me.client.id,
            born_on=values.get("born_on", ""),
            address=values.get("address", ""),
            document_number=values.get("document_number", ""),
        )
        await _choose(session, me.client.id, values.get("account_type", ""))
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _show(request, session, viewer, {"facts": form}, status=422)
    return flash(request, see_other("/verification"), gettext("Saved."))


@post("/verification/documents/{kind:str}", permission=SELF, status_code=200)
async def send_document(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    ports: Outside,
    kind: FromPath[str],
) -> Response[Any]:
    """Take one document in; a refused file says why and changes nothing."""
    me = await people.me(session, viewer)
    form = await request.form()
    values = form_values(form)
    upload = form.get("file")
    try:
        data = await _read(upload)
        await documents.add(
            session,
            client_id=me.client.id,
            kind=kind,
            data=data,
            store=ports.store,
            vault=ports.vault,
            expires_on=rules.expires_on(values.get("expires_on", ""), today=now().date()),
        )
    except InvalidInput as error:
        state = form_state(values, error.fields)
        return await _show(request, session, viewer, {kind: state}, status=422)
    return flash(request, see_other("/verification"), gettext(_RECEIVED[kind]))


@get("/verification/documents/{document_id:uuid}", permission=SELF)
async def own_document(
    session: Session, viewer: Seen, ports: Outside, document_id: FromPath[UUID]
) -> Response[bytes]:
    """Show the client a document of their own; anybody else's does not exist."""
    me = await people.me(session, viewer)
    opened = await documents.own(
        session,
        client_id=me.client.id,
        document_id=document_id,
        store=ports.store,
        vault=ports.vault,
    )
    headers = opened.headers
    if opened.media_type == "application/pdf":
        # Browsers show no PDF inside a sandbox.
        headers["content-disposition"] = f'attachment; filename="{opened.filename}"'
    return Response(opened.data, media_type=opened.media_type, headers=headers)


@post("/verification/submit", permission=SELF, status_code=200)
async def submit(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Hand everything in, or say what is missing."""
    me = await people.me(session, viewer)
    me.require_verified()
    try:
        await cases.submit(session, client_id=me.client.id)
    except InvalidInput as error:
        state = form_state({}, message=" ".join(error.fields.values()))
        return await _show(request, session, viewer, {"submit": state}, status=422)
    text = gettext("Submitted. We look at it within one working day and write to you.")
    return flash(request, see_other("/verification"), text)


async def _read(upload: object) -> bytes:
    """Return the bytes of an upload, at most one more than is accepted."""
    if not isinstance(upload, UploadFile):
        raise InvalidInput({"file": gettext("Choose a file first.")})
    return await upload.read(files.BYTES_MAX + 1)


async def _choose(session: TenantSession, client_id: UUID, code: str) -> None:
    if not code:
        return
    if await trading_queries.account_type(session, code) is None:
        raise InvalidInput({"account_type": gettext("Choose one of the account types.")})
    await cases.choose_account_type(session, client_id=client_id, code=code)


async def _show(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Seen,
    forms: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    me = await people.me(session, viewer)
    case = await queries.case_of_client(session, me.client.id)
    if case is None:
        case = await cases.open_for(session, client_id=me.client.id)
    current = {row.kind: row for row in await queries.documents_of(session, case.id)}
    missing = rules.missing([kind for kind, row in current.items() if row.state != "rejected"])
    offers = await trading_queries.account_types(session)
    editable = case.state in ("collecting", "rejected")
    return await page(
        request,
        "trader/verification.html",
        title=gettext("Verification"),
        active="/verification",
        status=status,
        me=me,
        case=case,
        kinds=[
            _kind(kind, label, current.get(kind), forms)
            for kind, label in rules.KINDS.items()
            if kind in current or kind in forms or (editable and not _replaced(kind, current))
        ],
        missing=missing,
        facts_done=_facts_done(case),
        facts=forms.get("facts") or form_state(_facts(case)),
        offers=[accounts.offer_option(offer) for offer in offers],
        submit_form=forms.get("submit") or form_state(),
        editable=editable,
        accept=_ACCEPT,
    )


def _replaced(kind: str, current: Mapping[str, KycDocument]) -> bool:
    """Say whether another identity document makes this one superfluous."""
    good = {name for name, row in current.items() if row.state != "rejected"}
    if kind in ("id_front", "id_back"):
        return "passport" in good
    return kind == "passport" and {"id_front", "id_back"} <= good


def _kind(kind: str, label: str, row: KycDocument | None, forms: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "label": gettext(label),
        "send": gettext(_SEND[kind]),
        "help": gettext(_HELP[kind]),
        "icon": _ICONS[kind],
        "photo": kind in _PHOTO,
        "expires": kind in ("passport", "id_front"),
        "row": row,
        "form": forms.get(kind) or form_state(),
        "open": kind in forms,
    }


def _facts(case: KycCase) -> dict[str, str]:
    return {
        "born_on": case.born_on.isoformat() if case.born_on else "",
        "address": case.address,
        "document_number": case.document_number,
        "account_type": case.account_type_code,
    }


def _facts_done(case: KycCase) -> bool:
    return bool(case.born_on and case.address and case.document_number)


ROUTES: list[HTTPRouteHandler] = [
    verification,
    save_facts,
    send_document,
    own_document,
    submit,
]
