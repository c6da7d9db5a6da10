"""Templates that a tenant wrote: drafted, checked, published, taken back, and used.

A draft is kept only when it could be sent; what is live goes on being live until another one
has rendered its example. Whatever goes wrong at the moment of sending, the built-in text is
sent instead and the tenant finds the reason beside the template.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from identity import audit
from kernel import log
from kernel.actor import Actor, TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound, ProductError
from kernel.ids import uuid7
from messaging import queries
from messaging.liquid import variables
from messaging.liquid.engine import Use
from messaging.liquid.renderer import (
    Renderer,
    RendererBusy,
    TemplateInvalid,
    TemplateTooExpensive,
)
from messaging.liquid.variables import Event, Plain
from messaging.models import TenantTemplate
from themes.page import Brand

_log = log.logger(__name__)
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


class TemplateChanged(Conflict):
    """Somebody else saved a draft since this one was read."""

    code = "template_changed"
    message = "Somebody else has saved this draft since you opened it. Nothing was overwritten."


@dataclass(frozen=True)
class Written:
    """The parts of a mail that a tenant's templates gave; None is left to the built-in text."""

    subject: str | None = None
    html: str | None = None
    text: str | None = None


async def check(
    renderer: Renderer, *, event: str, language: str, kind: str, source: str, owner: str = ""
) -> str:
    """Return how a template renders with the event's example values.

    Raises TemplateInvalid with the line and what to do, TemplateTooExpensive, InvalidInput for a
    language or kind that there is not, NotFound for an event.
    """
    declared = variables.event(event)
    if not _LANGUAGE.fullmatch(language):
        raise InvalidInput({"language": "Choose a language, such as en or ar."})
    if kind not in declared.kinds:
        raise InvalidInput({"kind": f"Choose one of {', '.join(declared.kinds)}."})
    if kind == "subject" and len(source.strip().splitlines()) > 1:
        raise TemplateInvalid("A subject is one line. Take out the line break.", line=1)
    uses = await renderer.inspect(source, kind=kind, owner=owner)
    for use in uses:
        _refuse_unknown(declared, use, kind)
    if kind in {"html", "text", "sms"} and declared.group == "message":
        _refuse_useless(declared, uses)
    example = variables.example(event, language=language)
    rendered = await renderer.rendered(source, example, kind=kind, owner=owner)
    if rendered.removed:
        raise TemplateInvalid(f"This can't stand here: {'; '.join(rendered.removed[:5])}.")
    if not rendered.text:
        raise TemplateInvalid("With the example values, the template writes nothing.")
    return rendered.text


async def save_draft(
    session: TenantSession,
    *,
    event: str,
    language: str,
    kind: str,
    source: str,
    renderer: Renderer,
    seen: str | None = None,
) -> TenantTemplate:
    """Keep a checked draft beside what is live; it replaces an earlier draft.

    `seen` is the mark of the draft that the author began with (see `mark`); raises
    TemplateChanged when it is another one by now, and as check does.
    """
    tenant: TenantRef = session.info["tenant"]
    key = {"event": event, "language": language, "kind": kind}
    await check(renderer, **key, source=source, owner=str(tenant.id))
    draft = await queries.template_for_update(session, **key, state="draft")
    if seen is not None and seen != mark(draft):
        raise TemplateChanged
    if draft is None:
        version = await queries.newest_version(session, **key) + 1
        draft = TenantTemplate(id=uuid7(), **key, version=version, state="draft", failure="")
        session.add(draft)
    actor: Actor | None = session.info.get("actor")
    draft.source, draft.author_id = source, actor.id if actor else None
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict("Somebody else has just saved a draft of this template.") from None
    _record(session, "save_draft", draft)
    return draft


def mark(draft: TenantTemplate | None) -> str:
    """Return what tells one state of a draft from another; "" when there is none."""
    if draft is None:
        return ""
    told = f"{draft.id} {draft.source}"
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]


async def publish(
    session: TenantSession,
    *,
    event: str,
    language: str,
    kind: str,
    renderer: Renderer,
    values: Mapping[str, Plain] | None = None,
) -> TenantTemplate:
    """Make the draft live once it has rendered its example; raises NotFound without a draft.

    `values` are those of a section of the public site, which is rendered once and kept.
    """
    draft = await queries.template_for_update(
        session, event=event, language=language, kind=kind, state="draft"
    )
    if draft is None:
        raise NotFound("There is no draft to publish. Save one first.")
    return await _go_live(session, draft, renderer=renderer, action="publish", values=values)


async def revert(
    session: TenantSession,
    *,
    event: str,
    language: str,
    kind: str,
    version: int,
    renderer: Renderer,
    values: Mapping[str, Plain] | None = None,
) -> TenantTemplate:
    """Make an earlier version live again, checked by today's rules; raises NotFound.

    `values` are as for `publish`.
    """
    found = await queries.template_version(
        session, event=event, language=language, kind=kind, version=version
    )
    if found is None or found.state != "retired":
        raise NotFound("There is no earlier version of this number.")
    return await _go_live(session, found, renderer=renderer, action="revert", values=values)


async def withdraw(session: TenantSession, *, event: str, language: str, kind: str) -> None:
    """Return to the built-in text; the versions stay. Raises NotFound when nothing is live."""
    live = await queries.template_for_update(
        session, event=event, language=language, kind=kind, state="live"
    )
    if live is None:
        raise NotFound("The built-in text is in use already.")
    live.state = "retired"
    _record(session, "withdraw", live)


async def write(
    database: Database,
    tenant: TenantRef,
    *,
    event: str,
    language: str,
    values: Mapping[str, object],
    renderer: Renderer,
) -> Written | None:
    """Return a mail's parts by the tenant's live templates, or None for the built-in mail.

    One part that fails gives up the others too, so that nobody reads two mails in one; the
    failure is logged and noted at the template.
    """
    if event not in variables.EVENTS:
        return None
    async with database.tenant(tenant) as session:
        live = await queries.live_templates(session, event=event, language=language)
        sources = {one.kind: one.source for one in live if one.kind in variables.MAIL_KINDS}
    if not sources:
        return None
    parts: dict[str, str] = {}
    kind = ""
    try:
        offered = variables.offered(event, {**values, "language": language})
        for kind, source in sources.items():
            parts[kind] = await _rendered(renderer, source, offered, kind, owner=str(tenant.id))
    except ProductError as error:
        await note_failure(database, tenant, event=event, language=language, kind=kind, error=error)
        return None
    return Written(**parts)


async def live_source(
    session: TenantSession, *, event: str, language: str, kind: str
) -> str | None:
    """Return the source of the live template, None when the tenant has published none."""
    live = await queries.live_templates(session, event=event, language=language)
    return next((one.source for one in live if one.kind == kind), None)


async def write_one(
    database: Database,
    tenant: TenantRef,
    *,
    event: str,
    language: str,
    kind: str,
    values: Mapping[str, object],
    renderer: Renderer,
) -> str:
    """Return one text by the tenant's live template, "" when there is none or it fails.

    A failure is logged and noted at the template. RendererBusy is raised: try again later.
    """
    async with database.tenant(tenant) as session:
        source = await live_source(session, event=event, language=language, kind=kind)
    if source is None:
        return ""
    try:
        offered = variables.offered(event, {**values, "language": language})
        return await _rendered(renderer, source, offered, kind, owner=str(tenant.id))
    except RendererBusy:
        raise
    except ProductError as error:
        await note_failure(database, tenant, event=event, language=language, kind=kind, error=error)
        return ""


def told(brand: Brand) -> dict[str, str]:
    """Return what a template may know of the brand."""
    return {
        "name": brand.name,
        "legal_name": brand.legal_name,
        "support_email": brand.support_email,
        "regulator_line": brand.regulator_line,
        "risk_warning": brand.risk_warning,
    }


async def _rendered(
    renderer: Renderer, source: str, offered: Mapping[str, Plain], kind: str, *, owner: str
) -> str:
    text = await renderer.render(source, offered, kind=kind, owner=owner)
    if not text:
        raise TemplateInvalid("It wrote nothing.")
    return text


async def note_failure(
    database: Database,
    tenant: TenantRef,
    *,
    event: str,
    language: str,
    kind: str,
    error: ProductError,
) -> None:
    """Write a failure where the operator (log) and the tenant (the template) will find it."""
    _log.warning("tenant_template_failed", tenant=tenant.slug, topic=event, error=error.code)
    if isinstance(error, RendererBusy):
        return  # ours, not the author's
    async with database.tenant(tenant) as session:
        live = await queries.template_for_update(
            session, event=event, language=language, kind=kind, state="live"
        )
        if live is not None:
            live.failure, live.failed_at = _why(error, kind), now()
            _record(session, "fail", live)


def _why(error: ProductError, kind: str) -> str:
    """Return the reason without anything that came from the values, which are personal."""
    line = f"Line {error.line}: " if isinstance(error, TemplateInvalid) and error.line else ""
    cost = isinstance(error, TemplateTooExpensive)
    reason = "it takes too much time or memory" if cost else "it can't be rendered"
    instead = {
        "sms": "no SMS was sent",
        "pdf_block": "the document was made without it",
        "landing": "visitors are shown what it said before",
    }.get(kind, "the built-in text was sent")
    return f"{line}{reason} with the values of a real message; {instead}."


async def _go_live(
    session: TenantSession,
    template: TenantTemplate,
    *,
    renderer: Renderer,
    action: str,
    values: Mapping[str, Plain] | None,
) -> TenantTemplate:
    tenant: TenantRef = session.info["tenant"]
    key = {"event": template.event, "language": template.language, "kind": template.kind}
    owner = str(tenant.id)
    await check(renderer, **key, source=template.source, owner=owner)
    if values is not None:
        offered = variables.offered(template.event, values)
        template.rendered = await _rendered(
            renderer, template.source, offered, template.kind, owner=owner
        )
    live = await queries.template_for_update(session, **key, state="live")
    if live is not None:
        live.state = "retired"
        await session.flush()  # the index allows one live version at any moment
    template.state, template.published_at = "live", now()
    template.failure, template.failed_at = "", None
    await session.flush()
    _record(session, action, template, before={"version": live.version if live else None})
    return template


def _record(
    session: TenantSession,
    action: str,
    template: TenantTemplate,
    before: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        f"messaging.template.{action}",
        subject=("tenant_template", template.id),
        before=before,
        after={
            "event": template.event,
            "language": template.language,
            "kind": template.kind,
            "version": template.version,
            "state": template.state,
        },
    )


def _refuse_unknown(declared: Event, use: Use, kind: str) -> None:
    names = [one.name for one in declared.variables]
    found = declared.variable(use.path)
    if found is None and not any(name.startswith(f"{use.path}.*") for name in names):
        near = difflib.get_close_matches(use.path, names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise TemplateInvalid(
            f"There is no variable {use.path}.{hint} There are: {', '.join(names)}.",
            line=use.line,
        )
    if found is not None and found.secret and kind not in {"html", "text"}:
        raise TemplateInvalid(
            f"{use.path} is a secret and can only stand in a mail.", line=use.line
        )


def _refuse_useless(declared: Event, uses: Sequence[Use]) -> None:
    used = {use.path for use in uses}
    for one in declared.variables:
        if one.required and one.name not in used:
            raise TemplateInvalid(
                f"Without {{{{ {one.name} }}}} this message is of no use. Put it in."
                f" ({one.meaning}.)"
            )
