"""The Praxis-like counterpart over plain HTTP; digests by the oracles."""

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.connectors.payments.simulator.merchant import Got, Merchant, choose, until
from tests.fixtures.psp_simulator import PspSimulator
from tests.oracles import payment_digests as oracle

HEADER = "Gt-Authentication"


class Shop:
    """A Praxis merchant account and its signed calls."""

    def __init__(self, simulator: PspSimulator, **options: Any) -> None:
        self.simulator = simulator
        self.account = simulator.open_merchant("praxis", options=options)
        self.known = self.account["credentials"]
        self.secret = self.known["merchant_secret"]
        self.endpoint = Merchant(self.signed_answer())

    def signed_answer(self, status: int = 0) -> Callable[[Got], tuple[int, dict[str, str], bytes]]:
        """Answer a notification as the page asks: signed JSON with a status."""

        def answer(got: Got) -> tuple[int, dict[str, str], bytes]:
            body = {"status": status, "description": "ok", "timestamp": int(time.time())}
            signature = oracle.praxis(self.secret, status, body["timestamp"])
            return 200, {HEADER: signature}, json.dumps(body).encode()

        return answer

    def call(self, path: str, signed: tuple[str, ...], **body: Any) -> httpx.Response:
        """Send a signed request."""
        whole = {
            "merchant_id": self.known["merchant_id"],
            "application_key": self.known["application_key"],
            "timestamp": int(time.time()),
            "version": "1.3",
            **body,
        }
        values = [
            whole.get(name) for name in ("merchant_id", "application_key", "timestamp", *signed)
        ]
        headers = {HEADER: oracle.praxis(self.secret, *values)}
        return httpx.post(self.simulator.url + path, json=whole, headers=headers)

    def session(self, order: str, **more: Any) -> dict[str, Any]:
        """Open a session of the cashier and return the reply."""
        body = {
            "intent": "payment", "currency": "USD", "amount": 5000, "cid": "c-1", "locale": "en-GB",
            "notification_url": self.endpoint.url, "return_url": "http://noor.localhost/back",
            "order_id": order, **more,
        }  # fmt: skip
        reply: dict[str, Any] = self.call(
            "/cashier/cashier", ("intent", "cid", "order_id"), **body
        ).json()
        return reply

    def find(self, order: str) -> dict[str, Any]:
        """Ask what became of an order; the reply's signature is checked."""
        reply = self.call("/agent/find-order", ("order_id",), order_id=order)
        told: dict[str, Any] = json.loads(reply.content, parse_float=Decimal)
        made = told.get("transaction") or {}
        values = [told["status"], told["timestamp"]]
        values += [made.get(name) for name in ("tid", "transaction_status", "processed_currency",
                                               "processed_amount")]  # fmt: skip
        assert reply.headers[HEADER] == oracle.praxis(self.secret, *values)
        return told

    def verified(self, got: Got) -> dict[str, Any]:
        """Check a notification's signature and return it with exact numbers."""
        told: dict[str, Any] = json.loads(got.body, parse_float=Decimal)
        assert got.headers[HEADER.lower()] == self.signature(told)
        return told

    def signature(self, told: dict[str, Any]) -> str:
        """Return the signature that a notification must carry."""
        made = told["transaction"] or {}
        return oracle.praxis(
            self.secret,
            told["merchant_id"], told["application_key"], told["timestamp"],
            told["customer"]["customer_token"], told["session"]["order_id"], made.get("tid"),
            made.get("currency"), made.get("amount"), made.get("conversion_rate"),
            made.get("processed_currency"), made.get("processed_amount"),
        )  # fmt: skip


@pytest.fixture
def shop(counterpart: PspSimulator) -> Iterator[Shop]:
    """An account with an address that answers well."""
    made = Shop(counterpart)
    yield made
    made.endpoint.close()


def test_a_session_is_paid_on_its_page_and_told_by_a_signed_notification(shop: Shop) -> None:
    """Amounts are minor, the rate keeps its six decimals, our answer ends the repeating."""
    opened = shop.session("DEP-1")
    assert opened["status"] == 0
    assert opened["session"]["session_status"] == "open"

    paid = choose(opened["redirect_url"], "approve")

    assert (paid.status_code, paid.headers["location"]) == (303, "http://noor.localhost/back")
    (got,) = shop.endpoint.wait(1)
    assert b'"conversion_rate": 1.000000' in got.body
    made = shop.verified(got)["transaction"]
    assert (made["transaction_type"], made["transaction_status"]) == ("sale", "approved")
    assert (made["amount"], made["processed_amount"]) == (5000, 5000)
    assert shop.find("DEP-1")["transaction"]["tid"] == made["tid"]
    (move,) = shop.simulator.moves(merchant=shop.account["id"])
    assert (move["kind"], move["amount"], move["currency"]) == ("deposit", "50.00", "USD")
    until(lambda: shop.simulator.callbacks(protocol="praxis")[-1]["state"] == "done")


@pytest.mark.parametrize(
    ("currency", "minor", "whole"), [("JPY", 5000, "5000"), ("KWD", 1234, "1.234")]
)
def test_minor_units_follow_the_currency(shop: Shop, currency: str, minor: int, whole: str) -> None:
    """A yen has no decimals and a dinar three."""
    opened = shop.session("DEP-C", currency=currency, amount=minor)
    choose(opened["redirect_url"], "approve")
    (move,) = shop.simulator.moves(merchant=shop.account["id"])
    assert (move["amount"], move["currency"]) == (whole, currency)
    assert shop.verified(shop.endpoint.wait(1)[0])["transaction"]["amount"] == minor


def test_a_soft_decline_leaves_the_session_open_and_a_hard_one_ends_it(shop: Shop) -> None:
    """Each attempt is a transaction of its own; find-order tells the one that is not rejected."""
    page = shop.session("DEP-2")["redirect_url"]
    assert choose(page, "soft").status_code == 200
    assert shop.find("DEP-2")["transaction"]["transaction_status"] == "rejected"
    paid = choose(page, "part", "30.00")
    assert paid.status_code == 303
    assert shop.find("DEP-2")["transaction"]["amount"] == 3000
    first, second = (shop.verified(got)["transaction"] for got in shop.endpoint.wait(2))
    assert (first["transaction_status"], first["status_details"]) == (
        "rejected",
        "Insufficient funds",
    )
    assert second["tid"] > first["tid"]
    hard = shop.session("DEP-3")["redirect_url"]
    assert choose(hard, "hard").status_code == 303
    assert "finished" in httpx.get(hard).text


def test_wrong_signatures_old_timestamps_and_unknown_orders_are_refused(shop: Shop) -> None:
    """Each refusal is told by a positive status; a missing signature is HTTP 400."""
    good = {"order_id": "DEP-4"}
    url = shop.simulator.url + "/agent/find-order"
    body = {"merchant_id": shop.known["merchant_id"], "timestamp": int(time.time()), **good}
    assert httpx.post(url, json=body).status_code == 400
    wrong = shop.call("/agent/find-order", ("version",), **good).json()
    old = shop.call(
        "/agent/find-order", ("order_id",), timestamp=int(time.time()) - 90, **good
    ).json()
    unknown = shop.call("/agent/find-order", ("order_id",), **good).json()
    assert [one["status"] for one in (wrong, old, unknown)] == [1, 1, 1]
    assert unknown["description"] == "Order not found"
    assert shop.session("DEP-5", amount="50.00")["status"] == 1


def test_a_notification_comes_again_until_the_answer_is_signed(shop: Shop) -> None:
    """An unsigned OK, a -1 and a wrong signature do not end it."""
    shop.simulator.schedule("praxis", retry_ms=20)
    bad = [
        (200, {}, b"OK"),
        (200, {}, b'{"status": 0, "timestamp": 1}'),
        shop.signed_answer(-1)(Got(b"", {}, 0)),
        (500, {}, b""),
    ]
    good = shop.signed_answer()
    shop.endpoint.answer = lambda got: bad.pop(0) if bad else good(got)
    choose(shop.session("DEP-6")["redirect_url"], "approve")
    bodies = shop.endpoint.wait(5)
    assert [shop.verified(got)["transaction"]["tid"] for got in bodies].count(
        shop.verified(bodies[0])["transaction"]["tid"]
    ) == 5
    time.sleep(0.3)
    assert len(shop.endpoint.got) == 5


def test_a_payout_is_requested_on_the_page_and_paid_once(shop: Shop) -> None:
    """The withdrawal session tells requested and approved; the money moves once."""
    opened = shop.session("WDR-1", intent="withdrawal")
    choose(opened["redirect_url"], "request")
    told = [
        shop.verified(got)["transaction"]["transaction_status"] for got in shop.endpoint.wait(2)
    ]
    assert told == ["requested", "approved"]
    made = shop.find("WDR-1")["transaction"]
    assert (made["transaction_type"], made["transaction_status"]) == ("payout", "approved")
    moves = shop.simulator.moves(reference="WDR-1", merchant=shop.account["id"])
    assert [(one["kind"], one["amount"]) for one in moves] == [("payout", "50.00")]


def test_a_payout_waits_for_the_merchant_where_the_account_says_so(shop: Shop) -> None:
    """complete-withdrawal-request pays it, and only once."""
    shop.simulator.set_options(shop.account["id"], payouts="manual")
    opened = shop.session("WDR-2", intent="withdrawal")
    choose(opened["redirect_url"], "request")
    tid = shop.find("WDR-2")["transaction"]["tid"]
    body = {"intent": "complete-withdrawal-request", "withdrawal_request_id": tid, "gateway": "x"}
    signed = ("intent", "withdrawal_request_id")
    path = "/agent/manage-withdrawal-request"
    assert shop.call(path, signed, **body).json()["transaction"]["transaction_status"] == "approved"
    assert shop.call(path, signed, **body).json()["status"] == 1
    assert len(shop.simulator.moves(reference="WDR-2", merchant=shop.account["id"])) == 1


def test_refunds_never_exceed_the_deposit_and_a_chargeback_takes_it_back(shop: Shop) -> None:
    """Both are told; the second refund of more than what is left is refused."""
    choose(shop.session("DEP-7")["redirect_url"], "approve")
    tid = shop.find("DEP-7")["transaction"]["tid"]
    signed = ("transaction_type", "cid", "order_id", "currency", "amount")

    def refund(amount: int) -> dict[str, Any]:
        reply: dict[str, Any] = shop.call(
            "/direct/refund", signed, transaction_type="refund", currency="USD", amount=amount,
            cid="c-1", order_id=f"REF-{amount}", reference_id=tid,
        ).json()  # fmt: skip
        return reply

    assert refund(2000)["transaction"]["transaction_status"] == "approved"
    assert refund(3001)["status"] == 1
    choose(shop.session("DEP-8")["redirect_url"], "approve")
    (payment,) = shop.simulator.payments(reference="DEP-8", merchant=shop.account["id"])
    shop.simulator.act(payment["id"], "chargeback")
    assert shop.find("DEP-8")["transaction"]["transaction_status"] == "chargeback"
    kinds = [one["kind"] for one in shop.simulator.moves(merchant=shop.account["id"])]
    assert sorted(kinds) == ["chargeback", "deposit", "deposit", "refund"]


def test_an_expired_session_is_told_without_a_transaction(shop: Shop) -> None:
    """Null values are left out of the signature."""
    shop.session("DEP-9")
    (payment,) = shop.simulator.payments(reference="DEP-9", merchant=shop.account["id"])
    shop.simulator.act(payment["id"], "expire")
    told = shop.verified(shop.endpoint.wait(1)[0])
    assert told["transaction"] is None
    assert told["session"]["session_status"] == "expired"


def test_a_forged_notification_fails_the_check(shop: Shop) -> None:
    """The next one after it is signed well again."""
    shop.simulator.schedule("praxis", forge=1)
    choose(shop.session("DEP-10")["redirect_url"], "approve")
    choose(shop.session("DEP-11")["redirect_url"], "approve")
    signatures = {
        json.loads(got.body)["session"]["order_id"]: (
            got.headers[HEADER.lower()] == shop.signature(json.loads(got.body, parse_float=Decimal))
        )
        for got in shop.endpoint.wait(2)
    }
    assert signatures == {"DEP-10": False, "DEP-11": True}
