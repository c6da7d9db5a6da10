"""The NOWPayments-like counterpart over plain HTTP; digests by the oracles."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.connectors.payments.simulator.merchant import Got, Merchant, choose, until
from tests.fixtures.psp_simulator import PspSimulator
from tests.oracles import payment_digests as oracle


class Shop:
    """A NOWPayments account."""

    def __init__(self, simulator: PspSimulator, endpoint: Merchant) -> None:
        self.simulator = simulator
        self.endpoint = endpoint
        self.account = simulator.open_merchant("crypto")
        self.known = self.account["credentials"]

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> httpx.Response:
        """Send a request with the API key."""
        headers = {"x-api-key": self.known["api_key"]}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self.simulator.url}/v1/{path}"
        return httpx.request(method, url, json=body, headers=headers)

    def pay(self, order: str, **more: Any) -> dict[str, Any]:
        """Create a payment over 50 US dollars in tether."""
        body = {
            "price_amount": 50, "price_currency": "usd", "pay_currency": "usdttrc20",
            "ipn_callback_url": self.endpoint.url, "order_id": order, **more,
        }  # fmt: skip
        made = self.call("POST", "payment", body)
        assert made.status_code == 201, made.text
        reply: dict[str, Any] = json.loads(made.content, parse_float=Decimal)
        return reply

    def page(self, payment: dict[str, Any]) -> str:
        """Return the address of a payment's page."""
        return f"{self.simulator.url}/hosted/{payment['payment_id']}"

    def verified(self, got: Got) -> dict[str, Any]:
        """Check an IPN's signature and return it with exact numbers."""
        signature = oracle.nowpayments(self.known["ipn_secret"], got.body)
        assert got.headers["x-nowpayments-sig"] == signature
        told: dict[str, Any] = json.loads(got.body, parse_float=Decimal)
        return told

    def statuses(self, count: int) -> list[str]:
        """Wait for IPNs and return their statuses."""
        return [self.verified(got)["payment_status"] for got in self.endpoint.wait(count)]


@pytest.fixture
def shop(counterpart: PspSimulator, merchant: Merchant) -> Shop:
    """An account with an address that answers 200."""
    return Shop(counterpart, merchant)


STAGES = ["confirming", "confirmed", "sending"]


def test_a_whole_payment_is_confirmed_step_by_step(shop: Shop) -> None:
    """Numbers are written as JavaScript writes them: 50, not 50.0."""
    made = shop.pay("DEP-1")
    assert (made["payment_status"], made["pay_amount"]) == ("waiting", 50)
    assert choose(shop.page(made), "send").status_code == 200
    assert shop.statuses(4) == [*STAGES, "finished"]
    raw = shop.endpoint.got[-1].body
    assert b'"price_amount":50,' in raw
    told = shop.verified(shop.endpoint.got[-1])
    assert (told["actually_paid"], told["outcome_amount"], told["fee"]["depositFee"]) == (
        50, Decimal("49.75"), Decimal("0.25"),
    )  # fmt: skip
    asked = shop.call("GET", f"payment/{made['payment_id']}").json()
    assert (asked["payment_status"], asked["order_id"]) == ("finished", "DEP-1")


def test_small_amounts_use_an_exponent_and_eight_decimals_are_exact(shop: Shop) -> None:
    """The signature covers `6e-8` as JavaScript writes it."""
    made = shop.pay("DEP-2", price_amount=0.003, pay_currency="btc")
    choose(shop.page(made), "send")
    shop.statuses(4)
    assert b'"pay_amount":6e-8' in shop.endpoint.got[-1].body
    (move,) = shop.simulator.moves(reference="DEP-2")
    assert (Decimal(move["amount"]), move["currency"]) == (Decimal("0.00000006"), "btc")


def test_a_part_is_partially_paid_and_the_rest_is_a_payment_of_its_own(shop: Shop) -> None:
    """The second transfer names its parent; both moved once."""
    made = shop.pay("DEP-3")
    choose(shop.page(made), "part", "30")
    assert shop.statuses(4) == [*STAGES, "partially_paid"]
    choose(shop.page(made), "part", "12.5")
    shop.statuses(8)
    rest = shop.verified(shop.endpoint.got[-1])
    assert (rest["payment_status"], rest["parent_payment_id"]) == (
        "finished", int(made["payment_id"]),
    )  # fmt: skip
    assert (rest["actually_paid"], rest["order_id"]) == (Decimal("12.5"), "DEP-3")
    amounts = [one["amount"] for one in shop.simulator.moves(reference="DEP-3")]
    assert amounts == ["30", "12.5"]


def test_transfers_that_come_together_count_together(shop: Shop) -> None:
    """Two parts before the last confirmation make a whole payment."""
    shop.simulator.set_options(shop.account["id"], confirm_seconds=0.3)
    made = shop.pay("DEP-4")
    choose(shop.page(made), "part", "30")
    choose(shop.page(made), "part", "20")
    assert shop.statuses(4) == [*STAGES, "finished"]
    assert shop.verified(shop.endpoint.got[-1])["actually_paid"] == 50


def test_more_than_asked_is_finished_with_what_came(shop: Shop) -> None:
    """An over-payment shows in actually_paid only."""
    made = shop.pay("DEP-5")
    choose(shop.page(made), "part", "75.000001")
    shop.statuses(4)
    told = shop.verified(shop.endpoint.got[-1])
    assert (told["payment_status"], told["pay_amount"]) == ("finished", 50)
    assert told["actually_paid"] == Decimal("75.000001")
    assert choose(shop.page(made), "part", "0.0000001").status_code == 409


def test_coins_can_come_after_the_end(shop: Shop) -> None:
    """Expired first, then paid late."""
    made = shop.pay("DEP-6")
    shop.simulator.act(made["payment_id"], "expire")
    choose(shop.page(made), "send")
    assert shop.statuses(5) == ["expired", *STAGES, "finished"]


def test_an_invoice_has_a_page_and_its_price_is_text(shop: Shop) -> None:
    """As the provider's: the page takes the coin that the merchant or the default names."""
    body = {
        "price_amount": 50, "price_currency": "usd", "order_id": "DEP-7",
        "ipn_callback_url": shop.endpoint.url, "success_url": "http://noor.localhost/ok",
    }  # fmt: skip
    made = shop.call("POST", "invoice", body).json()
    assert made["price_amount"] == "50"
    choose(made["invoice_url"], "send")
    shop.statuses(4)
    assert shop.verified(shop.endpoint.got[-1])["invoice_id"] == int(made["id"])


def test_a_payout_asks_for_a_token_and_is_sent_once(shop: Shop) -> None:
    """Its IPNs walk through the stages; amounts are text there."""
    wanted = {"address": "T1", "currency": "usdttrc20", "amount": 50.5,
              "ipn_callback_url": shop.endpoint.url, "unique_external_id": "WDR-1"}  # fmt: skip
    assert shop.call("POST", "payout", {"withdrawals": [wanted]}).status_code == 401
    token = shop.call(
        "POST", "auth", {"email": shop.known["email"], "password": shop.known["password"]}
    ).json()["token"]
    made = shop.call("POST", "payout", {"withdrawals": [wanted]}, token).json()
    told = [shop.verified(got) for got in shop.endpoint.wait(4)]
    assert [one["status"] for one in told] == ["CREATING", "PROCESSING", "SENDING", "FINISHED"]
    assert told[-1]["amount"] == "50.5"
    asked = shop.call("GET", f"payout/{made['id']}").json()["withdrawals"][0]
    assert (asked["status"], asked["unique_external_id"]) == ("FINISHED", "WDR-1")
    moves = shop.simulator.moves(reference="WDR-1", merchant=shop.account["id"])
    assert [(one["kind"], one["amount"]) for one in moves] == [("payout", "50.5")]


def test_a_payout_waits_for_its_code_where_the_account_asks_for_one(shop: Shop) -> None:
    """Nothing moves before /verify."""
    shop.simulator.set_options(shop.account["id"], payout_2fa=True)
    login = {"email": shop.known["email"], "password": shop.known["password"]}
    token = shop.call("POST", "auth", login).json()["token"]
    body = {"withdrawals": [{"address": "T1", "currency": "trx", "amount": 5,
                             "unique_external_id": "WDR-2"}]}  # fmt: skip
    batch = shop.call("POST", "payout", body, token).json()["id"]
    code = {"verification_code": "12345"}
    assert shop.call("POST", f"payout/{batch}/verify", code, token).status_code == 400
    assert shop.simulator.moves(reference="WDR-2") == []
    code = {"verification_code": "123456"}
    assert shop.call("POST", f"payout/{batch}/verify", code, token).text == "OK"
    until(lambda: len(shop.simulator.moves(reference="WDR-2")) == 1)


def test_strangers_and_wrong_requests_are_refused(shop: Shop) -> None:
    """In the provider's shape."""
    url = shop.simulator.url + "/v1/payment"
    stranger = httpx.post(url, json={}, headers={"x-api-key": "nobody"})
    assert (stranger.status_code, stranger.json()["code"]) == (403, "INVALID_API_KEY")
    body = {"price_amount": 0, "price_currency": "usd", "pay_currency": "btc"}
    assert shop.call("POST", "payment", body).status_code == 400
    assert shop.call("GET", "payment/1").status_code == 404
    other = Shop(shop.simulator, shop.endpoint)
    assert other.call("GET", f"payment/{shop.pay('D')['payment_id']}").status_code == 404
    assert shop.call("GET", "status").json() == {"message": "OK"}


def test_a_forged_ipn_fails_the_check(shop: Shop) -> None:
    """Only the next one is forged."""
    shop.simulator.schedule("crypto", forge=1)
    choose(shop.page(shop.pay("DEP-8")), "send")
    got = shop.endpoint.wait(4)
    good = [
        one.headers["x-nowpayments-sig"] == oracle.nowpayments(shop.known["ipn_secret"], one.body)
        for one in got
    ]
    assert good == [False, True, True, True]
