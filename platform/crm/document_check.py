"""Anybody may check a document of the brokerage: what it was, and whether a file is that one.

The page says who issued what kind of document, when, and how large an amount is at most; it
names no person and no account. A file that is sent is hashed and forgotten.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel.actor import TenantRef
from kernel.database import TenantSession
from kernel.language import gettext, marked
from kernel.throttle import spend
from kernel.web.access import PUBLIC
from kernel.web.inject import Session, Tenant
from kernel.web.pages import form_state, page, see_other
from messaging import documents
from tenants.ports import Ports
from themes.documents import BYTES_MAX
from themes.formats import isolated, money_text

_CHECKS_PER_IP, _SECONDS = 60, 600
KINDS = {
    "deposit_receipt": marked("Deposit receipt"),
    "transfer_receipt": marked("Transfer receipt"),
    "wallet_statement": marked("Wallet statement"),
    "commission_statement": marked("Commission statement"),
}


@get("/verify", permission=PUBLIC)
async def ask(request: Request[Any, Any, Any], tenant: Tenant) -> Response[Any]:
    """Ask for the code of a document; `?code=` leads to its page."""
    code = request.query_params.get("code", "").strip()
    wanted = "".join(letter for letter in code if letter.isascii() and letter.isalnum())
    if wanted:
        return see_other(f"/verify/{wanted[:32]}")
    await _brake(request, tenant)
    return await _shown(request, found=None, code="", status=200)


@get("/verify/{code:str}", permission=PUBLIC)
async def check(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, code: FromPath[str]
) -> Response[Any]:
    """Show what document has a code."""
    await _brake(request, tenant)
    return await _page(request, session, code)


@post("/verify/{code:str}", permission=PUBLIC, status_code=200)
async def compare(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, code: FromPath[str]
) -> Response[Any]:
    """Say whether a file is the document of a code, byte for byte."""
    await _brake(request, tenant)
    upload = (await request.form()).get("file")
    data = await upload.read(BYTES_MAX + 1) if isinstance(upload, UploadFile) else b""
    if not data:
        return await _page(request, session, code, error=gettext("Choose the PDF first."))
    if len(data) > BYTES_MAX:
        return await _page(
            request, session, code, error=gettext("This file is larger than any document of ours.")
        )
    return await _page(request, session, code, data=data)


async def _page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    code: str,
    *,
    data: bytes = b"",
    error: str = "",
) -> Response[Any]:
    record = await documents.find(session, code)
    if record is None:
        return await _shown(request, found=None, code=code[:32], status=404)
    bounds = documents.class_bounds(record.amount_class)
    amount = ""
    if bounds is not None:
        low, high = (isolated(money_text(one)) for one in bounds)
        amount = gettext("%s to under %s") % (low, high)
    found = {
        "kind": gettext(KINDS[record.kind]),
        "issued_at": record.issued_at,
        "amount": amount,
        "fingerprint": record.content_sha256[:32],
        "file": record.file_sha256,
        "matches": documents.is_file(record, data) if data else None,
    }
    return await _shown(
        request, found=found, code=record.code, status=422 if error else 200, error=error
    )


async def _shown(
    request: Request[Any, Any, Any],
    *,
    found: dict[str, Any] | None,
    code: str,
    status: int,
    error: str = "",
) -> Response[Any]:
    answer = await page(
        request,
        "public/verify.html",
        title=gettext("Check a document"),
        status=status,
        found=found,
        code=code,
        form=form_state({}, {"file": error} if error else {}),
    )
    answer.headers["cache-control"] = "no-store"
    return answer


async def _brake(request: Request[Any, Any, Any], tenant: TenantRef) -> None:
    ports: Ports = request.app.state.ports
    caller = request.client.host if request.client else "unknown"
    await spend(
        ports.redis,
        tenant,
        what="document_check",
        caller=caller,
        limit=_CHECKS_PER_IP,
        seconds=_SECONDS,
    )


ROUTES: list[HTTPRouteHandler] = [ask, check, compare]
