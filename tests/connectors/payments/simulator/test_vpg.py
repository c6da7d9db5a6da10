"""The white-label checkout counterpart over plain HTTP; digests by the oracles."""

import hashlib
import time
from typing import Any

import httpx
import pytest

from tests.connectors.payments.simulator.merchant import Got, Merchant, choose, until
from tests.fixtures.psp_simulator import PspSimulator
from tests.oracles import payment_digests as oracle


def md5(text: str) -> str:
    """Return lower-hex MD5."""
    return hashlib.md5(text.encode()).hexdigest()


class Shop:
    """A merchant account of the dialect; its callback address stands in the account."""

    def __init__(self, simulator: PspSimulator, endpoint: Merchant) -> None:
        self.simulator = simulator
        self.endpoint = endpoint
        options = {"notification_url": endpoint.url}
        self.account = simulator.open_merchant("vpg", options=options)
        self.known = self.account["credentials"]
        self.secret = self.known["merchant_pass"]

    def call(self, path: str, *hashed: str, **body: Any) -> httpx.Response:
        """Send a hashed JSON request."""
        whole = {"merchant_key": self.known["merchant_key"], **body}
        whole.setdefault("hash", oracle.vpg(self.secret, *hashed))
        return httpx.post(self.simulator.url + path, json=whole)

    def session(
        self, number: str, amount: str = "50.00", currency: str = "USD", **more: Any
    ) -> httpx.Response:
        """Open a session."""
        order = {"number": number, "amount": amount, "currency": currency,
                 "description": f"Deposit {number}"}  # fmt: skip
        return self.call(
            "/api/v1/session", number, amount, currency, order["description"],
            operation="purchase", methods=["card"], order=order, **{
                "success_url": "http://noor.localhost/ok", "cancel_url": "http://noor.localhost/no",
                "customer": {"name": "Ada Test", "email": "ada@example.com"}, **more,
            },
        )  # fmt: skip

    def page(self, number: str, *args: str) -> str:
        """Open a session and return its page."""
        address: str = self.session(number, *args).json()["redirect_url"]
        return address

    def status(self, number: str) -> dict[str, Any]:
        """Ask for the status of an order."""
        reply: dict[str, Any] = self.call("/api/v1/payment/status", number, order_id=number).json()
        return reply

    def verified(self, got: Got) -> dict[str, str]:
        """Check a checkout callback's hash."""
        told = got.form
        names = ("id", "order_number", "order_amount", "order_currency", "order_description")
        assert told["hash"] == oracle.vpg(self.secret, *(told[name] for name in names))
        return told

    def credit(self, order: str, **more: str) -> dict[str, Any]:
        """Ask for a payout to a virtual account."""
        form = {
            "action": "CREDIT2VIRTUAL", "client_key": self.known["merchant_key"],
            "brand": "vcard", "order_id": order, "order_amount": "30.00",
            "order_currency": "USD", "order_description": "Payout", **more,
        }  # fmt: skip
        text = (form["order_id"] + form["order_amount"] + form["order_currency"])[::-1].upper()
        form.setdefault("hash", md5(text + self.secret))
        reply: dict[str, Any] = httpx.post(self.simulator.url + "/post", data=form).json()
        return reply


@pytest.fixture
def shop(counterpart: PspSimulator, merchant: Merchant) -> Shop:
    """An account with an address that answers OK."""
    return Shop(counterpart, merchant)


def test_a_session_is_paid_on_its_page_and_told_by_a_hashed_callback(shop: Shop) -> None:
    """The nested hash covers the order as it was sent."""
    paid = choose(shop.page("DEP-1"), "approve")
    assert paid.headers["location"] == "http://noor.localhost/ok"
    told = shop.verified(shop.endpoint.wait(1)[0])
    assert (told["type"], told["status"], told["order_status"]) == ("sale", "success", "settled")
    assert (told["order_amount"], told["customer_email"]) == ("50.00", "ada@example.com")
    asked = shop.status("DEP-1")
    assert (asked["status"], asked["payment_id"]) == ("settled", told["id"])
    assert asked["order"]["amount"] == "50.00"


def test_three_d_secure_succeeds_before_the_payment_is_paid(shop: Shop) -> None:
    """The first callback is a success of type 3ds and pays nothing."""
    choose(shop.page("DEP-2"), "secure")
    told = [shop.verified(got) for got in shop.endpoint.wait(2)]
    by_type = {one["type"]: (one["status"], one["order_status"]) for one in told}
    assert by_type == {"3ds": ("success", "3ds"), "sale": ("success", "settled")}


def test_declines_say_why_and_pending_settles_later(shop: Shop) -> None:
    """A decline goes to the cancel page."""
    left = choose(shop.page("DEP-3"), "hard")
    assert left.headers["location"] == "http://noor.localhost/no"
    told = shop.verified(shop.endpoint.wait(1)[0])
    assert (told["status"], told["order_status"], told["reason"]) == (
        "fail", "decline", "The card is reported stolen.",
    )  # fmt: skip
    shop.simulator.operator("POST", "/_simulator/webhooks", {"settle_seconds": 0.2})
    choose(shop.page("DEP-4"), "late")
    told = shop.verified(shop.endpoint.wait(3)[-1])
    assert told["order_status"] == "settled"
    assert shop.verified(shop.endpoint.got[1])["status"] == "waiting"


@pytest.mark.parametrize(
    ("currency", "good", "bad"),
    [("USD", "50.00", "50"), ("JPY", "5000.00", "5000"), ("KWD", "1.234", "1.23"),
     ("ISK", "5000", "5000.00")],
)  # fmt: skip
def test_amounts_are_written_as_the_currency_wants_it(
    shop: Shop, currency: str, good: str, bad: str
) -> None:
    """Four currencies without decimals want two zeros, the others none."""
    refused = shop.session("DEP-C", bad, currency)
    assert refused.status_code == 400
    assert "format" in refused.json()["errors"][0]["error_message"]
    choose(shop.page("DEP-C", good, currency), "approve")
    assert shop.verified(shop.endpoint.wait(1)[0])["order_amount"] == good


def test_wrong_hashes_are_refused_everywhere(shop: Shop) -> None:
    """In the words of the page."""
    refused = shop.session("DEP-5", hash="0" * 40)
    assert refused.json()["errors"][0]["error_message"] == "hash: Hash is not valid."
    choose(shop.page("DEP-5"), "approve")
    payment = shop.status("DEP-5")["payment_id"]
    for path, body in (
        ("/api/v1/payment/status", {"order_id": "DEP-5"}),
        ("/api/v1/payment/refund", {"payment_id": payment, "amount": "1.00"}),
    ):
        assert shop.call(path, "other", **body).status_code == 400
    assert shop.credit("WDR-0", hash="0" * 32)["result"] == "ERROR"
    assert shop.simulator.moves(reference="WDR-0") == []


def test_refunds_keep_the_payment_settled_until_all_is_back(shop: Shop) -> None:
    """The account is told each time."""
    choose(shop.page("DEP-6"), "approve")
    payment = shop.status("DEP-6")["payment_id"]

    def refund(amount: str) -> httpx.Response:
        path = "/api/v1/payment/refund"
        return shop.call(path, payment, amount, payment_id=payment, amount=amount)

    assert refund("20.00").json() == {"payment_id": payment, "result": "accepted"}
    assert shop.status("DEP-6")["status"] == "settled"
    assert refund("30.01").status_code == 400
    refund("30.00")
    assert shop.status("DEP-6")["status"] == "refund"
    told = [shop.verified(got)["type"] for got in shop.endpoint.wait(3)]
    assert sorted(told) == ["refund", "refund", "sale"]


def test_a_chargeback_is_told(shop: Shop) -> None:
    """Only a settled payment has one."""
    choose(shop.page("DEP-7"), "approve")
    payment = shop.status("DEP-7")["payment_id"]
    shop.simulator.act(payment, "chargeback")
    told = shop.verified(shop.endpoint.wait(2)[-1])
    assert (told["type"], told["order_status"]) == ("chargeback", "chargeback")
    kinds = [one["kind"] for one in shop.simulator.moves(reference="DEP-7")]
    assert kinds == ["deposit", "chargeback"]


def test_a_callback_is_repeated_until_the_text_ok(shop: Shop) -> None:
    """HTTP 200 alone does not end it."""
    shop.simulator.schedule("vpg", retry_ms=10)
    answers = [b"", b"ERROR", b"ok then"]
    shop.endpoint.answer = lambda _: (200, {}, answers.pop(0) if answers else b"OK")
    choose(shop.page("DEP-8"), "approve")
    shop.endpoint.wait(4)
    time.sleep(0.2)
    assert len(shop.endpoint.got) == 4


def test_payouts_answer_settled_declined_or_undefined(shop: Shop) -> None:
    """The callback of a payout has a hash of its own."""
    done = shop.credit("WDR-1")
    assert (done["result"], done["status"], done["amount"]) == ("SUCCESS", "SETTLED", "30.00")
    told = shop.endpoint.wait(1)[0].form
    text = (told["trans_id"] + told["order_id"] + told["status"])[::-1].upper()
    assert told["hash"] == md5(text + shop.secret)
    shop.simulator.set_options(shop.account["id"], payouts="declined")
    assert shop.credit("WDR-2")["status"] == "DECLINED"
    shop.simulator.set_options(shop.account["id"], payouts="undefined")
    undefined = shop.credit("WDR-3")
    assert (undefined["result"], undefined["status"]) == ("UNDEFINED", "PREPARE")
    until(lambda: shop.status("WDR-3")["status"] == "settled")
    asked = httpx.post(
        shop.simulator.url + "/post",
        data={
            "action": "GET_TRANS_STATUS",
            "client_key": shop.known["merchant_key"],
            "trans_id": undefined["trans_id"],
            "hash": md5(undefined["trans_id"][::-1].upper() + shop.secret),
        },
    ).json()
    assert asked["status"] == "SETTLED"
    moves = [one["reference"] for one in shop.simulator.moves(merchant=shop.account["id"])]
    assert moves == ["WDR-1", "WDR-3"]


def test_a_payout_to_a_card_comes_as_a_multipart_form(shop: Shop) -> None:
    """Formulas 5 and 6 of the card page cover six and four digits of its number."""
    number = "4601541833776519"
    digits = (number[:6] + number[-4:])[::-1]
    form = {
        "action": "CREDIT2CARD", "client_key": shop.known["merchant_key"], "order_id": "WDR-4",
        "order_amount": "30.00", "order_currency": "USD", "order_description": "Payout",
        "card_number": number, "hash": md5((shop.secret + digits).upper()),
    }  # fmt: skip
    parts = {name: (None, text) for name, text in form.items()}
    done = httpx.post(shop.simulator.url + "/post", files=parts).json()
    assert (done["action"], done["status"]) == ("CREDIT2CARD", "SETTLED")
    told = shop.endpoint.wait(1)[0].form
    assert told["hash"] == md5((shop.secret + told["trans_id"] + digits).upper())
    (payment,) = shop.simulator.payments(reference="WDR-4", merchant=shop.account["id"])
    assert number not in str(payment)
