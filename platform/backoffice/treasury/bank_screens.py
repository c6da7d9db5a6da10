"""Bank accounts, what their providers are known by, and the import of statements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.money import currencies
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from treasury.banks import accounts, imports, provider_lists, queries
from treasury.banks.documents import BYTES_MAX, UnreadableStatement
from treasury.banks.imports import FileImportedBefore, Imported
from treasury.reconciliation.files import UnreadableFile

AnyRequest = Request[Any, Any, Any]
HOME = "/backoffice/banks"
LINES = f"{HOME}/lines"
READ = "treasury.bank.read"
_IMPORT = "treasury.bank_file.change"
_CHANGE = "treasury.bank.change"
_KINDS = (("segregated", "Clients' money"), ("own", "The brokerage's own money"))


@get(HOME, permission=READ)
async def home(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show the bank accounts, their statements, and where to bring in another."""
    return await _home(request, session, viewer, form_state())


@post(f"{HOME}/import", permission=_IMPORT, status_code=200)
async def take(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Import a bank's statement, or a provider's list; what is wrong is said beside the field."""
    sent = await request.form()
    values = form_values(sent)
    upload = sent.get("file")
    try:
        data = await upload.read(BYTES_MAX + 1) if isinstance(upload, UploadFile) else b""
        if not isinstance(upload, UploadFile) or not data:
            raise InvalidInput({"file": "Choose a file."})
        made = await _taken(session, values.get("connection", ""), data, upload.filename)
    except (InvalidInput, UnreadableStatement, UnreadableFile, FileImportedBefore) as error:
        request.scope["state"]["rollback"] = True
        fields = error.fields if isinstance(error, InvalidInput) else {"file": error.text}
        form = form_state(values, fields)
        return await _home(request, session, viewer, form, status=error.status)
    waiting = made.outcomes.get("suspense", 0)
    return flash(request, see_other(LINES if waiting else HOME), _said(made))


async def _taken(
    session: TenantSession, connection: str, data: bytes, name: str | None
) -> Imported:
    if not connection:
        return await imports.take(session, data=data, name=name or "")
    try:
        connection_id = UUID(connection)
    except ValueError:
        raise InvalidInput({"connection": "Choose the provider."}) from None
    return await provider_lists.take(
        session, connection_id=connection_id, data=data, name=name or "file"
    )


def _said(made: Imported) -> str:
    parts = {
        "matched": "settled deposits",
        "settlement": "were providers' settlements",
        "known": "were booked before",
        "suspense": "wait in suspense",
    }
    told = [f"{made.outcomes[one]} {word}" for one, word in parts.items() if made.outcomes[one]]
    odd = f" {made.not_whole} do not add up to their closing balance." if made.not_whole else ""
    return (
        f"{made.lines} lines, {made.lines_new} of them new{': ' if told else ''}"
        f"{', '.join(told)}.{odd}"
    )


@post(f"{HOME}/accounts", permission=_CHANGE, status_code=200)
async def add_account(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Add a bank account."""
    values = form_values(await request.form())
    try:
        await accounts.open(
            session,
            name=values.get("name", ""),
            number=values.get("number", ""),
            currency=values.get("currency", ""),
            kind=values.get("kind", ""),
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _home(request, session, viewer, form, status=422)
    return flash(request, see_other(HOME), "Added. Its statements can be imported now.")


@post(f"{HOME}/accounts/{{account_id:uuid}}/close", permission=_CHANGE, status_code=200)
async def close_account(
    request: AnyRequest, session: Session, account_id: FromPath[UUID]
) -> Response[Any]:
    """Take no more statements of an account."""
    await accounts.close(session, account_id=account_id)
    return flash(request, see_other(HOME), "Closed. What is booked stays.")


@post(f"{HOME}/senders", permission=_CHANGE, status_code=200)
async def add_sender(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Know a provider's settlements by words."""
    values = form_values(await request.form())
    try:
        connection_id = UUID(values.get("connection_id", ""))
    except ValueError:
        connection_id = UUID(int=0)
    try:
        await accounts.know_sender(
            session, connection_id=connection_id, words=values.get("words", "")
        )
    except InvalidInput as error:
        fields = {"connection_id" if k == "connection" else k: v for k, v in error.fields.items()}
        form = form_state(values, fields)
        return await _home(request, session, viewer, form, status=422)
    return flash(request, see_other(HOME), "Added. It counts from the next statement on.")


@post(f"{HOME}/senders/{{sender_id:uuid}}/remove", permission=_CHANGE, status_code=200)
async def remove_sender(
    request: AnyRequest, session: Session, sender_id: FromPath[UUID]
) -> Response[Any]:
    """Know a provider's settlements by these words no more."""
    await accounts.forget_sender(session, sender_id=sender_id)
    return flash(request, see_other(HOME), "Removed.")


@get(f"{HOME}/accounts/{{account_id:uuid}}", permission=READ)
async def account_page(
    request: AnyRequest, session: Session, viewer: Seen, account_id: FromPath[UUID]
) -> Response[Any]:
    """Show one account's statements."""
    account = await queries.account(session, account_id)
    if account is None:
        raise NotFound
    return await page(
        request,
        "backoffice/bank_account.html",
        title=account.name,
        active=HOME,
        account=account,
        kind=dict(_KINDS)[account.kind],
        statements=await queries.statements(session, account_id=account_id, limit=200),
        may_change=viewer.may(_CHANGE),
    )


async def _home(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    closings = await queries.last_closing(session)
    known = await queries.accounts(session)
    return await page(
        request,
        "backoffice/banks.html",
        title="Banks",
        active=HOME,
        status=status,
        form=form,
        accounts=[(one, *closings.get(one.id, (None, None))) for one in known],
        senders=await queries.senders(session),
        connections=[(str(found), name) for found, name in await queries.connections(session)],
        statements=await queries.statements(session, limit=20),
        suspense=await queries.suspense(session),
        kinds=_KINDS,
        kind_words=dict(_KINDS),
        currencies=currencies(),
        may_import=viewer.may(_IMPORT),
        may_change=viewer.may(_CHANGE),
    )


ROUTES: list[HTTPRouteHandler] = [
    home,
    take,
    add_account,
    close_account,
    account_page,
    add_sender,
    remove_sender,
]
