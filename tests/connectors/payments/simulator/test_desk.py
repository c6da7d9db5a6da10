"""What the counterparts share: faults, schedules, the record, the page, a power cut."""

import time

import httpx
import pytest

from tests.connectors.payments.simulator.merchant import Merchant, choose, until
from tests.connectors.payments.simulator.test_skrill import Shop, tag
from tests.fixtures.psp_simulator import PspSimulator

ORDER = {"amount": "1.20", "currency": "EUR", "bnf_email": "p@example.com", "subject": "s",
         "note": "n"}  # fmt: skip


@pytest.fixture
def shop(counterpart: PspSimulator, merchant: Merchant) -> Shop:
    """A Skrill account."""
    return Shop(counterpart, merchant)


@pytest.mark.parametrize(("kind", "paid"), [("drop", 1), ("error", 1), ("late", 1),
                                            ("drop_before", 0), ("error_before", 0)])  # fmt: skip
def test_a_fault_loses_the_answer_and_the_record_says_whether_money_moved(
    shop: Shop, kind: str, paid: int
) -> None:
    """It hits the path that was asked for, once."""
    reference = f"WDR-{kind}"
    prepared = shop.app("pay", action="prepare", frn_trn_id=reference, **ORDER)
    shop.simulator.fault("skrill", kind, path="pay.pl", milliseconds=300)
    begun = time.time()
    try:
        text = shop.app("pay", action="transfer", sid=tag(prepared, "sid"))
    except httpx.RemoteProtocolError:
        text = "lost"
    taken = time.time() - begun
    assert ("lost" in text) == kind.startswith("drop")
    assert ("Internal" in text) == kind.startswith("error")
    assert kind != "late" or taken >= 0.3
    assert len(shop.simulator.moves(reference=reference)) == paid
    assert shop.simulator.operator("GET", "/_simulator/faults") == {"faults": []}
    assert shop.simulator.calls(protocol="skrill")[-1]["fault"] == kind
    expected = "ALREADY_EXECUTED" if paid else "processed"
    assert expected in shop.app("pay", action="transfer", sid=tag(prepared, "sid"))


def test_a_seed_repeats_delays_and_doubles(shop: Shop) -> None:
    """The due times of two runs with one seed are alike, and of another seed they are not."""

    def delays(seed: int) -> list[float]:
        shop.simulator.schedule("skrill", seed=seed, delay_ms=[0, 60_000], hold=True)
        for number in range(4):
            choose(shop.page(f"DEP-{number}"), "approve")
        held = [
            one for one in shop.simulator.callbacks(protocol="skrill") if one["state"] == "held"
        ]
        found = [one["due_at"] for one in held[-4:]]
        (*made,) = (
            shop.simulator.payments(reference=f"DEP-{number}", merchant=shop.account["id"])[-1]
            for number in range(4)
        )
        paid = [payment["history"][-1]["at"] for payment in made]
        return [round(due - at, 1) for due, at in zip(found, paid, strict=True)]

    first, again, other = delays(7), delays(7), delays(8)
    assert first == pytest.approx(again, abs=0.2)
    assert first != pytest.approx(other, abs=0.2)
    shop.simulator.schedule("skrill", seed=0, delay_ms=[0, 0])
    count = sum(one["state"] == "held" for one in shop.simulator.callbacks(protocol="skrill"))
    assert shop.simulator.release("skrill") == count == 12
    shop.endpoint.wait(12)


def test_callbacks_overtake_each_other(shop: Shop) -> None:
    """Each comes twice, and not in the order in which they were made."""
    shop.simulator.schedule("skrill", seed=3, duplicate=2, hold=True)
    for number in range(5):
        choose(shop.page(f"DEP-{number}"), "approve")
    shop.simulator.schedule("skrill", delay_ms=[0, 400])
    assert shop.simulator.release("skrill") == 10
    found = [got.form["transaction_id"] for got in shop.endpoint.wait(10)]
    shop.simulator.schedule("skrill", seed=0, delay_ms=[0, 0], duplicate=1)
    assert sorted(found) == sorted(2 * [f"DEP-{number}" for number in range(5)])
    assert found != sorted(found)


def test_the_operator_s_token_guards_the_controls(shop: Shop) -> None:
    """Payers and merchants reach none of them."""
    for method, path in (("GET", "payments"), ("POST", "merchants"), ("POST", "faults")):
        url = f"{shop.simulator.url}/_simulator/{path}"
        assert httpx.request(method, url, json={}).status_code == 401


def test_wrong_orders_of_the_operator_are_told(shop: Shop) -> None:
    """Nothing is switched."""
    for path, body in (
        ("faults", {"protocol": "skrill", "kind": "burn"}),
        ("faults", {"protocol": "nobody", "kind": "drop"}),
        ("callbacks", {"protocol": "skrill", "delay_ms": [5, 1]}),
        ("callbacks", {"protocol": "skrill", "colour": 1}),
        ("merchants", {"protocol": "nobody"}),
    ):
        url = f"{shop.simulator.url}/_simulator/{path}"
        token = {"X-Operator-Token": "operator-token-of-tests"}
        assert httpx.post(url, json=body, headers=token).status_code == 400


def test_the_page_says_what_is_paid_and_what_is_wrong_beside_its_field(
    counterpart: PspSimulator,
) -> None:
    """What was typed stays; another host is never asked."""
    account = counterpart.open_merchant("crypto", name="Noor <b> Markets")
    headers = {"x-api-key": account["credentials"]["api_key"]}
    body = {
        "price_amount": 1250,
        "price_currency": "usd",
        "pay_currency": "btc",
        "order_id": "D<1>",
    }
    made = httpx.post(f"{counterpart.url}/v1/payment", json=body, headers=headers).json()
    page = f"{counterpart.url}/hosted/{made['payment_id']}"
    shown = httpx.get(page)
    assert "1,250.00 USD" in shown.text
    assert "Noor &lt;b&gt; Markets" in shown.text
    assert "D&lt;1&gt;" in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    wrong = httpx.post(page, data={"verb": "part", "amount": "much"})
    assert wrong.status_code == 422
    assert 'aria-describedby="amount-wrong amount-hint"' in wrong.text
    assert 'value="much"' in wrong.text
    assert 'value="part" checked' in wrong.text
    assert httpx.post(page, data={"verb": "steal"}).status_code == 422
    assert httpx.get(f"{counterpart.url}/hosted/none").status_code == 404
    assert httpx.put(page).status_code == 405


def test_a_power_cut_loses_no_payment_and_no_callback(merchant: Merchant) -> None:
    """What was refused before kill -9 comes after the restart, on the same port."""
    simulator = PspSimulator()
    try:
        shop = Shop(simulator, merchant)
        merchant.answer = lambda _: (500, {}, b"")
        choose(shop.page("DEP-1"), "approve")
        merchant.wait(1)
        until(lambda: simulator.callbacks(protocol="skrill")[0]["attempts"])
        simulator.kill()
        merchant.answer = lambda _: (200, {}, b"")
        simulator.start(port=int(simulator.url.rpartition(":")[2]))
        until(lambda: simulator.callbacks(protocol="skrill")[0]["state"] == "done")
        assert len(simulator.moves(reference="DEP-1")) == 1
        assert "status=2" in shop.app("query", action="status_trn", trn_id="DEP-1")
    finally:
        simulator.stop()
