"""A provider that calls us: four addresses, one hold, answered twice as once."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.payments.engine import provider_files
from connectors.payments.engine.failures import CallbackRefused, ValueUnusable
from connectors.payments.engine.inverted import (
    Ask,
    Held,
    HoldRefused,
    answer,
    answer_to,
    ask_of,
    check_caller,
)
from connectors.payments.engine.port import Account, Call
from kernel.money import Money

PIQ = provider_files.load("paymentiq")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ACCOUNT = Account("live", {"merchant_id": "100010999"})


class Wallet:
    """A wallet of one user, with holds: the treasury's part, made small."""

    def __init__(self, balance: str) -> None:
        """Begin with a balance in dollars."""
        self.balance = Decimal(balance)
        self.holds: dict[str, tuple[str, Decimal]] = {}
        self.ended: set[str] = set()

    async def profile(self, ask: Ask) -> Mapping[str, str]:
        """Tell the user's profile when the session is his."""
        if ask.session != "s-1":
            raise HoldRefused("1001", "The session has ended.")
        return {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "country": "LV",
            "email": "ada@example.com",
            "balance": str(self.balance),
            "currency": "USD",
        }

    async def reserve(self, ask: Ask) -> Held:
        """Hold a withdrawal's money; a deposit only gets its code."""
        assert ask.amount is not None
        if ask.transaction not in self.holds:
            held = ask.amount.amount if ask.direction == "withdrawal" else Decimal(0)
            if held > self.balance:
                raise HoldRefused("2002", "Your balance is too small.")
            self.balance -= held
            self.holds[ask.transaction] = (f"au-{ask.transaction}", held)
        return Held(f"REF-{ask.transaction}", self.holds[ask.transaction][0])

    async def settle(self, ask: Ask) -> Held:
        """Credit a deposit; a withdrawal's money is gone already. Once for a code."""
        self._known(ask)
        assert ask.amount is not None
        if ask.auth_code not in self.ended and ask.direction == "deposit":
            self.balance += ask.amount.amount
        self.ended.add(ask.auth_code)
        return Held(f"REF-{ask.transaction}")

    async def release(self, ask: Ask) -> Held:
        """Give held money back, once."""
        held = self._known(ask)
        if ask.auth_code not in self.ended:
            self.balance += held
        self.ended.add(ask.auth_code)
        return Held(f"REF-{ask.transaction}")

    def _known(self, ask: Ask) -> Decimal:
        code, held = self.holds.get(ask.transaction, ("", Decimal(0)))
        if code != ask.auth_code:
            raise HoldRefused("3001", "There is no such authorisation.")
        return held


def call(**values: Any) -> Call:
    """A call as it comes."""
    return Call(json.dumps(values).encode(), {})


def asked(wallet: Wallet, name: str, **values: Any) -> dict[str, Any]:
    """Call one of our addresses and read the answer."""
    run = answer(PIQ, ACCOUNT, name, call(**values), wallet, now=NOW)
    answered = asyncio.run(run)
    assert answered.status == 200
    return json.loads(answered.body)  # type: ignore[no-any-return]


def transfer(amount: str, **more: Any) -> dict[str, Any]:
    """What a call about one payment carries."""
    return {"userId": "C-1", "txId": "7", "txAmount": amount, "txAmountCy": "USD", **more}


def test_a_withdrawal_is_held_then_paid() -> None:
    """The money leaves the wallet when it is held, and once, however often is asked."""
    wallet = Wallet("100.00")

    held = asked(wallet, "authorize", **transfer("-60.00"))
    assert held["authCode"] == asked(wallet, "authorize", **transfer("-60.00"))["authCode"]
    assert wallet.balance == 40
    for _ in range(2):
        paid = asked(wallet, "transfer", **transfer("-60.00", authCode=held["authCode"]))
        assert paid == {"success": True, "userId": "C-1", "txId": "7", "merchantTxId": "REF-7"}
    assert wallet.balance == 40


def test_a_cancelled_withdrawal_comes_back_once() -> None:
    """A release frees the hold; the second one changes nothing."""
    wallet = Wallet("100.00")
    code = asked(wallet, "authorize", **transfer("-60.00"))["authCode"]

    for _ in range(2):
        cancelled = asked(wallet, "cancel", **transfer("-60.00", authCode=code, statusCode="X"))
        assert cancelled == {"success": True, "userId": "C-1"}

    assert wallet.balance == 100


def test_a_deposit_is_credited_at_its_transfer() -> None:
    """Nothing moves before the provider says that it is paid."""
    wallet = Wallet("0.00")
    code = asked(wallet, "authorize", **transfer("50.00"))["authCode"]
    assert wallet.balance == 0

    for _ in range(2):
        asked(wallet, "transfer", **transfer("50.00", authCode=code))

    assert wallet.balance == 50


def test_a_no_is_answered_in_the_providers_words() -> None:
    """Too little money, another's code, a dead session: success is false, with code and text."""
    wallet = Wallet("10.00")

    small = asked(wallet, "authorize", **transfer("-60.00"))
    foreign = asked(wallet, "transfer", **transfer("-60.00", authCode="other"))
    dead = asked(wallet, "verifyuser", sessionId="s-2", userId="C-1")

    assert (small["success"], small["errCode"]) == (False, "2002")
    assert (foreign["success"], foreign["errCode"]) == (False, "3001")
    assert dead == {
        "success": False,
        "userId": "C-1",
        "errCode": "1001",
        "errMsg": "The session has ended.",
    }
    assert wallet.balance == 10


def test_a_profile_tells_the_exact_balance() -> None:
    """The balance is a number with the digits that it has."""
    wallet = Wallet("250.10")
    raw = answer(PIQ, ACCOUNT, "verifyuser", call(sessionId="s-1", userId="C-1"), wallet, now=NOW)

    body = asyncio.run(raw).body

    assert b'"balance":250.10,' in body
    ask = ask_of(PIQ, ACCOUNT, "verifyuser", call(sessionId="s-1", userId="C-1"), now=NOW)
    with pytest.raises(ValueUnusable):
        answer_to(PIQ, "verifyuser", ask, profile={"first_name": "Ada"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"userId":"C-1"}',
        b'{"userId":"C-1","userId":"C-2","txId":"7","txAmount":"1","txAmountCy":"USD"}',
        b'{"userId":"C-1","txId":"7","txAmount":"1e3x","txAmountCy":"USD"}',
        b'{"userId":"C-1","txId":"7","txAmount":"--5","txAmountCy":"USD"}',
        b'{"userId":"C-1","txId":"7","txAmount":"5.001","txAmountCy":"USD"}',
        b'{"userId":"C-1","txId":"7","txAmount":"5","txAmountCy":"XXX"}',
        b'{"userId":"C-1","txId":"7","txAmount":"5"}',
        b'{"userId":"","txId":"7","txAmount":"5","txAmountCy":"USD"}',
        b" " * 70_000,
    ],
)
def test_doubtful_calls_are_refused(body: bytes) -> None:
    """Nothing is guessed from a call that is not whole."""
    with pytest.raises(CallbackRefused):
        ask_of(PIQ, ACCOUNT, "authorize", Call(body, {}), now=NOW)


def test_an_unknown_address_is_refused() -> None:
    """There are four addresses and no fifth."""
    with pytest.raises(CallbackRefused):
        ask_of(PIQ, ACCOUNT, "refund", call(userId="C-1"), now=NOW)


def test_only_listed_addresses_may_call() -> None:
    """Addresses and networks are matched; a list that can't be read lets nobody in."""
    listed = Account("live", {"allowed_addresses": "203.0.113.7, 198.51.100.0/24 2001:db8::/32"})
    for good in ("203.0.113.7", "198.51.100.200", "2001:db8::1"):
        check_caller(listed, good)
    for bad in ("203.0.113.8", "198.51.101.1", "", "not one", "2001:db9::1"):
        with pytest.raises(CallbackRefused):
            check_caller(listed, bad)
    with pytest.raises(CallbackRefused):
        check_caller(Account("live", {"allowed_addresses": "everywhere"}), "203.0.113.7")
    check_caller(ACCOUNT, "203.0.113.8")


def test_the_sign_of_an_amount_is_its_direction() -> None:
    """A deposit is positive, a withdrawal negative, and the amount itself has no sign."""
    into = ask_of(PIQ, ACCOUNT, "authorize", call(**transfer("50.00")), now=NOW)
    out = ask_of(PIQ, ACCOUNT, "authorize", call(**transfer("-50.00")), now=NOW)

    assert (into.direction, out.direction) == ("deposit", "withdrawal")
    assert into.amount == out.amount == Money.of("50.00", "USD")
