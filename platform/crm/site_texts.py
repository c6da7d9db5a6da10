"""The words of the public site, in the language of the request."""

from __future__ import annotations

from kernel.language import gettext


def words(*, brand: str) -> dict[str, str]:
    """Return the site's words, with the brand's name in its places."""
    return {
        "headline": gettext("Trade with %s") % brand,
        "sub": gettext("Open an account online, or leave your number and talk to a person first."),
        "first_name": gettext("First name"),
        "last_name": gettext("Last name"),
        "email": gettext("E-mail"),
        "phone": gettext("Phone"),
        "phone_help": gettext("With country code, as +971 50 123 4567"),
        "country": gettext("Country"),
        "news": gettext("Send me news by mail. I can stop them with one click."),
        "embed_title": gettext("Talk to us"),
        "embed_submit": gettext("Ask for a call"),
        "thanks": gettext("We have your details"),
        "thanks_text": gettext(
            "Somebody from %s calls you on a working day. You can open an account now."
        )
        % brand,
        "platform": gettext("Trading platform"),
        "leverage": gettext("Leverage up to"),
        "minimum": gettext("First deposit from"),
        "account_leverage": gettext("Leverage"),
        "account_currency": gettext("Currency"),
    }
