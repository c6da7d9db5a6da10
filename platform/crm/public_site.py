"""The public site: landing page, lead form, the form for other sites, and referral links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from markupsafe import Markup

from clients import countries
from clients.events import ReferralVisited
from crm import leads, news, referrals, rules, site_texts
from kernel.actor import TenantRef
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound, TooManyRequests
from kernel.events import record
from kernel.language import current as current_language
from kernel.throttle import spend
from kernel.web.access import PUBLIC
from kernel.web.inject import Session, Tenant
from kernel.web.pages import away, form_state, form_values, page, see_other
from messaging import sections
from tenants.ports import Ports
from themes.formats import number_text
from trading import queries as trading_queries
from trading.models import AccountType

HONEYPOT = "website"
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_FORMS_PER_IP = 20
_VISITS_PER_IP = 60
_SECONDS = 600


@get("/", permission=PUBLIC)
async def landing(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant
) -> Response[str]:
    """Show the brokerage's front page with its lead form."""
    return await _landing_page(request, session, tenant, form_state(_carried(request)))


@post("/leads", permission=PUBLIC, status_code=200)
async def take_lead(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant
) -> Response[Any]:
    """Take the landing page's form; what is wrong is said beside its field."""
    values = form_values(await request.form())
    referral = referrals.remembered(request)
    try:
        await _capture(
            request,
            session,
            tenant,
            values,
            source="referral" if referral else "form",
            code=referral.code if referral else None,
        )
    except (InvalidInput, TooManyRequests) as error:
        form = form_state(values, error.fields, error.text)
        return await _landing_page(request, session, tenant, form, status=error.status)
    return see_other("/thanks")


@get("/go/{place:str}", permission=PUBLIC)
async def lead_on(
    request: Request[Any, Any, Any], tenant: Tenant, place: FromPath[str]
) -> Response[Any]:
    """Lead from a section that the brokerage wrote to registration or sign-in, with the referral.

    Sections are rendered once for everybody, so they can't carry a visitor's own address.
    """
    if place == "register":
        return away(_register(request, tenant))
    if place == "login":
        return away(_trader(request, tenant, "/login"))
    raise NotFound


@get("/thanks", permission=PUBLIC)
async def thanks(request: Request[Any, Any, Any], tenant: Tenant) -> Response[str]:
    """Say that the details have arrived, and what happens next."""
    words = site_texts.words(brand=tenant.name)
    return await page(
        request,
        "public/thanks.html",
        title=words["thanks"],
        heading=words["thanks"],
        text=words["thanks_text"],
        sign_in_href=_trader(request, tenant, "/login"),
        register_href=_register(request, tenant),
    )


@get("/embed/lead", permission=PUBLIC)
async def embedded_form(request: Request[Any, Any, Any], tenant: Tenant) -> Response[str]:
    """Show the form alone, for a frame on another site; `?ref=` names a partner."""
    return await _embedded_page(request, tenant, form_state(_carried(request)))


# A frame on another site sends no cookie of ours, so there is no token to check; the form
# carries no authority either.
@post("/embed/lead", permission=PUBLIC, status_code=200, exclude_from_csrf=True)
async def take_embedded_lead(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant
) -> Response[Any]:
    """Take the form of a frame on another site."""
    values = form_values(await request.form())
    try:
        await _capture(request, session, tenant, values, source="embed", code=values.get("ref"))
    except (InvalidInput, TooManyRequests) as error:
        form = form_state(values, error.fields, error.text)
        return await _embedded_page(request, tenant, form, status=error.status)
    return see_other("/embed/thanks")


@get("/embed/thanks", permission=PUBLIC)
async def embedded_thanks(request: Request[Any, Any, Any], tenant: Tenant) -> Response[str]:
    """Say inside the frame that the details have arrived."""
    words = site_texts.words(brand=tenant.name)
    return await page(request, "crm/embed_thanks.html", title=words["thanks"], words=words)


@get("/r/{code:str}", permission=PUBLIC)
async def follow_referral(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, code: FromPath[str]
) -> Response[Any]:
    """Remember whose link was followed, record the visit, and lead to the front page."""
    response = see_other("/")
    known = rules.referral_code(code)
    if known is None:
        return response
    referral = referrals.remember(request, response, known)
    try:
        await _brake(request, tenant, "referral_visit", limit=_VISITS_PER_IP)
    except TooManyRequests:
        return response  # the code still counts; only the visit is not recorded any more
    record(session, ReferralVisited(referral.code, referral.visitor))
    return response


async def _capture(
    request: Request[Any, Any, Any],
    session: TenantSession,
    tenant: TenantRef,
    values: Mapping[str, str],
    *,
    source: str,
    code: str | None,
) -> None:
    await _brake(request, tenant, "lead_form", limit=_FORMS_PER_IP)
    if values.get(HONEYPOT):
        return  # only a program fills a field that nobody sees
    lead = await leads.capture(
        session,
        source=source,
        first_name=values.get("first_name", ""),
        last_name=values.get("last_name", ""),
        email=values.get("email", ""),
        phone=values.get("phone", ""),
        country=values.get("country", ""),
        language=current_language(),
        campaign=rules.utm(values).get("utm_campaign"),
        utm=values,
        referral_code=code,
    )
    if values.get("news"):
        ports: Ports = request.app.state.ports
        await news.welcome(
            session, lead=lead, vault=ports.vault, link=_trader(request, tenant, "/register")
        )


async def _brake(
    request: Request[Any, Any, Any], tenant: TenantRef, what: str, *, limit: int
) -> None:
    ports: Ports = request.app.state.ports
    caller = request.client.host if request.client else "unknown"
    await spend(ports.redis, tenant, what=what, caller=caller, limit=limit, seconds=_SECONDS)


async def _landing_page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    tenant: TenantRef,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[str]:
    words = site_texts.words(brand=tenant.name)
    offers = await trading_queries.account_types(session)
    own = await sections.shown(session, language=current_language())
    return await page(
        request,
        "public/landing.html",
        title=tenant.name,
        status=status,
        form=form,
        action="/leads",
        fields=_fields(words),
        honeypot=HONEYPOT,
        headline=words["headline"],
        sub=words["sub"],
        sign_in_href=_trader(request, tenant, "/login"),
        register_href=_register(request, tenant),
        facts=_facts(words, list(offers)),
        accounts=[_offer(words, one) for one in offers][:3],
        # Cleaned when they were rendered; the only HTML of a tenant's that is let through.
        own_sections={slot: Markup(html) for slot, html in own.items()},  # noqa: S704
    )


async def _embedded_page(
    request: Request[Any, Any, Any],
    tenant: TenantRef,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[str]:
    words = site_texts.words(brand=tenant.name)
    return await page(
        request,
        "public/embed_lead.html",
        title=words["embed_title"],
        status=status,
        form=form,
        action="/embed/lead",
        fields=[*_fields(words), {"name": "ref", "label": "", "type": "hidden"}],
        honeypot=HONEYPOT,
        submit_label=words["embed_submit"],
    )


def _carried(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return what the address says about the visit, kept in the form's hidden fields."""
    found = rules.utm(dict(request.query_params.items()))
    code = rules.referral_code(request.query_params.get("ref"))
    return {**found, **({"ref": code} if code else {})}


def _fields(words: Mapping[str, str]) -> list[dict[str, Any]]:
    text: dict[str, Any] = {"maxlength": 60}
    return [
        {"name": "first_name", "label": words["first_name"], "autocomplete": "given-name", **text},
        {"name": "last_name", "label": words["last_name"], "autocomplete": "family-name", **text},
        {
            "name": "email",
            "label": words["email"],
            "type": "email",
            "maxlength": 254,
            "autocomplete": "email",
        },
        {
            "name": "phone",
            "label": words["phone"],
            "type": "tel",
            "maxlength": 24,
            "autocomplete": "tel",
            "help": words["phone_help"],
        },
        {
            "name": "country",
            "label": words["country"],
            "type": "select",
            "options": countries.options(current_language()),
            "autocomplete": "country",
        },
        {"name": "news", "label": words["news"], "type": "checkbox", "optional": True},
        *({"name": name, "label": "", "type": "hidden"} for name in _UTM),
    ]


def _facts(words: Mapping[str, str], offers: list[AccountType]) -> list[dict[str, str]]:
    facts = [{"icon": "device-laptop", "value": "MetaTrader 5", "label": words["platform"]}]
    if offers:
        leverage = max(one.leverage_max for one in offers)
        cheapest = min(offers, key=lambda one: one.minimum_deposit)
        facts.append({"icon": "scale", "value": f"1:{leverage}", "label": words["leverage"]})
        facts.append({"icon": "cash", "value": _minimum(cheapest), "label": words["minimum"]})
    return facts


def _offer(words: Mapping[str, str], one: AccountType) -> dict[str, Any]:
    return {
        "name": one.name,
        "price": _minimum(one),
        "line": words["minimum"],
        "facts": [
            (words["account_leverage"], f"1:{one.leverage_max}"),
            (words["account_currency"], one.currency),
        ],
    }


def _minimum(offer: AccountType) -> str:
    return f"{number_text(offer.minimum_deposit)} {offer.currency}"


def _trader(request: Request[Any, Any, Any], tenant: TenantRef, path: str) -> str:
    settings = request.app.state.ports.settings
    return f"{settings.origin(f'my.{tenant.slug}.{settings.domain}')}{path}"


def _register(request: Request[Any, Any, Any], tenant: TenantRef) -> str:
    """Return where to register; a partner's code goes along to the other host."""
    referral = referrals.remembered(request)
    query = f"?ref={referral.code}" if referral else ""
    return _trader(request, tenant, f"/register{query}")


ROUTES: list[HTTPRouteHandler] = [
    *(landing, take_lead, lead_on, thanks, embedded_form, take_embedded_lead, embedded_thanks),
    follow_referral,
]
