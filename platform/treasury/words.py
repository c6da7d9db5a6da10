"""A provider's words in rows and back, and held against what was ordered. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from connectors.payments.engine.matching import mismatches
from connectors.payments.engine.port import Addresses, Notice, Order, Payer, Standing, Step
from kernel.money import Money
from treasury.models import Deposit, WebhookEvent
from treasury.rules import Fact


def columns_of(notice: Notice) -> dict[str, Any]:
    """Return a notice as the columns of an event, cut to their widths."""
    return {
        "event_id": notice.event_id[:120],
        "state": notice.state,
        "claims": notice.claims,
        "status": notice.status[:80],
        "session_ref": notice.session_ref[:200],
        "provider_reference": notice.provider_ref[:120],
        "reference": notice.reference[:40],
        **_money("amount", "currency", notice.amount),
        **_money("settled_amount", "settled_currency", notice.settled),
        **_money("fee", "fee_currency", notice.fee),
        "must_ask": notice.must_ask,
        "is_live": notice.is_live,
        "follow_up": notice.follow_up[:40],
        "alarm": notice.alarm[:200],
        "error": notice.error[:200],
    }


def _money(amount: str, currency: str, money: Money | None) -> dict[str, Any]:
    if money is None:
        return {amount: None, currency: None}
    return {amount: money.amount, currency: money.currency}


def _read(amount: Decimal | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(amount, currency)


def notice_of(event: WebhookEvent) -> Notice:
    """Return a stored event as the notice that it was."""
    return Notice(
        event_id=event.event_id,
        state=event.state,  # type: ignore[arg-type]
        claims=event.claims or event.state,  # type: ignore[arg-type]
        status=event.status,
        reference=event.reference,
        session_ref=event.session_ref,
        provider_ref=event.provider_reference,
        amount=_read(event.amount, event.currency),
        settled=_read(event.settled_amount, event.settled_currency),
        fee=_read(event.fee, event.fee_currency),
        must_ask=event.must_ask,
        is_live=event.is_live,
        follow_up=event.follow_up,
        alarm=event.alarm,
        error=event.error,
    )


def fact_of(deposit: Deposit, said: Notice | Standing, *, environment: str) -> Fact:
    """Hold what a provider says about a deposit against what was ordered of it."""
    order = Order(
        reference=deposit.reference,
        amount=deposit.ordered,
        payer=Payer(public_id=""),
        addresses=Addresses("", "", ""),
        idempotency_key="",
        session_ref=deposit.session_ref or "",
    )
    problems = list(mismatches(said, order, environment=environment))
    if (wrong := _settled_otherwise(said)) and said.amount == order.amount:
        problems.append(wrong)
    return Fact(
        state=said.state,
        provider_reference=said.provider_ref,
        amount=said.amount,
        fee=said.fee,
        settled=said.settled,
        session_ref=said.session_ref if isinstance(said, Notice) else "",
        problems=tuple(problems),
        alarm=said.alarm,
        error=said.error,
    )


def _settled_otherwise(said: Notice | Standing) -> str:
    """Return why what was settled is not what was paid: other than by the fee, in one currency."""
    if said.settled is None or said.amount is None:
        return ""
    if said.settled.currency != said.amount.currency or said.settled == said.amount:
        return ""
    is_known = said.fee is not None and said.fee.currency == said.amount.currency
    if is_known and said.fee is not None and said.settled + said.fee == said.amount:
        return ""
    return f"Settled {said.settled} of {said.amount}."


def kept(step: Step) -> dict[str, Any]:
    """Return what a payer is shown as a column keeps it."""
    found: dict[str, Any] = msgspec.to_builtins(step)
    return found


def step_of(column: dict[str, Any] | None) -> Step | None:
    """Return what a payer was shown, from its column."""
    return None if column is None else msgspec.convert(column, Step)
