"""The engine against counterparts written from the providers' pages: whole circles of payments.

Neither side has seen the other; what each provider's file says is proved against somebody else's
reading of the same documentation.
"""

from collections.abc import Iterator

import httpx
import pytest

from connectors.payments.engine.failures import CallbackRefused
from connectors.payments.port import PaymentRefused, PaymentUnknown
from tests.connectors.payments.counterparts.circle import Circle
from tests.connectors.payments.simulator.merchant import Merchant, choose, until
from tests.fixtures.psp_simulator import PspSimulator

PRAXIS = {name: name for name in ("merchant_id", "application_key", "merchant_secret")}
SKRILL = {name: name for name in ("pay_to_email", "secret_word", "api_password")}
VPG = {"merchant_key": "merchant_key", "password": "merchant_pass"}
CRYPTO = {"api_key": "api_key", "ipn_secret": "ipn_secret"}
EXPONENTS = [("USD", "50.00"), ("JPY", "5000"), ("KWD", "1.234")]


@pytest.fixture(scope="module")
def simulator() -> Iterator[PspSimulator]:
    """One simulator for all circles."""
    made = PspSimulator()
    made.operator("POST", "/_simulator/webhooks", {"settle_seconds": 0.2})
    yield made
    made.stop()


@pytest.fixture
def endpoint() -> Iterator[Merchant]:
    """Our address for callbacks."""
    made = Merchant()
    yield made
    made.close()


def _done(simulator: PspSimulator, protocol: str) -> None:
    """Wait until the provider takes our answer to its last callback."""
    until(lambda: simulator.callbacks(protocol=protocol)[-1]["state"] == "done")


@pytest.mark.parametrize(("currency", "amount"), EXPONENTS)
async def test_praxis_deposits(
    simulator: PspSimulator, endpoint: Merchant, currency: str, amount: str
) -> None:
    """Session, notification, our signed answer, find-order."""
    circle = Circle(simulator, endpoint, "praxis", "praxis", PRAXIS)
    circle.answer_as_we_do()
    order = circle.order("DEP-1", amount, currency)
    step = await circle.gateway.deposit(order)
    before = await circle.gateway.query(order)
    assert (before.state, before.alarm) == ("pending", "")
    choose(step.url, "approve")
    (notice,) = await circle.notices(1)
    assert (notice.claims, notice.must_ask, notice.amount) == ("succeeded", True, order.amount)
    standing = await circle.gateway.query(order)
    assert (standing.state, standing.settled) == ("succeeded", order.amount)
    assert standing.provider_ref == notice.provider_ref
    _done(simulator, "praxis")
    assert circle.moved("DEP-1") == [("deposit", amount, currency)]


async def test_praxis_declines_payouts_and_chargebacks(
    simulator: PspSimulator, endpoint: Merchant
) -> None:
    """A payout in the cashier is paid once; a decline and a chargeback are seen by the query."""
    circle = Circle(simulator, endpoint, "praxis", "praxis", PRAXIS)
    circle.answer_as_we_do()
    order = circle.order("DEP-1", "50.00", "USD")
    page = (await circle.gateway.deposit(order)).url
    choose(page, "soft")
    assert (await circle.gateway.query(order)).state == "failed"
    choose(page, "approve")
    assert (await circle.gateway.query(order)).state == "succeeded"
    payout = circle.order("WDR-1", "30.00", "USD")
    choose((await circle.gateway.open_withdrawal(payout)).url, "request")
    claims = [one.claims for one in await circle.notices(4)]
    assert claims == ["failed", "succeeded", "pending", "succeeded"]
    assert (await circle.gateway.query(payout)).state == "succeeded"
    assert circle.moved("WDR-1") == [("payout", "30.00", "USD")]
    simulator.act(circle.payment("DEP-1")["id"], "chargeback")
    assert (await circle.notices(5))[-1].claims == "chargeback"
    assert (await circle.gateway.query(order)).state == "chargeback"


@pytest.mark.parametrize(("currency", "amount"), EXPONENTS)
async def test_skrill_deposits(
    simulator: PspSimulator, endpoint: Merchant, currency: str, amount: str
) -> None:
    """The page opens at the counterpart, md5sig is accepted, the query tells the same."""
    circle = Circle(simulator, endpoint, "skrill", "skrill", SKRILL)
    circle.answer_as_we_do()
    order = circle.order("DEP-1", amount, currency)
    step = await circle.gateway.deposit(order)
    with pytest.raises(PaymentUnknown):
        await circle.gateway.query(order)
    opened = httpx.get(step.url)
    choose(simulator.url + opened.headers["location"], "approve")
    (notice,) = await circle.notices(1)
    assert (notice.state, notice.amount, notice.must_ask) == ("succeeded", order.amount, False)
    standing = await circle.gateway.query(order)
    assert (standing.state, standing.amount) == ("succeeded", order.amount)
    _done(simulator, "skrill")
    simulator.act(circle.payment("DEP-1")["id"], "chargeback")
    assert (await circle.notices(2))[-1].state == "chargeback"
    assert (await circle.gateway.query(order)).state == "chargeback"


@pytest.mark.parametrize(
    ("verb", "states"), [("soft", ["failed"]), ("cancel", ["cancelled"]),
                         ("late", ["pending", "succeeded"])]
)  # fmt: skip
async def test_skrill_failures_and_late_payments(
    simulator: PspSimulator, endpoint: Merchant, verb: str, states: list[str]
) -> None:
    """Each status of the guide has its state."""
    circle = Circle(simulator, endpoint, "skrill", "skrill", SKRILL)
    step = await circle.gateway.deposit(circle.order("DEP-1", "10.00", "EUR"))
    choose(simulator.url + httpx.get(step.url).headers["location"], verb)
    assert [one.state for one in await circle.notices(len(states))] == states


@pytest.mark.parametrize(("currency", "amount"), [*EXPONENTS, ("ISK", "5000"), ("CLP", "900")])
async def test_vpg_deposits_and_refunds(
    simulator: PspSimulator, endpoint: Merchant, currency: str, amount: str
) -> None:
    """3-D Secure pays nothing; a refund is taken and no more than what is left."""
    options = {"notification_url": endpoint.url}
    circle = Circle(simulator, endpoint, "examplepay", "vpg", VPG, **options)
    circle.answer_as_we_do()
    order = circle.order("DEP-1", amount, currency, method="card")
    choose((await circle.gateway.deposit(order)).url, "secure")
    notices = await circle.notices(2)
    assert {one.claims for one in notices} == {"pending", "succeeded"}
    assert all(one.must_ask and one.amount == order.amount for one in notices)
    standing = await circle.gateway.query(order)
    assert (standing.state, standing.amount) == ("succeeded", order.amount)
    back = circle.order("DEP-1", amount, currency, provider_ref=standing.provider_ref)
    assert (await circle.gateway.refund(back)).state == "pending"
    assert (await circle.gateway.query(order)).state == "refunded"
    with pytest.raises(PaymentRefused):
        await circle.gateway.refund(back)
    assert [kind for kind, _, _ in circle.moved("DEP-1")] == ["deposit", "refund"]
    _done(simulator, "vpg")


async def test_vpg_declines_and_chargebacks(simulator: PspSimulator, endpoint: Merchant) -> None:
    """A callback is a hint only: the query decides."""
    options = {"notification_url": endpoint.url}
    circle = Circle(simulator, endpoint, "examplepay", "vpg", VPG, **options)
    failed = circle.order("DEP-1", "50.00", "USD", method="card")
    choose((await circle.gateway.deposit(failed)).url, "hard")
    assert (await circle.notices(1))[0].claims == "failed"
    standing = await circle.gateway.query(failed)
    assert (standing.state, standing.error) == ("failed", "The card is reported stolen.")
    order = circle.order("DEP-2", "50.00", "USD", method="card")
    choose((await circle.gateway.deposit(order)).url, "approve")
    simulator.act(circle.payment("DEP-2")["id"], "chargeback")
    assert (await circle.gateway.query(order)).state == "chargeback"


@pytest.mark.parametrize(
    ("method", "currency", "amount", "coins"),
    [("usdt_trc20", "USD", "50.00", ""), ("btc", "EUR", "0.02", ""), ("btc", "USD", "50.00", "1")],
)  # fmt: skip
async def test_nowpayments_whole_and_over_payments(
    simulator: PspSimulator,
    endpoint: Merchant,
    *,
    method: str,
    currency: str,
    amount: str,
    coins: str,
) -> None:
    """Signatures hold for amounts such as 4.4e-7; confirmations pay nothing before the end."""
    circle = Circle(simulator, endpoint, "nowpayments", "crypto", CRYPTO)
    circle.answer_as_we_do()
    order = circle.order("DEP-1", amount, currency, method=method)
    step = await circle.gateway.deposit(order)
    choose(step.url, "part" if coins else "send", coins)
    notices = await circle.notices(4)
    end = "held" if coins else "succeeded"
    assert [one.state for one in notices] == ["pending", "pending", "pending", end]
    assert (notices[-1].amount, bool(notices[-1].alarm)) == (order.amount, bool(coins))
    known = circle.order("DEP-1", amount, currency, provider_ref=notices[-1].provider_ref)
    assert (await circle.gateway.query(known)).state == end
    _done(simulator, "crypto")


async def test_nowpayments_parts_wait_for_a_person(
    simulator: PspSimulator, endpoint: Merchant
) -> None:
    """A part is held, and so is the rest, which the provider calls finished at the whole price."""
    circle = Circle(simulator, endpoint, "nowpayments", "crypto", CRYPTO)
    step = await circle.gateway.deposit(circle.order("DEP-1", "50.00", "USD", method="usdt_trc20"))
    choose(step.url, "part", "30")
    part = (await circle.notices(4))[-1]
    assert (part.state, bool(part.alarm)) == ("held", True)
    choose(step.url, "part", "12.5")
    rest = (await circle.notices(8))[-1]
    assert (rest.state, bool(rest.alarm)) == ("pending", True)
    assert circle.moved("DEP-1") == [
        ("deposit", "30", "usdttrc20"),
        ("deposit", "12.5", "usdttrc20"),
    ]


@pytest.mark.parametrize(
    ("provider", "protocol", "words", "method"),
    [("praxis", "praxis", PRAXIS, ""), ("skrill", "skrill", SKRILL, ""),
     ("examplepay", "vpg", VPG, "card"), ("nowpayments", "crypto", CRYPTO, "btc")],
)  # fmt: skip
async def test_forged_callbacks_are_refused_and_lost_answers_are_unknown(
    simulator: PspSimulator,
    endpoint: Merchant,
    *,
    provider: str,
    protocol: str,
    words: dict[str, str],
    method: str,
) -> None:
    """A wrong signature raises; a dropped reply and a 500 leave the outcome open."""
    options = {"notification_url": endpoint.url}
    circle = Circle(simulator, endpoint, provider, protocol, words, **options)
    order = circle.order("DEP-1", "50.00", "USD", method=method)
    for kind in ("drop", "error_before"):
        simulator.fault(protocol, kind)
        with pytest.raises(PaymentUnknown):
            await circle.gateway.deposit(order)
    step = await circle.gateway.deposit(order)
    page = step.url
    if protocol == "skrill":
        page = simulator.url + httpx.get(page).headers["location"]
    simulator.schedule(protocol, forge=1)
    choose(page, "send" if protocol == "crypto" else "approve")
    endpoint.wait(1)
    with pytest.raises(CallbackRefused):
        await circle.notices(1)


async def test_coinspaid_deposits_to_an_address_and_pays_out_once(
    simulator: PspSimulator, endpoint: Merchant
) -> None:
    """Each transfer is a deposit; the same withdrawal is taken once, also after a lost answer."""
    words = {"api_key": "api_key", "api_secret": "api_secret"}
    options = {"callback_url": endpoint.url}
    circle = Circle(simulator, endpoint, "coinspaid", "coinspaid", words, **options)
    circle.answer_as_we_do()
    step = await circle.gateway.deposit(circle.order("DEP-1", "0.02", "BTC", method="btc"))
    assert (step.kind, step.address) == ("address", circle.payment("DEP-1")["extra"]["address"])
    simulator.act(circle.payment("DEP-1")["id"], "send", amount="0.01999999")
    notices = await circle.notices(2)
    assert [one.state for one in notices] == ["pending", "succeeded"]
    assert str(notices[-1].amount) == "0.01999999 BTC"
    payout = circle.order("WDR-1", "0.01", "BTC", method="btc", beneficiary={"address": "b1x"})
    simulator.fault("coinspaid", "drop", path="withdrawal")
    with pytest.raises(PaymentUnknown):
        await circle.gateway.withdraw(payout)
    with pytest.raises(PaymentRefused):
        await circle.gateway.withdraw(payout)
    paid = (await circle.notices(3))[-1]
    assert (paid.state, paid.reference) == ("succeeded", "WDR-1")
    assert circle.moved("WDR-1") == [("payout", "0.01", "BTC")]
    _done(simulator, "coinspaid")
