"""What is signed may still not be what we had asked for."""

from dataclasses import replace

from connectors.payments.engine import vectors
from connectors.payments.engine.matching import mismatches
from connectors.payments.engine.port import Notice, Standing
from kernel.money import Money

ORDER = replace(vectors.order_of({}), session_ref="s-1")
NOTICE = Notice(
    event_id="e",
    state="succeeded",
    claims="succeeded",
    status="paid",
    reference="DEP-7F3K2M",
    session_ref="s-1",
    provider_ref="p-1",
    amount=Money.of("50.00", "USD"),
    settled=None,
    fee=None,
    must_ask=False,
    is_live=None,
)


def wrong(notice: Notice) -> str:
    """The one thing that is wrong about a notice of a live account."""
    (found,) = mismatches(notice, ORDER, environment="live")
    return found


def test_what_was_ordered_matches() -> None:
    """Reference, amount and currency fit, in a notice and in an answer; a flag fits too."""
    assert mismatches(NOTICE, ORDER, environment="live") == ()
    assert mismatches(replace(NOTICE, is_live=True), ORDER, environment="live") == ()
    assert mismatches(replace(NOTICE, is_live=False), ORDER, environment="sandbox") == ()
    assert mismatches(replace(NOTICE, reference=""), ORDER, environment="live") == ()
    amount = Money.of("50", "USD")
    standing = Standing("succeeded", "paid", "DEP-7F3K2M", "p-1", amount, None, None)
    assert mismatches(standing, ORDER, environment="live") == ()


def test_each_difference_has_its_words() -> None:
    """Another reference, amount, currency, environment, or a word that nobody knows."""
    assert "another reference" in wrong(replace(NOTICE, reference="DEP-000000"))
    assert "Paid 50.01 USD" in wrong(replace(NOTICE, amount=Money.of("50.01", "USD")))
    assert "Paid in EUR" in wrong(replace(NOTICE, amount=Money.of("50.00", "EUR")))
    assert "no amount" in wrong(replace(NOTICE, amount=None))
    assert "test's payment" in wrong(replace(NOTICE, is_live=False))
    assert "look" in wrong(replace(NOTICE, alarm="look"))
    assert "another attempt" in wrong(replace(NOTICE, reference="", session_ref="s-2"))
    assert "nothing of ours" in wrong(replace(NOTICE, reference="", session_ref=""))
