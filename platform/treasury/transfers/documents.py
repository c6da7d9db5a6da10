"""The receipt of a transfer: what left, what arrived, at which rate and where."""

from __future__ import annotations

from kernel.errors import ProductError
from kernel.language import gettext, marked
from themes.documents import Document
from themes.formats import datetime_text, isolated, money_text, number_text
from themes.page import Brand
from treasury.transfers import recipients
from treasury.transfers.queries import TransferRow


class NothingMoved(ProductError):
    """A transfer that has not arrived has no receipt."""

    code = "nothing_moved"
    status = 409
    message = marked("There is a receipt as soon as the money has arrived.")


def receipt(row: TransferRow, brand: Brand, *, addressee: tuple[str, str]) -> Document:
    """Return the receipt of a transfer in the language of this request.

    `addressee` is the name and number of whoever takes it along. Raises NothingMoved before the
    money has arrived.
    """
    if row.state != "done" or row.finished_at is None:
        raise NothingMoved
    target = _place(row.target_login)
    if row.target_client_id is not None:
        target = recipients.masked(row.target_name)
    facts = [
        (gettext("Reference"), isolated(row.reference)),
        (gettext("Started"), isolated(datetime_text(row.created_at))),
        (gettext("Arrived"), isolated(datetime_text(row.finished_at))),
        (gettext("From"), _place(row.source_login)),
        (gettext("To"), target),
        (gettext("Sent"), isolated(money_text(row.amount))),
    ]
    if row.rate is not None:
        rate = f"1 {row.amount.currency} = {number_text(row.rate, 6)} {row.arrived.currency}"
        facts.append((gettext("Rate"), isolated(rate)))
    facts.append((gettext("Fee"), gettext("None")))
    return Document(
        kind="transfer_receipt",
        title=gettext("Transfer receipt"),
        subtitle=isolated(row.reference),
        addressee=addressee,
        amount=(gettext("Amount that arrived"), isolated(money_text(row.arrived))),
        facts=tuple(facts),
        small_print=(brand.risk_warning,) if brand.risk_warning else (),
    )


def _place(login: int | None) -> str:
    if login is None:
        return gettext("Wallet")
    return gettext("Account %s") % isolated(str(login))
