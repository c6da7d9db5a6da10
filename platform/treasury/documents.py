"""The receipt of a deposit: what was paid, when it arrived and where it is."""

from __future__ import annotations

from kernel.errors import ProductError
from kernel.language import gettext, marked
from themes.documents import Document
from themes.formats import datetime_text, isolated, money_text
from themes.page import Brand
from treasury.queries import DepositRow

RECEIPTED = ("settled", "credited")
"""States of a deposit whose money has arrived, so that there is a receipt of it."""


class NothingReceived(ProductError):
    """A deposit whose money has not arrived has no receipt."""

    code = "nothing_received"
    status = 409
    message = marked("There is a receipt as soon as the money has arrived.")


def receipt(row: DepositRow, brand: Brand) -> Document:
    """Return the receipt of a deposit in the language of this request.

    Raises NothingReceived before the money has arrived.
    """
    if row.state not in RECEIPTED or row.settled_at is None:
        raise NothingReceived
    target = gettext("Wallet")
    if row.account_login is not None:
        target = gettext("Account %s") % isolated(str(row.account_login))
    facts = [
        (gettext("Reference"), isolated(row.reference)),
        (gettext("Started"), isolated(datetime_text(row.created_at))),
        (gettext("Received"), isolated(datetime_text(row.settled_at))),
        (gettext("Method"), row.connection),
        (gettext("To"), target),
    ]
    if row.credited_at is not None:
        facts.append((gettext("On the account"), isolated(datetime_text(row.credited_at))))
    fee = isolated(money_text(row.charge)) if row.charge else gettext("None")
    facts.append((gettext("Fee"), fee))
    received = row.settled or row.amount
    if received != row.amount:
        facts.append((gettext("Asked for"), isolated(money_text(row.amount))))
    return Document(
        kind="deposit_receipt",
        title=gettext("Deposit receipt"),
        subtitle=isolated(row.reference),
        addressee=(row.client_name, isolated(row.client_reference)),
        amount=(gettext("Amount received"), isolated(money_text(received))),
        facts=tuple(facts),
        small_print=(brand.risk_warning,) if brand.risk_warning else (),
    )


def told(row: DepositRow, *, name: str) -> dict[str, str]:
    """Return what the brokerage's own block on a receipt may say of the deposit."""
    amount = row.settled or row.amount
    return {"name": name, "amount": money_text(amount), "reference": row.reference}
