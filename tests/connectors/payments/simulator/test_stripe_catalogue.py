"""Products, prices, disputes, payouts and faults through the provider's official SDK."""

from typing import Any

import httpx
import pytest
import stripe

from tests.connectors.payments.simulator.merchant import until
from tests.connectors.payments.simulator.test_simulator import CARD, Receiver, client, hook, post
from tests.fixtures.psp_simulator import PspSimulator


@pytest.fixture
def receiver() -> Any:
    """A webhook endpoint."""
    made = Receiver()
    yield made
    made.close()


def checkout(api: stripe.StripeClient, *lines: dict[str, Any]) -> Any:
    """Open a session over lines."""
    parameters: Any = {
        "mode": "payment", "line_items": list(lines), "success_url": "http://noor.localhost/ok",
    }  # fmt: skip
    return api.v1.checkout.sessions.create(parameters)


def test_a_session_is_paid_by_prices_of_products(counterpart: PspSimulator) -> None:
    """Amount and words come from the price; it may be switched off but not changed."""
    api = client(counterpart)
    product = api.v1.products.create({"name": "Platform fee"})
    price = api.v1.prices.create({"product": product.id, "currency": "eur", "unit_amount": 4900})
    opened = checkout(api, {"price": price.id, "quantity": 3})
    assert (opened.amount_total, opened.currency) == (14700, "eur")
    shown = httpx.get(opened.url).text
    assert "Platform fee" in shown
    assert "147.00 EUR" in shown
    assert post(opened.url, CARD)[0] == 303
    (line,) = api.v1.checkout.sessions.line_items.list(opened.id).data
    assert line.price is not None
    assert (line.price.id, line.description) == (price.id, "Platform fee")
    with pytest.raises(stripe.InvalidRequestError) as unchanging:
        changes: Any = {"unit_amount": 1}
        api.v1.prices.update(price.id, changes)
    assert unchanging.value.param == "unit_amount"
    assert api.v1.prices.update(price.id, {"active": False}).active is False
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        checkout(api, {"price": price.id, "quantity": 1})
    with pytest.raises(stripe.InvalidRequestError) as missing:
        checkout(api, {"price": "price_none", "quantity": 1})
    assert missing.value.param == "line_items[0][price]"


def test_prices_are_listed_by_product_and_a_recurring_one_is_no_payment(
    counterpart: PspSimulator,
) -> None:
    """A price can bring its product; a subscription's price does not fit mode payment."""
    api = client(counterpart)
    monthly = api.v1.prices.create(
        {
            "product_data": {"name": "Plan"},
            "currency": "usd",
            "unit_amount": 100,
            "recurring": {"interval": "month"},
        }
    )
    api.v1.prices.create({"product_data": {"name": "Other"}, "currency": "usd", "unit_amount": 1})
    found = api.v1.prices.list({"product": str(monthly.product)}).data
    assert [one.id for one in found] == [monthly.id]
    assert api.v1.products.retrieve(str(monthly.product)).name == "Plan"
    with pytest.raises(stripe.InvalidRequestError, match="one-time"):
        checkout(api, {"price": monthly.id, "quantity": 1})
    mixed = api.v1.prices.create(
        {"product_data": {"name": "Euro"}, "currency": "eur", "unit_amount": 900}
    )
    other = api.v1.prices.create(
        {"product_data": {"name": "Dollar"}, "currency": "usd", "unit_amount": 900}
    )
    with pytest.raises(stripe.InvalidRequestError, match="same currency"):
        checkout(api, {"price": mixed.id, "quantity": 1}, {"price": other.id, "quantity": 1})


@pytest.mark.parametrize(
    ("text", "status", "net"),
    [("winning_evidence", "won", 9680 - 1500), ("losing_evidence", "lost", -1820)],
)
def test_evidence_decides_a_dispute(
    counterpart: PspSimulator, receiver: Receiver, text: str, status: str, net: int
) -> None:
    """A won one brings the amount back and not the fee; both are told as closed."""
    api = client(counterpart)
    hook(api, receiver)
    intent: Any = api.v1.payment_intents.create(
        {
            "amount": 10000,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_createDispute",
        }
    )
    (dispute,) = api.v1.disputes.list({"charge": str(intent.latest_charge)}).data
    assert dispute.status == "needs_response"
    ended = api.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    assert ended.status == status
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.close(dispute.id)
    nets = [line.net for line in api.v1.balance_transactions.list().data]
    assert sum(nets) == net
    until(lambda: "charge.dispute.closed" in receiver.types())
    reinstated = "charge.dispute.funds_reinstated" in [
        event.type for event in api.v1.events.list({"limit": 50}).data
    ]
    assert reinstated == (status == "won")


def test_the_operator_disputes_any_paid_charge_and_the_merchant_may_accept(
    counterpart: PspSimulator,
) -> None:
    """Once at a time; accepting loses it."""
    api = client(counterpart)
    intent: Any = api.v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    )
    path = f"/_simulator/charges/{intent.latest_charge}"
    dispute = counterpart.operator("POST", f"{path}/dispute")
    assert api.v1.charges.retrieve(intent.latest_charge).disputed
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        api.v1.refunds.create({"charge": intent.latest_charge})
    assert api.v1.disputes.close(dispute["id"]).status == "lost"


def test_a_payout_leaves_the_balance_and_is_paid_later(
    counterpart: PspSimulator, receiver: Receiver
) -> None:
    """No more than there is; a pending one can be taken back."""
    counterpart.operator("POST", "/_simulator/webhooks", {"settle_seconds": 0.3})
    api = client(counterpart)
    hook(api, receiver)
    api.v1.payment_intents.create(
        {"amount": 10000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    )
    with pytest.raises(stripe.InvalidRequestError) as short:
        api.v1.payouts.create({"amount": 9681, "currency": "usd"})
    assert short.value.code == "balance_insufficient"
    options: Any = {"idempotency_key": "payout-1"}
    body: Any = {"amount": 9000, "currency": "usd"}
    payout = api.v1.payouts.create(body, options)
    assert api.v1.payouts.create(body, options).id == payout.id
    assert len(api.v1.payouts.list().data) == 1
    assert payout.status == "pending"
    until(lambda: "payout.paid" in receiver.types())
    assert api.v1.payouts.retrieve(payout.id).status == "paid"
    assert sum(line.net for line in api.v1.balance_transactions.list().data) == 680
    other = api.v1.payouts.create({"amount": 680, "currency": "usd"})
    assert api.v1.payouts.cancel(other.id).status == "canceled"
    assert sum(line.net for line in api.v1.balance_transactions.list().data) == 680


def test_a_forged_event_fails_the_check_and_comes_again_well_signed(
    counterpart: PspSimulator, receiver: Receiver
) -> None:
    """The receiver refuses the first one as our address would."""
    api = client(counterpart)
    endpoint = hook(api, receiver)
    counterpart.operator("POST", "/_simulator/webhooks", {"forge": 1, "retry_ms": 20})
    receiver.status = 400
    api.v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    until(lambda: len(receiver.got) >= 2)
    receiver.status = 200
    first, second = receiver.got[:2]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(first[0], first[1], endpoint.secret)
    assert stripe.Webhook.construct_event(second[0], second[1], endpoint.secret).type


@pytest.mark.parametrize("kind", ["drop", "error"])
def test_a_lost_answer_is_found_again_under_its_key(counterpart: PspSimulator, kind: str) -> None:
    """The work was done once; the same key gives the same object."""
    api = client(counterpart)
    counterpart.fault("stripe", kind, path="/v1/payment_intents")
    options: Any = {"idempotency_key": f"intent-{kind}"}
    body: Any = {"amount": 5000, "currency": "usd"}
    with pytest.raises(stripe.StripeError):
        api.v1.payment_intents.create(body, options)
    made = api.v1.payment_intents.create(body, options)
    assert [one.id for one in api.v1.payment_intents.list().data] == [made.id]
    with pytest.raises(stripe.IdempotencyError):
        other: Any = {**body, "amount": 5001}
        api.v1.payment_intents.create(other, options)
