"""Pages for whoever is not a partner yet: registration, joining a partner, the mailed link."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients import countries
from identity.email_tokens import LinkExpired
from identity.screens import signed_in
from identity.users import EmailTaken
from introducers import queries
from kernel.actor import TenantRef
from kernel.errors import InvalidInput, NotFound, TooManyRequests
from kernel.language import current as current_language
from kernel.language import gettext, marked
from kernel.throttle import spend
from kernel.web.access import PUBLIC, SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from partners import joining, people
from tenants.inject import Outside
from themes.formats import isolated

_PER_MINUTE = 30
_LINKS_PER_HOUR = 5
_CONSENTS = (
    {
        "name": "terms",
        "type": "checkbox",
        "label": marked(
            "I have read and accept the introducing broker agreement and the privacy notice."
        ),
    },
)


@get("/register", permission=PUBLIC)
async def show_registration(request: Request[Any, Any, Any], tenant: Tenant) -> Response[Any]:
    """Show the form of a new partner."""
    if request.scope.get("user") is not None:
        return see_other("/")
    return await _form(request, tenant, form_state(), action="/register")


@post("/register", permission=PUBLIC, status_code=200)
async def register(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Take a new partner in and ask them to look into their mail."""
    return await _take(request, session, tenant, ports, code=None, sponsor="")


@get("/join/{code:str}", permission=PUBLIC)
async def show_joining(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, code: FromPath[str]
) -> Response[Any]:
    """Show the form of somebody who joins below a partner."""
    if request.scope.get("user") is not None:
        return see_other("/")
    sponsor = await _sponsor(session, code)
    return await _form(
        request, tenant, form_state(), action=f"/join/{sponsor[0]}", sponsor=sponsor[1]
    )


@post("/join/{code:str}", permission=PUBLIC, status_code=200)
async def join(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    ports: Outside,
    code: FromPath[str],
) -> Response[Any]:
    """Take a new partner in below another one."""
    sponsor = await _sponsor(session, code)
    return await _take(request, session, tenant, ports, code=sponsor[0], sponsor=sponsor[1])


@get("/verify/{secret:str}", permission=PUBLIC)
async def verify(
    request: Request[Any, Any, Any],
    session: Session,
    ports: Outside,
    secret: FromPath[str],
) -> Response[Any]:
    """Take the link of the first mail: the address is proved, and its owner is signed in."""
    try:
        user = await joining.verify(
            session, secret=secret, vault=ports.vault, settings=ports.settings
        )
    except LinkExpired:
        return await page(
            request,
            "auth/message.html",
            title=gettext("This link has expired"),
            status=404,
            heading=gettext("This link has expired"),
            text=gettext(
                "It was used before, or it is too old. Sign in: your home page sends you a new one"
                " if you still need it."
            ),
            icon_name="clock",
            tone="w",
            action_label=gettext("Sign in"),
            action_href="/login",
        )
    response = await signed_in(request, session, user_id=user.id, kind="partner")
    return flash(request, response, gettext("Your e-mail address is confirmed."))


@post("/verify", permission=SELF, status_code=200)
async def send_again(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Mail the link again, a few times in an hour."""
    found = await people.me(session, viewer)
    await spend(
        ports.redis,
        tenant,
        what="verify-link",
        caller=str(found.user.id),
        limit=_LINKS_PER_HOUR,
        seconds=3600,
    )
    await joining.send_link(session, user=found.user, vault=ports.vault, link_to=_link(request))
    return flash(request, see_other("/"), gettext("The link is on its way to your mailbox."))


async def _sponsor(session: Session, code: str) -> tuple[str, str]:
    found = await queries.partner_by_code(session, code)
    if found is None or found.state != "active":
        raise NotFound(gettext("This link is not valid any more. Ask your partner for a new one."))
    return found.code, found.name


async def _take(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: TenantRef,
    ports: Outside,
    *,
    code: str | None,
    sponsor: str,
) -> Response[Any]:
    sent = await request.form()
    values = form_values(sent)
    action = f"/join/{code}" if code else "/register"
    try:
        if request.client is not None:
            await spend(
                ports.redis,
                tenant,
                what="register-partner",
                caller=request.client.host,
                limit=_PER_MINUTE,
                seconds=60,
            )
        partner = await joining.register(
            session,
            values=values,
            password=str(sent.get("password") or ""),
            sponsor_code=code,
            vault=ports.vault,
            link_to=_link(request),
        )
    except EmailTaken as error:
        form, status = form_state(values, {"email": error.text}), 422
    except InvalidInput as error:
        form, status = form_state(values, error.fields), 422
    except TooManyRequests as error:
        form, status = form_state(values, message=error.text), 429
    else:
        return await page(
            request,
            "partner/check_mail.html",
            title=gettext("Check your mail"),
            email=partner.email,
        )
    return await _form(request, tenant, form, action=action, sponsor=sponsor, status=status)


def _link(request: Request[Any, Any, Any]) -> joining.LinkTo:
    origin = request.app.state.settings.origin(request.scope["state"]["host"])
    return lambda secret: f"{origin}/verify/{secret}"


async def _form(
    request: Request[Any, Any, Any],
    tenant: TenantRef,
    form: dict[str, Any],
    *,
    action: str,
    sponsor: str = "",
    status: int = 200,
) -> Response[Any]:
    sub = gettext("Your link and your portal are ready as soon as you confirm your e-mail address.")
    if sponsor:
        joined = gettext("You join the network of %s.") % isolated(sponsor)
        sub = f"{joined} {sub}"
    return await page(
        request,
        "auth/register.html",
        title=gettext("Become a partner"),
        status=status,
        form=form,
        action=action,
        heading=gettext("Become a partner"),
        sub=sub,
        sections=_sections(),
        consents=[_said(one) for one in _CONSENTS],
        submit_label=gettext("Create partner account"),
        login_href="/login",
    )


def _said(consent: dict[str, str]) -> dict[str, str]:
    label = consent["label"]
    return {**consent, "label": gettext(label)}


def _sections() -> list[dict[str, Any]]:
    named = sorted(countries.names(current_language()).items(), key=lambda pair: pair[1])
    return [
        {
            "title": gettext("About you"),
            "fields": [
                {
                    "name": "name",
                    "label": gettext("Your name or your company's"),
                    "autocomplete": "organization",
                    "maxlength": 120,
                },
                {
                    "name": "country",
                    "label": gettext("Country"),
                    "type": "select",
                    "options": named,
                    "autocomplete": "country",
                },
            ],
        },
        {
            "title": gettext("Your login"),
            "fields": [
                {
                    "name": "email",
                    "label": gettext("E-mail"),
                    "type": "email",
                    "autocomplete": "email",
                },
                {
                    "name": "password",
                    "label": gettext("Password"),
                    "type": "password",
                    "autocomplete": "new-password",
                    "minlength": 10,
                    "help": gettext("10 characters or more. Three unrelated words are good."),
                },
            ],
        },
    ]


ROUTES: list[HTTPRouteHandler] = [
    show_registration,
    register,
    show_joining,
    join,
    verify,
    send_again,
]
