"""Signed is not correct: what a provider says, held against what we had asked for. Pure."""

from __future__ import annotations

from connectors.payments.engine.port import Notice, Order, Standing


def mismatches(said: Notice | Standing, order: Order, *, environment: str) -> tuple[str, ...]:
    """Return why a word about a payment is not simply believed, in words for staff.

    Empty when reference, amount and currency are what was ordered, and the provider's live or test
    flag is this account's. Whatever is in here makes a success wait for a person.
    """
    found = []
    if said.reference and said.reference != order.reference:
        found.append("The provider names another reference than ours.")
    session = said.session_ref if isinstance(said, Notice) else ""
    if session and order.session_ref and session != order.session_ref and not said.reference:
        found.append("The provider names another attempt than ours.")
    if isinstance(said, Notice) and not said.reference and not (session and order.session_ref):
        found.append("The provider names nothing of ours.")
    if said.amount is None:
        found.append("The provider named no amount that can be read exactly.")
    elif said.amount.currency != order.amount.currency:
        found.append(f"Paid in {said.amount.currency}, ordered in {order.amount.currency}.")
    elif said.amount != order.amount.rounded():
        found.append(f"Paid {said.amount}, ordered {order.amount}.")
    is_live = said.is_live if isinstance(said, Notice) else None
    if is_live is not None and is_live != (environment == "live"):
        found.append("A test's payment came to a live account, or the other way round.")
    if said.alarm:
        found.append(said.alarm)
    return tuple(found)
