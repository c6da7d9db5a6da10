"""What each mail says: one function a template, from its values to a letter, in any language.

Sentences say what happened, what it means and what to do. The English text is the key of the
catalogues; values stand in it by the names given in each docstring. A missing one raises
ContextMissing when the mail is queued, not when it is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kernel.errors import ProductError
from kernel.language import direction, gettext, marked, speaking
from kernel.money import Money
from themes import formats

Context = Mapping[str, object]
_ISOLATES = str.maketrans("", "", "\u2066\u2069")


class ContextMissing(ProductError):
    """A mail's template is unknown, or a value that it needs was not given."""

    code = "mail_context_missing"
    status = 500
    message = "This mail can't be written."


@dataclass(frozen=True)
class Words:
    """A value of a mail that is itself a text of the catalogues, with values in its places."""

    text: str
    values: Mapping[str, str] | None = None

    def said(self) -> str:
        """Return it in the language that is spoken now."""
        return gettext(self.text) % self.values if self.values else gettext(self.text)


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
    reason: str | None = None  # why the reader gets it, where they did not cause it


class Values(Mapping[str, str]):
    """The values of one mail as its sentences take them: one line of text each."""

    def __init__(self, template: str, values: Mapping[str, str]) -> None:
        """Remember whose they are, for the error."""
        self._template = template
        self._values = values

    def __getitem__(self, name: str) -> str:
        """Return a value; raise ContextMissing for one that was not given."""
        if name not in self._values:
            raise ContextMissing(f"The mail {self._template} needs a value for {name}.")
        return " ".join(self._values[name].split())

    def __iter__(self) -> Iterator[str]:
        """Name what there is."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count what there is."""
        return len(self._values)


_NOT_YOU = marked("If you did not ask for this, ignore this mail; nothing happens without you.")
_HELLO = marked("Hello %(name)s,")


def verify_email(v: Values) -> Letter:
    """Ask to confirm an address: name, link."""
    return Letter(
        subject=gettext("Confirm your e-mail address for %(brand)s") % v,
        heading=gettext("Confirm your e-mail address"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "You registered with %(brand)s. Confirm your address to go on. The link works"
                " once, for 48 hours."
            )
            % v,
        ],
        action_label=gettext("Confirm address"),
        action_href=v["link"],
        footer=gettext(_NOT_YOU),
    )


def invite_client(v: Values) -> Letter:
    """Invite a converted lead to set a password: name, link."""
    return Letter(
        subject=gettext("Your access to %(brand)s") % v,
        heading=gettext("Set your password"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "%(brand)s has prepared your profile. Set a password to enter your Trader's Room,"
                " send your documents and open an account. The link works once, for 7 days."
            )
            % v,
        ],
        action_label=gettext("Set password"),
        action_href=v["link"],
        footer=gettext(_NOT_YOU),
    )


def reset_password(v: Values) -> Letter:
    """Let somebody set a new password: name, link."""
    return Letter(
        subject=gettext("Set a new password for %(brand)s") % v,
        heading=gettext("Set a new password"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "You asked for a new password. The link works once, for one hour. Your old"
                " password stays valid until you set a new one."
            ),
        ],
        action_label=gettext("Set new password"),
        action_href=v["link"],
        footer=gettext(_NOT_YOU),
    )


def account_opened(v: Values) -> Letter:
    """Hand over a trading account: name, login, server, password, investor_password."""
    return Letter(
        subject=gettext("Your trading account %(login)s is open") % v,
        heading=gettext("Account %(login)s is open") % v,
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "Sign in to the trading terminal with these details, and change the password there"
                " at your first visit. The investor password only lets somebody look."
            ),
        ],
        facts=[
            (gettext("Login"), v["login"]),
            (gettext("Server"), v["server"]),
            (gettext("Password"), v["password"]),
            (gettext("Investor password"), v["investor_password"]),
        ],
        footer=gettext("%(brand)s never asks for your password, by mail or by telephone.") % v,
    )


def kyc_approved(v: Values) -> Letter:
    """Say that the documents were accepted: name, link."""
    return Letter(
        subject=gettext("You are verified at %(brand)s") % v,
        heading=gettext("You are verified"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "We have checked your documents and accepted them. Your trading account opens by"
                " itself now; its login number comes in a second mail."
            ),
        ],
        action_label=gettext("Go to your Trader's Room"),
        action_href=v["link"],
    )


def kyc_rejected(v: Values) -> Letter:
    """Say which document is needed again and why: name, reason, link."""
    return Letter(
        subject=gettext("%(brand)s needs a document again") % v,
        heading=gettext("We need a document again"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext("We looked at your documents and can't accept them yet:"),
            v["reason"],
            gettext("Send the document again. What was accepted stays accepted."),
        ],
        action_label=gettext("Send documents"),
        action_href=v["link"],
    )


def deposit_received(v: Values) -> Letter:
    """Confirm money that arrived: name, amount, reference, target, link."""
    return Letter(
        subject=gettext("Deposit received: %(amount)s") % v,
        heading=gettext("%(amount)s received") % v,
        paragraphs=[
            gettext(_HELLO) % v,
            gettext("Your deposit has arrived and stands on %(target)s.") % v,
        ],
        facts=[(gettext("Amount"), v["amount"]), (gettext("Reference"), v["reference"])],
        action_label=gettext("See your funds"),
        action_href=v["link"],
        footer=gettext("Keep the reference: %(brand)s finds the deposit by it.") % v,
    )


def withdrawal_code(v: Values) -> Letter:
    """Send the code of one withdrawal: name, code, amount, payee."""
    return Letter(
        subject=gettext("Your code for a withdrawal at %(brand)s") % v,
        heading=v["code"],
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "This code confirms one withdrawal, for exactly this amount and payee, within ten"
                " minutes. Nobody of ours will ever ask you for it."
            ),
        ],
        facts=[(gettext("Amount"), v["amount"]), (gettext("Payee"), v["payee"])],
        footer=gettext(
            "If you did not ask for this, change your password now: somebody else knows it."
        ),
    )


def withdrawal_paid(v: Values) -> Letter:
    """Say that a withdrawal is paid: name, amount, reference, link."""
    return Letter(
        subject=gettext("Withdrawal paid: %(amount)s") % v,
        heading=gettext("%(amount)s paid") % v,
        paragraphs=[
            gettext(_HELLO) % v,
            gettext("Your withdrawal is paid. Banks and cards take one to five working days."),
        ],
        facts=[(gettext("Amount"), v["amount"]), (gettext("Reference"), v["reference"])],
        action_label=gettext("See the withdrawal"),
        action_href=v["link"],
    )


def withdrawal_closed(v: Values) -> Letter:
    """Say that a withdrawal is not paid, and why: name, amount, reason, reference, link."""
    return Letter(
        subject=gettext("Withdrawal not paid: %(amount)s") % v,
        heading=gettext("Your withdrawal was not paid"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext("We could not pay it out. The money is yours again. The reason:"),
            v["reason"],
        ],
        facts=[(gettext("Amount"), v["amount"]), (gettext("Reference"), v["reference"])],
        action_label=gettext("See the withdrawal"),
        action_href=v["link"],
    )


def partner_welcome(v: Values) -> Letter:
    """Welcome an introducing broker: name, referral_link, link."""
    return Letter(
        subject=gettext("Your partnership with %(brand)s") % v,
        heading=gettext("You are a partner now"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "Your partnership with %(brand)s is active. Whoever comes through your referral"
                " link counts as your client; commissions appear in your portal with their"
                " arithmetic."
            )
            % v,
        ],
        facts=[(gettext("Referral link"), v["referral_link"])],
        action_label=gettext("Open the partner portal"),
        action_href=v["link"],
    )


def lead_welcome(v: Values) -> Letter:
    """Write to somebody who left their details and asked for news: name, link."""
    return Letter(
        subject=gettext("Welcome to %(brand)s") % v,
        heading=gettext("Good to meet you"),
        paragraphs=[
            gettext(_HELLO) % v,
            gettext(
                "Thank you for your interest in %(brand)s. Somebody of us calls you on a working"
                " day. If you would rather look around by yourself, open your Trader's Room now:"
                " it takes a few minutes, and you need no money for it."
            )
            % v,
        ],
        action_label=gettext("Open your Trader's Room"),
        action_href=v["link"],
        reason=gettext("You get this mail because you asked %(brand)s for news.") % v,
    )


def security_changed(v: Values) -> Letter:
    """Say that somebody signs in differently now, without a link to click: name, change."""
    return Letter(
        subject=gettext("How you sign in to %(brand)s has changed") % v,
        heading=gettext("How you sign in has changed"),
        paragraphs=[
            gettext(_HELLO) % v,
            v["change"],
            gettext(
                "If it was you, there is nothing to do. If it was not, sign in at once, end all"
                " other sessions on the page Security, change your password and tell us."
            ),
        ],
    )


def mail_test(v: Values) -> Letter:
    """Show whoever set up the mail server that it works: name, server."""
    return Letter(
        subject=f"Test mail from {v['brand']}",
        heading="Your mails arrive",
        paragraphs=[
            f"Hello {v['name']},",
            (
                f"This mail was sent through {v['server']}. Look at its headers to see whether"
                " SPF, DKIM and DMARC passed."
            ),
        ],
    )


_WRITERS: dict[str, Callable[[Values], Letter]] = {
    writer.__name__: writer
    for writer in (
        *(verify_email, invite_client, reset_password, account_opened),
        *(kyc_approved, kyc_rejected, deposit_received, partner_welcome),
        *(lead_welcome, mail_test, security_changed),
        *(withdrawal_code, withdrawal_paid, withdrawal_closed),
    )
}
TEMPLATES = tuple(_WRITERS)
# What the law or somebody's security needs; it goes to suppressed addresses as well.
_TRANSACTIONAL = frozenset({"verify_email", "reset_password", "mail_test", "security_changed"}) | {
    *("withdrawal_code", "withdrawal_paid", "withdrawal_closed")
}
_MARKETING = frozenset({"lead_welcome"})


def category(template: str) -> str:
    """Return what a mail is for: transactional, service or marketing."""
    if template in _TRANSACTIONAL:
        return "transactional"
    return "marketing" if template in _MARKETING else "service"


def told(context: Context, language: str) -> dict[str, str]:
    """Return the values of a mail as text in the reader's language.

    Money and days are written as the language writes them; a Words is said; of several values
    one line is made.
    """
    with speaking(language):
        return {name: _told(value, language) for name, value in context.items()}


def write(template: str, *, brand: str, context: Context, language: str = "en") -> Letter:
    """Return the letter of a template for a brand's name; raise ContextMissing."""
    writer = _WRITERS.get(template)
    if writer is None:
        raise ContextMissing(f"There is no mail named {template}.")
    values = Values(template, {**told(context, language), "brand": brand})
    with speaking(language):
        letter = writer(values)
    # Marks that keep figures in order have no place in a header.
    return replace(letter, subject=letter.subject.translate(_ISOLATES))


def _told(value: object, language: str) -> str:
    if isinstance(value, Words):
        return value.said()
    if isinstance(value, Money):
        return _ordered(formats.money_text(value), language)
    if isinstance(value, dt.date):
        return _ordered(formats.day_text(value), language)
    if isinstance(value, tuple):
        return " ".join(_told(one, language) for one in value)
    return str(value)


def _ordered(text: str, language: str) -> str:
    return formats.isolated(text) if direction(language) == "rtl" else text
