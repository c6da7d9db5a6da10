"""The log of mails, and the addresses that get none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity.listings.listing import Cells, Found, Listing
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, see_other
from kernel.web.table import Column, State, Table
from messaging import mails, texts
from messaging.delivery import addresses, queries, suppressions
from messaging.delivery.queries import MailRow, SuppressedRow
from messaging.models import CATEGORIES, MESSAGE_STATES, SUPPRESSED_BY
from tenants.inject import Outside

_LOG = "/settings/mail/log"
_LIST = "/settings/mail/suppressed"
_LOG_READ = "messaging.log.read"
_CHANGE = "messaging.suppression.change"
REASON_WORDS = {
    "hard_bounce": "Mailbox is gone",
    "soft_bounce": "Came back too often",
    "complaint": "Called unwanted",
    "unsubscribe": "Unsubscribed",
    "staff": "By staff",
}
LOG_TABLE = Table(
    name="mail_log",
    path=_LOG,
    columns=(
        Column("created", "Queued", "date", sortable=True, filtered=True, pinned=True),
        Column("recipient", "Recipient", sortable=False),
        Column(
            "template",
            "Mail",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple((name, name.replace("_", " ").capitalize()) for name in texts.TEMPLATES),
        ),
        Column(
            "category",
            "For",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple((name, name.capitalize()) for name in CATEGORIES),
        ),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((name, name.capitalize()) for name in MESSAGE_STATES),
        ),
        Column("error", "What was wrong", wide=True),
        Column("language", "Language", shown=False),
        Column("attempts", "Attempts", shown=False),
        Column("sent", "Sent", "date", shown=False),
    ),
    sort="-created",
)
SUPPRESSED_TABLE = Table(
    name="suppressed",
    path=_LIST,
    columns=(
        Column("address", "Address", pinned=True),
        Column(
            "list",
            "Mails",
            "choice",
            sortable=True,
            filtered=True,
            choices=(("all", "All"), ("marketing", "Marketing")),
        ),
        Column(
            "reason",
            "Reason",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((name, REASON_WORDS[name]) for name in SUPPRESSED_BY),
        ),
        Column("detail", "Detail", wide=True),
        Column("since", "Since", "date", sortable=True, filtered=True, end=True),
    ),
    sort="-since",
)
_LOG_CELLS: dict[str, Callable[[MailRow], Cells]] = {
    "created": lambda row: row.created_at,
    "recipient": lambda row: addresses.masked(row.recipient),
    "template": lambda row: row.template,
    "category": lambda row: row.category,
    "state": lambda row: row.state,
    "error": lambda row: row.error,
    "language": lambda row: row.language,
    "attempts": lambda row: str(row.attempts),
    "sent": lambda row: row.sent_at,
}
_SUPPRESSED_CELLS: dict[str, Callable[[SuppressedRow], Cells]] = {
    "address": lambda row: row.masked,
    "list": lambda row: row.list,
    "reason": lambda row: REASON_WORDS[row.reason],
    "detail": lambda row: row.detail,
    "since": lambda row: row.created_at,
}


async def _mails(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[MailRow]:
    facets = await queries.mail_facets(session, state)
    context = {"masked": addresses.masked, "may_send": viewer.may("messaging.server.change")}
    return Found(await queries.mail_page(session, state), facets.total(state), context)


async def _suppressed(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[SuppressedRow]:
    tenant = request.scope["state"]["tenant"]
    vault = request.app.state.ports.vault
    hashed = addresses.hashed(vault, tenant.id, state.search) if "@" in state.search else ""
    facets = await queries.suppressed_facets(session, state, address_hash=hashed)
    found = await queries.suppressed_page(session, state, address_hash=hashed)
    context = {"reasons": REASON_WORDS, "may_change": viewer.may(_CHANGE)}
    return Found(found, facets.total(state), context)


LOG = Listing(
    table=LOG_TABLE,
    title="Mail log",
    template="backoffice/mail_log.html",
    permission=_LOG_READ,
    find=_mails,
    cells=_LOG_CELLS,
    active="/settings/mail",
)
SUPPRESSED = Listing(
    table=SUPPRESSED_TABLE,
    title="Suppressed addresses",
    template="backoffice/mail_suppressed.html",
    permission=_LOG_READ,
    find=_suppressed,
    cells=_SUPPRESSED_CELLS,
    active="/settings/mail",
)


@post(_LOG + "/{message_id:uuid}/again", permission="messaging.server.change", status_code=200)
async def send_again(
    request: Request[Any, Any, Any], session: Session, message_id: FromPath[UUID]
) -> Response[Any]:
    """Send a mail once more that failed or was held back."""
    try:
        await mails.send_again(session, message_id=message_id)
    except Conflict as error:
        return flash(request, see_other(_LOG), error.text, kind="warning")
    return flash(request, see_other(_LOG), "The mail is on its way again.")


@post(_LIST, permission=_CHANGE, status_code=200)
async def add(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Put an address on the list that staff typed."""
    values = form_values(await request.form())
    try:
        await suppressions.add_by_hand(
            session,
            address=values.get("address", ""),
            detail=values.get("detail", ""),
            vault=ports.vault,
        )
    except (InvalidInput, Conflict) as error:
        message = None if isinstance(error, InvalidInput) else error.text
        form = form_state(values, error.fields, message)
        state = SUPPRESSED_TABLE.read({})
        return await SUPPRESSED.draw(request, session, viewer, state, form=form)
    return flash(request, see_other(_LIST), "The address gets no more mails.")


@post(_LIST + "/{suppression_id:uuid}/remove", permission=_CHANGE, status_code=200)
async def remove(
    request: Request[Any, Any, Any], session: Session, suppression_id: FromPath[UUID]
) -> Response[Any]:
    """Take an address off the list again, for a reason."""
    values = form_values(await request.form())
    try:
        await suppressions.remove(
            session, suppression_id=suppression_id, reason=values.get("reason", "")
        )
    except InvalidInput as error:
        text = " ".join(error.fields.values())
        return flash(request, see_other(_LIST), text, kind="warning")
    return flash(request, see_other(_LIST), "The address gets mails again.")


ROUTES: list[HTTPRouteHandler] = [*LOG.routes(), *SUPPRESSED.routes(), send_again, add, remove]
