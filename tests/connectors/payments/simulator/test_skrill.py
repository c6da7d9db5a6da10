"""The Skrill-like counterpart over plain HTTP; digests by the oracles."""

import hashlib
import re
import time
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.connectors.payments.simulator.merchant import Merchant, choose, until
from tests.fixtures.psp_simulator import PspSimulator
from tests.oracles import payment_digests as oracle


class Shop:
    """A Skrill merchant account."""

    def __init__(self, simulator: PspSimulator, endpoint: Merchant, **options: Any) -> None:
        self.simulator = simulator
        self.endpoint = endpoint
        self.account = simulator.open_merchant("skrill", options=options)
        self.known = self.account["credentials"]

    def prepare(self, reference: str, **more: str) -> httpx.Response:
        """Ask for a session id."""
        form = {
            "pay_to_email": self.known["pay_to_email"],
            "transaction_id": reference,
            "amount": "25.40",
            "currency": "GBP",
            "status_url": self.endpoint.url,
            "return_url": "http://noor.localhost/ok",
            "cancel_url": "http://noor.localhost/no",
            "prepare_only": "1",
            **more,
        }
        return httpx.post(self.simulator.url + "/", data=form)

    def page(self, reference: str, **more: str) -> str:
        """Open a payment and return the address of its page, as the redirect gives it."""
        sid = self.prepare(reference, **more).text
        assert re.fullmatch(r"[0-9a-f]{32}", sid)
        shown = httpx.get(f"{self.simulator.url}/?sid={sid}")
        assert shown.status_code == 302
        return self.simulator.url + shown.headers["location"]

    def app(self, name: str, **more: str) -> str:
        """Call an interface with the digest of the password; return the text."""
        password = hashlib.md5(self.known["api_password"].encode()).hexdigest()
        sent = {"email": self.known["pay_to_email"], "password": password, **more}
        return httpx.get(f"{self.simulator.url}/app/{name}.pl", params=sent).text

    def verified(self, fields: dict[str, str]) -> dict[str, str]:
        """Check md5sig over the values exactly as posted."""
        expected = oracle.skrill(
            self.known["secret_word"],
            before=(self.known["merchant_id"], fields["transaction_id"]),
            after=(fields["mb_amount"], fields["mb_currency"], fields["status"]),
        )
        assert fields["md5sig"] == expected
        return fields


@pytest.fixture
def shop(counterpart: PspSimulator, merchant: Merchant) -> Shop:
    """An account with an address that answers 200."""
    return Shop(counterpart, merchant)


def tag(text: str, name: str) -> str:
    """Return the content of an XML element."""
    found = re.search(rf"<{name}>(.*?)</{name}>", text)
    assert found, text
    return found[1]


def test_a_prepared_payment_is_paid_on_its_page_and_reported(shop: Shop) -> None:
    """The report is signed over the amount as posted, without trailing zeros."""
    page = shop.page("DEP-1", merchant_fields="deposit,extra", deposit="d-1", extra="x")
    paid = choose(page, "approve")
    assert paid.headers["location"] == "http://noor.localhost/ok"
    told = shop.verified(shop.endpoint.wait(1)[0].form)
    assert (told["status"], told["mb_amount"], told["mb_currency"]) == ("2", "25.4", "GBP")
    assert (told["transaction_id"], told["deposit"], told["extra"]) == ("DEP-1", "d-1", "x")
    assert "sha2sig" not in told
    code, _, words = (
        shop.app("query", action="status_trn", trn_id="DEP-1").partition("\n")[0].split("\t")
    )
    assert (code, words) == ("200", "OK")
    asked = shop.app("query", action="status_trn", mb_trn_id=told["mb_transaction_id"])
    assert shop.verified(dict(parse_qsl(asked.partition("\n")[2])))["status"] == "2"


def test_the_sha2_signature_comes_where_the_account_has_it(shop: Shop) -> None:
    """It covers the same text as md5sig."""
    shop.simulator.set_options(shop.account["id"], sha2=True)
    choose(shop.page("DEP-2"), "approve")
    told = shop.endpoint.wait(1)[0].form
    word = hashlib.md5(shop.known["secret_word"].encode()).hexdigest().upper()
    text = f"{shop.known['merchant_id']}DEP-2{word}25.4GBP2"
    assert told["sha2sig"] == hashlib.sha256(text.encode()).hexdigest().upper()


@pytest.mark.parametrize(
    ("verb", "statuses", "reason"),
    [("soft", ["-2"], "05"), ("hard", ["-2"], "03"), ("cancel", ["-1"], None)],
)
def test_failures_say_why_and_send_the_payer_to_the_cancel_page(
    shop: Shop, verb: str, statuses: list[str], reason: str | None
) -> None:
    """Nothing moves."""
    left = choose(shop.page(f"DEP-{verb}"), verb)
    assert left.headers["location"] == "http://noor.localhost/no"
    told = [shop.verified(got.form) for got in shop.endpoint.wait(1)]
    assert [one["status"] for one in told] == statuses
    assert told[0].get("failed_reason_code") == reason
    assert shop.simulator.moves(merchant=shop.account["id"]) == []


def test_a_pending_payment_is_processed_later_and_then_charged_back(shop: Shop) -> None:
    """Statuses 0, 2 and -3 come in order."""
    shop.simulator.operator("POST", "/_simulator/webhooks", {"settle_seconds": 0.2})
    choose(shop.page("DEP-3"), "late")
    shop.endpoint.wait(2)
    (payment,) = shop.simulator.payments(reference="DEP-3", merchant=shop.account["id"])
    shop.simulator.act(payment["id"], "chargeback")
    told = [shop.verified(got.form)["status"] for got in shop.endpoint.wait(3)]
    assert told == ["0", "2", "-3"]


def test_a_report_is_repeated_ten_times_at_most(shop: Shop) -> None:
    """Only HTTP 200 ends it: 204 and 500 do not."""
    shop.simulator.schedule("skrill", retry_ms=1)
    shop.endpoint.answer = lambda _: (204 if len(shop.endpoint.got) % 2 else 500, {}, b"")
    choose(shop.page("DEP-4"), "approve")

    def given_up() -> bool:
        return bool(shop.simulator.callbacks(protocol="skrill")[-1]["state"] == "failed")

    until(given_up)
    assert len({got.body for got in shop.endpoint.got}) == 1
    assert len(shop.endpoint.got) == 10
    shop.endpoint.answer = lambda _: (200, {}, b"")
    assert shop.app("query", action="repost", trn_id="DEP-4").startswith("200\t\tOK")
    shop.endpoint.wait(11)
    time.sleep(0.1)
    assert len(shop.endpoint.got) == 11
    shop.simulator.schedule("skrill", retry_ms=1000)


def test_a_transfer_has_two_steps_and_a_reference_is_paid_once(shop: Shop) -> None:
    """The same session and the same frn_trn_id are refused the second time."""
    order = {
        "amount": "1.20", "currency": "EUR", "bnf_email": "payee@example.com", "subject": "Payout",
        "note": "Payout", "frn_trn_id": "WDR-1",
    }  # fmt: skip
    sid = tag(shop.app("pay", action="prepare", **order), "sid")
    assert shop.simulator.moves(reference="WDR-1") == []
    done = shop.app("pay", action="transfer", sid=sid)
    assert (tag(done, "amount"), tag(done, "status"), tag(done, "status_msg")) == (
        "1.20", "2", "processed",
    )  # fmt: skip
    again = shop.app("pay", action="transfer", sid=sid)
    other = tag(shop.app("pay", action="prepare", **order), "sid")
    for text in (again, shop.app("pay", action="transfer", sid=other)):
        assert tag(text, "error_msg") == "ALREADY_EXECUTED"
    moves = shop.simulator.moves(reference="WDR-1", merchant=shop.account["id"])
    assert [(one["kind"], one["amount"]) for one in moves] == [("payout", "1.20")]
    assert "status=2" in shop.app("query", action="status_trn", trn_id="WDR-1")


def test_a_scheduled_transfer_can_be_returned(shop: Shop) -> None:
    """Status 1 waits for the beneficiary; -4 brings the money back."""
    order = {"amount": "5", "currency": "EUR", "subject": "s", "note": "n", "frn_trn_id": "WDR-2"}
    sid = tag(shop.app("pay", action="prepare", bnf_email="scheduled@example.com", **order), "sid")
    assert tag(shop.app("pay", action="transfer", sid=sid), "status") == "1"
    shop.simulator.act(sid, "complete")
    shop.simulator.act(sid, "return")
    assert "status=-4" in shop.app("query", action="status_trn", trn_id="WDR-2")
    assert [one["kind"] for one in shop.simulator.moves(reference="WDR-2")] == [
        "payout",
        "reversal",
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"password": "0" * 32}, "CANNOT_LOGIN"),
        ({"password": ""}, "LOGIN_INVALID"),
        ({"action": "steal"}, "INVALID_OR_MISSING_ACTION"),
        ({"amount": "1.234"}, "INVALID_AMOUNT"),
        ({"amount": ""}, "MISSING_AMOUNT"),
        ({"bnf_email": "nobody"}, "INVALID_BNF_EMAIL"),
    ],
)
def test_wrong_transfers_are_refused_with_the_guide_s_words(
    shop: Shop, more: dict[str, str], message: str
) -> None:
    """Nothing is prepared."""
    order = {
        "action": "prepare", "amount": "1.20", "currency": "EUR", "bnf_email": "p@example.com",
        "subject": "s", "note": "n", **more,
    }  # fmt: skip
    assert tag(shop.app("pay", **order), "error_msg") == message


def test_refunds_are_prepared_executed_and_reported(shop: Shop) -> None:
    """A part first, then no more than the rest."""
    choose(shop.page("DEP-5"), "approve")
    shop.endpoint.wait(1)
    part = {"action": "prepare", "transaction_id": "DEP-5", "amount": "10.40",
            "refund_status_url": shop.endpoint.url}  # fmt: skip
    done = shop.app("refund", action="refund", sid=tag(shop.app("refund", **part), "sid"))
    assert (tag(done, "mb_amount"), tag(done, "mb_currency"), tag(done, "status")) == (
        "10.40", "GBP", "2",
    )  # fmt: skip
    assert shop.verified(shop.endpoint.wait(2)[1].form)["mb_amount"] == "10.4"
    assert "error_msg" in shop.app(
        "refund", action="prepare", transaction_id="DEP-5", amount="15.01"
    )
    rest = shop.app("refund", action="prepare", transaction_id="DEP-5")
    assert tag(shop.app("refund", action="refund", sid=tag(rest, "sid")), "mb_amount") == "15.00"
    kinds = [(one["kind"], one["amount"]) for one in shop.simulator.moves(reference="DEP-5")]
    assert kinds == [("deposit", "25.40"), ("refund", "10.40"), ("refund", "15.00")]


def test_the_query_tells_its_errors_by_number(shop: Shop) -> None:
    """Codes 401 to 404 of the guide."""
    assert shop.app("query", action="status_trn", trn_id="none").startswith("403\t\tTransaction")
    assert shop.app("query", action="status_trn", password="x").startswith("401\t\tCannot login")
    assert shop.app("query", action="steal").startswith("402\t\tUnknown action")
    assert shop.app("query", action="status_trn").startswith("404\t\tMissing parameter")
    assert shop.prepare("DEP-6", currency="POUNDS").status_code == 400
    assert shop.prepare("DEP-6", amount="1.234").status_code == 400
    assert re.fullmatch("[0-9a-f]{32}", shop.prepare("D", amount="1.234", currency="KWD").text)
    assert shop.prepare("D", amount="1.5", currency="JPY").status_code == 400


def test_an_account_in_another_currency_is_told_its_own_amount(shop: Shop) -> None:
    """mb_amount is converted and rounded half up; amount stays what the payer sees."""
    shop.simulator.set_options(shop.account["id"], account_currency="EUR", rate="1.1733")
    choose(shop.page("DEP-7"), "approve")
    told = shop.verified(shop.endpoint.wait(1)[0].form)
    assert (told["mb_amount"], told["mb_currency"]) == ("29.8", "EUR")
    assert (told["amount"], told["currency"]) == ("25.4", "GBP")
