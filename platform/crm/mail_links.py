"""What mails lead back to: leaving a list by one click, and reports of what did not arrive.

A link to unsubscribe shows a page with a button, because mailboxes and scanners open every
link; only a POST unsubscribes. It needs no cookie, no sign-in and no form token: mailboxes send
it by themselves (RFC 8058), and the signed token is its authority.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel.errors import InvalidInput, NotFound
from kernel.language import gettext
from kernel.throttle import spend
from kernel.web.access import PUBLIC
from kernel.web.inject import Session, Tenant
from kernel.web.pages import form_values, page
from messaging.delivery import addresses, bounces, consents, queries, servers
from tenants.inject import Outside

_REPORT_MAX = 256 * 1024
_REPORTS_PER_CALLER, _WITHIN_SECONDS = 600, 60
# The masked address is not known here: the link carries a hash alone.
_UNNAMED = "•••"


@get("/unsubscribe/{token:str}", permission=PUBLIC)
async def ask(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    ports: Outside,
    token: FromPath[str],
) -> Response[Any]:
    """Show what the link is for and let the reader decide; opening it changes nothing."""
    address_hash, _ = _read(tenant.id, ports, token)
    lists = await queries.active_lists(session, address_hash)
    return await _page(request, token, subscribed="marketing" not in lists)


@post("/unsubscribe/{token:str}", permission=PUBLIC, status_code=200, exclude_from_csrf=True)
async def choose(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    ports: Outside,
    token: FromPath[str],
) -> Response[Any]:
    """Stop the list's mails; a reader on the page may take that back by its other button."""
    address_hash, _ = _read(tenant.id, ports, token)
    values = form_values(await request.form())
    if values.get("choice") == "again":
        await consents.give(session, address_hash=address_hash, source="preferences")
        return await _page(request, token, subscribed=True, done=gettext("You get our news again."))
    clicked = values.get("List-Unsubscribe") == "One-Click"
    detail = "One click in the mailbox." if clicked else "On the page."
    await consents.withdraw(session, address_hash=address_hash, masked=_UNNAMED, detail=detail)
    done = gettext("Done. You get no more news from us.")
    return await _page(request, token, subscribed=False, done=done)


@post("/hooks/mail/{token:str}", permission=PUBLIC, status_code=200, include_in_schema=False)
async def take_report(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    ports: Outside,
    token: FromPath[str],
) -> dict[str, int]:
    """Take in a report of a mail (RFC 3464, RFC 5965), signed with the hook's secret."""
    caller = request.client.host if request.client else "unknown"
    await spend(
        ports.redis,
        tenant,
        what="mail_report",
        caller=caller,
        limit=_REPORTS_PER_CALLER,
        seconds=_WITHIN_SECONDS,
    )
    server = await servers.of_hook(session, token)
    if server is None:
        raise NotFound
    body = await request.body()
    if len(body) > _REPORT_MAX:
        raise InvalidInput({"body": "A report is at most 256 kB."})
    secret = servers.hook_secret(server, tenant=tenant, vault=ports.vault)
    bounces.check_signature(secret, request.headers.get("x-marque-signature", ""), body)
    return {"new": await bounces.receive(session, body=body, vault=ports.vault)}


def _read(tenant_id: UUID, ports: Outside, token: str) -> tuple[str, str]:
    found = addresses.read_unsubscribe_token(ports.vault, tenant_id, token)
    if found is None:
        raise NotFound(gettext("This link is not complete. Open it from the mail again."))
    return found


async def _page(
    request: Request[Any, Any, Any], token: str, *, subscribed: bool, done: str = ""
) -> Response[Any]:
    response = await page(
        request,
        "public/unsubscribe.html",
        title=gettext("News by mail"),
        action=f"/unsubscribe/{token}",
        subscribed=subscribed,
        done=done,
    )
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["x-robots-tag"] = "noindex"
    return response


ROUTES: list[HTTPRouteHandler] = [ask, choose, take_report]
