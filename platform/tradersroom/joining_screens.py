"""Pages for whoever is not a client yet: registration, the mailed link, the invitation."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity import email_tokens
from identity.email_tokens import LinkExpired
from identity.screens import signed_in
from identity.users import EmailTaken
from kernel.errors import InvalidInput, TooManyRequests
from kernel.language import current as current_language
from kernel.language import gettext, marked
from kernel.throttle import spend
from kernel.web.access import PUBLIC, SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from tenants.inject import Outside
from tradersroom import joining, people
from tradersroom.countries import countries

_PER_MINUTE = 30
_LINKS_PER_HOUR = 5
_CONSENTS = (
    {
        "name": "terms",
        "type": "checkbox",
        "label": marked(
            "I have read and accept the client agreement, the order execution policy and"
            " the privacy notice."
        ),
    },
    {
        "name": "risk",
        "type": "checkbox",
        "label": marked("I understand that I can lose all the money I deposit."),
    },
)


@get("/register", permission=PUBLIC)
async def show_registration(request: Request[Any, Any, Any]) -> Response[Any]:
    """Show the form; a referral code of the address is kept in it."""
    if request.scope.get("user") is not None:
        return see_other("/")
    kept = {name: request.query_params.get(name, "")[:64] for name in ("ref", "visitor")}
    return await _registration(request, form_state(kept))


@post("/register", permission=PUBLIC, status_code=200)
async def register(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Take a new client in and ask them to look into their mail."""
    form = await request.form()
    values = form_values(form)
    password = str(form.get("password") or "")
    try:
        if request.client is not None:
            await spend(
                ports.redis,
                tenant,
                what="register",
                caller=request.client.host,
                limit=_PER_MINUTE,
                seconds=60,
            )
        client = await joining.register(
            session,
            values=values,
            password=password,
            vault=ports.vault,
            link_to=_link(request, "verify"),
        )
    except EmailTaken as error:
        return await _registration(request, form_state(values, {"email": error.text}), status=422)
    except InvalidInput as error:
        return await _registration(request, form_state(values, error.fields), status=422)
    except TooManyRequests as error:
        return await _registration(request, form_state(values, message=error.text), status=429)
    return await page(
        request,
        "trader/check_mail.html",
        title=gettext("Check your mail"),
        email=client.email,
    )


@get("/verify/{secret:str}", permission=PUBLIC)
async def verify(
    request: Request[Any, Any, Any], session: Session, secret: FromPath[str]
) -> Response[Any]:
    """Take the link of the first mail: the address is proved, and its owner is signed in."""
    try:
        user = await email_tokens.redeem(session, secret=secret, purpose="verify")
    except LinkExpired:
        return await _expired(request)
    response = await signed_in(request, session, user_id=user.id, kind="client")
    return flash(request, response, gettext("Your e-mail address is confirmed."))


@post("/verify", permission=SELF, status_code=200)
async def send_again(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
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
    await joining.send_link(
        session, user=found.user, vault=ports.vault, link_to=_link(request, "verify")
    )
    return flash(request, see_other("/"), gettext("The link is on its way to your mailbox."))


@get("/invite/{secret:str}", permission=PUBLIC)
async def show_invitation(
    request: Request[Any, Any, Any], session: Session, secret: FromPath[str]
) -> Response[Any]:
    """Show whose invitation this is and ask for a password."""
    try:
        user = await email_tokens.holder(session, secret=secret, purpose="invite")
    except LinkExpired:
        return await _expired(request)
    return await _invitation(request, secret, user.name, form_state())


@post("/invite/{secret:str}", permission=PUBLIC, status_code=200)
async def accept_invitation(
    request: Request[Any, Any, Any], session: Session, secret: FromPath[str]
) -> Response[Any]:
    """Set the password and sign the invited person in."""
    form = await request.form()
    values = form_values(form)
    try:
        holder = await email_tokens.holder(session, secret=secret, purpose="invite")
    except LinkExpired:
        return await _expired(request)
    try:
        user = await joining.accept_invitation(
            session, secret=secret, values=values, password=str(form.get("password") or "")
        )
    except InvalidInput as error:
        state = form_state(values, error.fields)
        return await _invitation(request, secret, holder.name, state, status=422)
    return await signed_in(request, session, user_id=user.id, kind="client")


def _link(request: Request[Any, Any, Any], place: str) -> joining.LinkTo:
    origin = request.app.state.settings.origin(request.scope["state"]["host"])
    return lambda secret: f"{origin}/{place}/{secret}"


async def _registration(
    request: Request[Any, Any, Any], form: dict[str, Any], *, status: int = 200
) -> Response[Any]:
    return await page(
        request,
        "auth/register.html",
        title=gettext("Open an account"),
        status=status,
        form=form,
        action="/register",
        heading=gettext("Open an account"),
        sub=gettext(
            "It takes two minutes. You send your documents afterwards, and see what each step"
            " is for."
        ),
        sections=_sections(current_language()),
        consents=[_said(one) for one in _CONSENTS],
        submit_label=gettext("Create account"),
        login_href="/login",
    )


def _said(consent: dict[str, str]) -> dict[str, str]:
    label = consent["label"]
    return {**consent, "label": gettext(label)}


def _sections(spoken: str) -> list[dict[str, Any]]:
    return [
        {
            "title": gettext("About you"),
            "fields": [
                {"name": "ref", "label": "", "type": "hidden"},
                {"name": "visitor", "label": "", "type": "hidden"},
                {
                    "name": "first_name",
                    "label": gettext("First name"),
                    "autocomplete": "given-name",
                    "help": gettext("As in your passport"),
                    "maxlength": 60,
                },
                {
                    "name": "last_name",
                    "label": gettext("Last name"),
                    "autocomplete": "family-name",
                    "maxlength": 60,
                },
                {
                    "name": "country",
                    "label": gettext("Country of residence"),
                    "type": "select",
                    "options": countries(spoken),
                    "autocomplete": "country",
                },
                {
                    "name": "phone",
                    "label": gettext("Mobile number"),
                    "type": "tel",
                    "autocomplete": "tel",
                    "help": gettext("With the country code, such as +971 50 123 4567"),
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


async def _invitation(
    request: Request[Any, Any, Any],
    secret: str,
    name: str,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    return await page(
        request,
        "trader/invite.html",
        title=gettext("Set your password"),
        status=status,
        form=form,
        action=f"/invite/{secret}",
        person=name,
        consents=[_said(one) for one in _CONSENTS],
    )


async def _expired(request: Request[Any, Any, Any]) -> Response[Any]:
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


ROUTES: list[HTTPRouteHandler] = [
    show_registration,
    register,
    verify,
    send_again,
    show_invitation,
    accept_invitation,
]
