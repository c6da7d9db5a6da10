"""A look at a template before anybody gets it: rendered with examples, or sent to its author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from identity import audit
from kernel.crypto import Vault
from kernel.database import TenantSession
from messaging import mails, sections, starters, templates
from messaging.liquid import variables
from messaging.liquid.renderer import Renderer
from messaging.models import Message
from messaging.segments import Segments, segments
from themes.loader import render_mail
from themes.page import Brand

_MARK = "[Test] "


@dataclass(frozen=True)
class Look:
    """What a template gives with example values; `page` is a document for a frame of its own."""

    text: str
    page: str = ""
    segments: Segments | None = None


def example(event: str, *, language: str, brand: Brand) -> Mapping[str, variables.Plain]:
    """Return the examples of an event, with the brand's own values where it has some."""
    made = variables.example(event, language=language)
    shown = made["brand"]
    assert isinstance(shown, dict)
    own = {name: value for name, value in templates.told(brand).items() if value}
    return {**made, "brand": {**shown, **own}}


async def look(
    renderer: Renderer,
    *,
    event: str,
    language: str,
    kind: str,
    source: str,
    owner: str,
    brand: Brand,
    stylesheets: str = "",
) -> Look:
    """Return how a template reads; raises as templates.check.

    `stylesheets` is what the head of the public site links to.
    """
    await templates.check(
        renderer, event=event, language=language, kind=kind, source=source, owner=owner
    )
    values = example(event, language=language, brand=brand)
    if kind == sections.KIND:
        values = {**values, **sections.values(brand, language)}
    text = await renderer.render(source, values, kind=kind, owner=owner)
    if kind == "html":
        page, _ = render_mail(brand, heading="", paragraphs=[Markup(text)])  # noqa: S704 - cleaned
        return Look(text, page=page)
    if kind == "text":
        _, plain = render_mail(brand, heading="", paragraphs=[text])
        return Look(plain)
    if kind == "sms":
        return Look(text, segments=segments(text))
    if kind == sections.KIND:
        return Look(text, page=_page(text, brand, stylesheets))
    return Look(text)


def _page(html: str, brand: Brand, stylesheets: str) -> str:
    return (
        f'<!doctype html><html lang="{brand.language}" dir="{brand.direction}"'
        f' data-bs-theme="light"><head><meta charset="utf-8">{stylesheets}</head>'
        f'<body><section class="lsec lown wrap-">{html}</section></body></html>'
    )


async def send(
    session: TenantSession,
    *,
    event: str,
    language: str,
    kind: str,
    source: str,
    to: str,
    brand: Brand,
    owner: str,
    renderer: Renderer,
    vault: Vault,
) -> Message:
    """Queue a mail with examples to the author, marked as a test; raises as templates.check.

    The part that is being written comes from `source`, the others are what would be sent: the
    live ones, else the built-in ones. An SMS, a block or a section is shown in a mail.
    """
    values = example(event, language=language, brand=brand)
    parts = {"subject": "", "html": "", "text": ""}
    for part in parts:
        text = await _part(session, event=event, language=language, kind=part)
        if part == kind:
            text = source
        if text:
            parts[part] = await renderer.render(text, values, kind=part, owner=owner)
    if kind not in parts:
        seen = await look(
            renderer,
            event=event,
            language=language,
            kind=kind,
            source=source,
            owner=owner,
            brand=brand,
        )
        label = variables.event(event).label
        shown = Markup("<pre style='white-space:pre-wrap'>{}</pre>").format(seen.text)
        parts = {"subject": label, "html": str(shown), "text": seen.text}
        if kind == sections.KIND:
            parts["html"] = seen.text
    message = await mails.queue_written(
        session,
        to=to,
        template="template_test",
        subject=f"{_MARK}{parts['subject']}",
        html=parts["html"],
        text=parts["text"],
        vault=vault,
    )
    audit.record(
        session,
        "messaging.template.test",
        subject=("message", message.id),
        after={"event": event, "language": language, "kind": kind},
    )
    return message


async def _part(session: TenantSession, *, event: str, language: str, kind: str) -> str:
    if kind not in variables.event(event).kinds:
        return ""
    live = await templates.live_source(session, event=event, language=language, kind=kind)
    return live if live is not None else starters.source(event, language=language, kind=kind)
