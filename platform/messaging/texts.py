"""What each mail says: one function a template, from its context to a letter.

Sentences say what happened, what it means and what to do. Values come from the context by the
names given in each docstring; a missing one raises ContextMissing when the mail is queued, not
when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import ProductError

Context = Mapping[str, object]


class ContextMissing(ProductError):
    """A mail's template is unknown, or a value that it needs was not given."""

    code = "mail_context_missing"
    status = 500
    message = "This mail can't be written."


@dataclass(frozen=True)
class Letter:
    """A mail in words, before a brand dresses it."""

    subject: str
    heading: str
    paragraphs: list[str]
    action_label: str | None = None
    action_href: str | None = None
    facts: list[tuple[str, str]] | None = None
    footer: str | None = None
    values: dict[str, Any] | None = None  # what a tenant's own template is given instead
    html: str | None = None  # in place of the paragraphs: cleaned by the renderer
    text: str | None = None


_NOT_YOU = "If you did not ask for this, ignore this mail; nothing happens without your click."


def verify_email(brand: str, value: Callable[[str], str]) -> Letter:
    """Ask to confirm an address: name, link."""
    return Letter(
        subject=f"Confirm your e-mail address for {brand}",
        heading="Confirm your e-mail address",
        paragraphs=[
            f"Hello {value('name')},",
            (
                f"you registered with {brand}. Confirm your address to go on. The link works once,"
                " for 48 hours."
            ),
        ],
        action_label="Confirm address",
        action_href=value("link"),
        footer=_NOT_YOU,
    )


def invite_client(brand: str, value: Callable[[str], str]) -> Letter:
    """Invite a converted lead to set a password: name, link."""
    return Letter(
        subject=f"Your access to {brand}",
        heading="Set your password",
        paragraphs=[
            f"Hello {value('name')},",
            (
                f"{brand} has prepared your profile. Set a password to enter your Trader's Room,"
                " send your documents and open an account. The link works once, for 7 days."
            ),
        ],
        action_label="Set password",
        action_href=value("link"),
        footer=_NOT_YOU,
    )


def reset_password(brand: str, value: Callable[[str], str]) -> Letter:
    """Let somebody set a new password: name, link."""
    return Letter(
        subject=f"Set a new password for {brand}",
        heading="Set a new password",
        paragraphs=[
            f"Hello {value('name')},",
            (
                "you asked for a new password. The link works once, for one hour. Your old password"
                " stays valid until you set a new one."
            ),
        ],
        action_label="Set new password",
        action_href=value("link"),
        footer=_NOT_YOU,
    )


def account_opened(brand: str, value: Callable[[str], str]) -> Letter:
    """Hand over a trading account: name, login, server, password, investor_password."""
    return Letter(
        subject=f"Your trading account {value('login')} is open",
        heading=f"Account {value('login')} is open",
        paragraphs=[
            f"Hello {value('name')},",
            (
                "sign in to the trading terminal with these details, and change the password there"
                " at your first visit. The investor password only lets somebody look."
            ),
        ],
        facts=[
            ("Login", value("login")),
            ("Server", value("server")),
            ("Password", value("password")),
            ("Investor password", value("investor_password")),
        ],
        footer=f"{brand} never asks for your password, by mail or by telephone.",
    )


def kyc_approved(brand: str, value: Callable[[str], str]) -> Letter:
    """Say that the documents were accepted: name, link."""
    return Letter(
        subject=f"You are verified at {brand}",
        heading="You are verified",
        paragraphs=[
            f"Hello {value('name')},",
            (
                "we have checked your documents and accepted them. Your trading account opens by"
                " itself now; its login number comes in a second mail."
            ),
        ],
        action_label="Go to your Trader's Room",
        action_href=value("link"),
    )


def kyc_rejected(brand: str, value: Callable[[str], str]) -> Letter:
    """Say which document is needed again and why: name, reason, link."""
    return Letter(
        subject=f"{brand} needs a document again",
        heading="We need a document again",
        paragraphs=[
            f"Hello {value('name')},",
            "we looked at your documents and can't accept them yet:",
            value("reason"),
            "Send the document again. What was accepted stays accepted.",
        ],
        action_label="Send documents",
        action_href=value("link"),
    )


def deposit_received(brand: str, value: Callable[[str], str]) -> Letter:
    """Confirm money that arrived: name, amount, reference, target, link."""
    return Letter(
        subject=f"Deposit received: {value('amount')}",
        heading=f"{value('amount')} received",
        paragraphs=[
            f"Hello {value('name')},",
            f"your deposit has arrived and stands on {value('target')}.",
        ],
        facts=[("Amount", value("amount")), ("Reference", value("reference"))],
        action_label="See your funds",
        action_href=value("link"),
        footer=f"Keep the reference: {brand} finds the deposit by it.",
    )


def partner_welcome(brand: str, value: Callable[[str], str]) -> Letter:
    """Welcome an introducing broker: name, referral_link, link."""
    return Letter(
        subject=f"Your partnership with {brand}",
        heading="You are a partner now",
        paragraphs=[
            f"Hello {value('name')},",
            (
                f"your partnership with {brand} is active. Whoever comes through your referral link"
                " counts as your client; commissions appear in your portal with their arithmetic."
            ),
        ],
        facts=[("Referral link", value("referral_link"))],
        action_label="Open the partner portal",
        action_href=value("link"),
    )


_WRITERS: dict[str, Callable[[str, Callable[[str], str]], Letter]] = {
    writer.__name__: writer
    for writer in (
        *(verify_email, invite_client, reset_password, account_opened),
        *(kyc_approved, kyc_rejected, deposit_received, partner_welcome),
    )
}


def write(template: str, *, brand: str, context: Context) -> Letter:
    """Return the letter of a template for a brand's name; raise ContextMissing."""
    writer = _WRITERS.get(template)
    if writer is None:
        raise ContextMissing(f"There is no mail named {template}.")

    def value(name: str) -> str:
        if name not in context:
            raise ContextMissing(f"The mail {template} needs a value for {name}.")
        return " ".join(str(context[name]).split())

    return writer(brand, value)
