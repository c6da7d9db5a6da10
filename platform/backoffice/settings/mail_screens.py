"""The mail server of a brokerage: what is set, whether it works, and what the DNS says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from connectors.mail.port import STAGES, Step
from kernel.actor import TenantRef
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.language import LANGUAGES, speaking
from kernel.money import Money
from kernel.throttle import spend
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from messaging import dressing, mails, templates, texts
from messaging.delivery import domain_checks, queries, servers
from messaging.models import MailServer
from tenants import brands
from tenants.inject import Outside

_MAY = "messaging.server.change"
_HERE = "/settings/mail"
_SECURITY = (
    ("starttls", "STARTTLS, usually port 587"),
    ("implicit", "TLS from the first byte, usually port 465"),
    ("none", "None: only where the operator allows it"),
)
_STAGE_WORDS = {
    "address": "Name",
    "connect": "Connection",
    "tls": "Encryption",
    "auth": "Sign-in",
    "sender": "Sender",
}
_CHECK_WORDS = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC"}
_CHECKS, _WITHIN_SECONDS = 20, 600
# What stands in the mails of the preview; all of it is invented.
_EXAMPLES = {
    "code": "482 913",
    "payee": "DE02 … 2051",
    "name": "Omar Haddad",
    "link": "https://my.example.com/t/abc123",
    "login": "700123",
    "server": "Alpha-Live",
    "password": "Kx7-example",
    "investor_password": "Lz8-example",
    "reason": "The photo is blurred.",
    "reference": "DEP-7F3K2M",
    "referral_link": "https://www.example.com/r/omar",
    "change": texts.Words("A new passkey was added."),
    "target": texts.Words("your wallet"),
    "amount": Money.of("1250.50", "USD"),
}


@get(_HERE, permission=_MAY)
async def overview(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Show how mails leave, what the DNS says about the sender, and where reports go."""
    return await _page(request, session, tenant, ports, form_state())


@post(_HERE, permission=_MAY, status_code=200)
async def change(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Keep what was typed; what is wrong is said beside its field."""
    values = form_values(await request.form())
    try:
        await servers.save(
            session, values=values, vault=ports.vault, allow=ports.settings.egress_allow
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _page(request, session, tenant, ports, form, status=422)
    return flash(
        request, see_other(_HERE), "Saved. Check the connection, then send yourself a mail."
    )


@post(f"{_HERE}/check", permission=_MAY, status_code=200)
async def check(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Go to the server as far as it lets us, and show each stage; no mail is sent."""
    await _brake(request, tenant, ports)
    found = await queries.server(session)
    if found is None or not found.host:
        form = form_state(message="Enter a server and save it first.")
        return await _page(request, session, tenant, ports, form, status=422)
    address = servers.address_of(found, tenant=tenant, vault=ports.vault)
    steps = await ports.mail_servers.check(address, sender=found.sender_address)
    return await _page(request, session, tenant, ports, form_state(), steps=steps)


@post(f"{_HERE}/domain", permission=_MAY, status_code=200)
async def look_at_domain(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Ask the DNS about the sender's domain now."""
    await _brake(request, tenant, ports)
    found = await domain_checks.run(ports.database, tenant, dns=ports.dns)
    text = "The DNS was asked." if found else "Enter a server and a sender first."
    return flash(request, see_other(_HERE), text, kind="positive" if found else "warning")


@post(f"{_HERE}/test", permission=_MAY, status_code=200)
async def send_test(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Send a mail to whoever asks, on the way that all mails go."""
    await _brake(request, tenant, ports)
    found = await queries.server(session)
    through = found.host if found is not None and found.host else "the shared mail server"
    await mails.queue(
        session,
        to=viewer.email,
        template="mail_test",
        context={"name": viewer.name, "server": through},
        vault=ports.vault,
        language="en",
    )
    text = f"A mail to {viewer.email} is on its way. The log says what became of it."
    return flash(request, see_other(_HERE), text)


@post(f"{_HERE}/hook", permission=_MAY, status_code=200)
async def renew_hook(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Give reports of bounces a new address and a new secret, which is shown once."""
    found = await servers.current(session, tenant=tenant, vault=ports.vault)
    secret = await servers.renew_hook(session, found, vault=ports.vault)
    return await _page(request, session, tenant, ports, form_state(), secret=secret)


@get(f"{_HERE}/preview", permission="messaging.log.read")
async def previews(request: Request[Any, Any, Any]) -> Response[Any]:
    """Show one built-in mail in one language, in the brand, with the others to choose."""
    chosen = _choice(request.query_params)
    return await page(
        request,
        "backoffice/mail_preview.html",
        title="Mail preview",
        active=_HERE,
        chosen=chosen,
        templates=[(name, _named(name)) for name in texts.TEMPLATES],
        languages=list(LANGUAGES.items()),
    )


@get(f"{_HERE}/preview/{{template:str}}/{{language:str}}", permission="messaging.log.read")
async def preview(
    tenant: Tenant, ports: Outside, template: FromPath[str], language: FromPath[str]
) -> Response[str]:
    """Render one built-in mail as its reader would see it, with invented values."""
    if template not in texts.TEMPLATES or language not in LANGUAGES:
        raise NotFound
    with speaking(language):
        brand = dressing.spoken(await brands.current(ports.database, tenant), language)
    letter = texts.write(template, brand=tenant.name, context=_EXAMPLES, language=language)
    leave = "#" if texts.category(template) == "marketing" else ""
    made = dressing.dressed(
        letter, templates.Written(), brand, to="omar@example.com", unsubscribe_href=leave
    )
    headers = {"cache-control": "no-store", "content-security-policy": _PREVIEW_POLICY}
    return Response(made.html, media_type="text/html", headers=headers)


_PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"
)


async def _page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    tenant: TenantRef,
    ports: Outside,
    form: dict[str, Any],
    *,
    status: int = 200,
    steps: Sequence[Step] = (),
    secret: str = "",
) -> Response[Any]:
    found = await servers.current(session, tenant=tenant, vault=ports.vault)
    checks = domain_checks.ordered({one.kind: one for one in await queries.checks(session)})
    brand = await brands.current(ports.database, tenant)
    settings = ports.settings
    site = settings.origin(f"www.{tenant.slug}.{settings.domain}")
    return await page(
        request,
        "backoffice/mail.html",
        title="Mail",
        active=_HERE,
        status=status,
        form=form,
        server=found,
        usual_sender=dressing.sender_of(brand),
        security=_SECURITY,
        has_password=found.password_sealed is not None,
        health=_health(found),
        checks=[{"label": _CHECK_WORDS[one.kind], "row": one} for one in checks],
        steps=_shown(steps),
        hook_href=f"{site}/hooks/mail/{found.hook_token}",
        secret=secret,
    )


def _shown(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return every stage; those behind a failure were not reached."""
    passed = {one.stage: one for one in steps}
    if not steps:
        return []
    return [{"label": _STAGE_WORDS[name], "step": passed.get(name)} for name in STAGES]


def _health(server: MailServer) -> dict[str, str]:
    if not server.host:
        return {"kind": "neutral", "label": "Shared server"}
    if server.retry_at is not None and server.failures:
        return {"kind": "negative", "label": "Resting"}
    if server.failures:
        return {"kind": "warning", "label": "Trouble"}
    if server.worked_at is None:
        return {"kind": "neutral", "label": "Not used yet"}
    return {"kind": "positive", "label": "Works"}


def _choice(params: Mapping[str, str]) -> dict[str, str]:
    template, language = params.get("template", ""), params.get("language", "")
    return {
        "template": template if template in texts.TEMPLATES else texts.TEMPLATES[0],
        "language": language if language in LANGUAGES else "en",
    }


def _named(template: str) -> str:
    return template.replace("_", " ").capitalize().replace("Kyc", "KYC")


async def _brake(request: Request[Any, Any, Any], tenant: TenantRef, ports: Outside) -> None:
    """Nobody uses this page to knock at other people's servers."""
    await spend(
        ports.redis,
        tenant,
        what="mail_check",
        caller="staff",
        limit=_CHECKS,
        seconds=_WITHIN_SECONDS,
    )


ROUTES: list[HTTPRouteHandler] = [
    *(overview, change, check, look_at_domain, send_test, renew_hook, previews, preview),
]
