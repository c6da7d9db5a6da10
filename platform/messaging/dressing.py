"""A letter becomes a mail: in the brand, in the reader's language, from the tenant's address."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formataddr
from functools import partial
from uuid import UUID

from markupsafe import Markup

from connectors.mail.port import Mail
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.language import direction
from messaging import templates, texts
from messaging.delivery import addresses, servers
from themes.loader import render_mail
from themes.page import Brand


def spoken(brand: Brand, language: str) -> Brand:
    """Return the brand as somebody reads it who speaks a language."""
    leftwards = direction(language) == "rtl"
    return replace(brand, language=language, direction="rtl" if leftwards else "ltr")


def sender_of(brand: Brand) -> str:
    """Return from which address a brand's mails come where the tenant set none."""
    return brand.support_email or f"noreply@{brand.slug}.example"


def dressed(
    letter: texts.Letter,
    own: templates.Written,
    brand: Brand,
    *,
    to: str,
    unsubscribe_href: str = "",
    logo: str = "",
) -> Mail:
    """Return a letter as a mail of the brand; `own` holds what the tenant wrote instead.

    `logo` is the address of the brand's picture, where the reader can fetch one.
    """
    render = partial(
        render_mail,
        brand,
        logo=logo,
        reason=letter.reason or "",
        unsubscribe_href=unsubscribe_href,
    )
    html, text = render(
        heading=letter.heading,
        paragraphs=letter.paragraphs,
        action_label=letter.action_label,
        action_href=letter.action_href,
        facts=letter.facts or (),
        footer=letter.footer,
    )
    if own.html is not None:  # cleaned by the renderer: the only HTML that is let through
        html, _ = render(heading="", paragraphs=[Markup(own.html)])  # noqa: S704
    if own.text is not None:
        _, text = render(heading="", paragraphs=[own.text])
    return Mail(
        sender=sender_of(brand),
        to=to,
        subject=own.subject if own.subject is not None else letter.subject,
        text=text,
        html=html,
        unsubscribe_url=unsubscribe_href,
    )


def addressed(
    mail: Mail,
    way: servers.Route,
    brand: Brand,
    *,
    tenant: TenantRef,
    message_id: UUID,
    vault: Vault,
) -> Mail:
    """Return the mail with who sends it, who is answered, and where it comes back to."""
    sender = way.sender_address or sender_of(brand)
    domain = addresses.domain_of(sender)
    return replace(
        mail,
        sender=formataddr((way.sender_name or brand.name, sender)),
        reply_to=way.reply_to,
        message_id=f"{message_id}@{domain}",
        envelope_sender=addresses.return_path(
            vault, tenant.id, message_id, way.bounce_domain or domain
        ),
    )
