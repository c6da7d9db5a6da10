"""An inverted provider's four calls: believed from where they may come, each once, by the book."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from clients import queries as client_queries
from connectors.payments.engine.port import Call
from kernel.errors import NotFound
from kernel.money import Money
from ledger import bookings, entries
from tests.treasury.desk import Desk
from treasury import cashiers, connections, queries

HERE = "203.0.113.7"


class Cashier:
    """PaymentIQ's side of the wire."""

    def __init__(self, desk: Desk, hook_token: str, user: str, opened: str) -> None:
        """Know our address and the client's session."""
        self.desk = desk
        self.hook_token = hook_token
        self.user = user
        self.opened = opened

    async def ask(
        self, name: str, fields: Mapping[str, Any] | None = None, *, address: str = HERE
    ) -> dict[str, Any]:
        """Call one of our addresses and return what we answer."""
        body = json.dumps({"userId": self.user, **(fields or {})}).encode()
        answer = await self.desk.reception().called(
            self.desk.tenant,
            token=self.hook_token,
            name=name,
            call=Call(body, {"content-type": "application/json"}),
            address=address,
        )
        if answer.status != 200:
            return {"status": answer.status}
        found: dict[str, Any] = json.loads(answer.body)
        return found

    async def authorize(self, amount: str, transaction: str = "tx-1") -> dict[str, Any]:
        """Ask whether a payment may go on."""
        return await self.ask("authorize", {"txId": transaction, **_money(amount)})

    async def pay_in(self, amount: str) -> None:
        """Pay in by the cashier, to the end."""
        code = (await self.authorize(amount, "tx-in"))["authCode"]
        assert (await self.end("transfer", amount, code, "tx-in"))["success"] is True

    async def end(
        self, name: str, amount: str, code: str, transaction: str = "tx-1"
    ) -> dict[str, Any]:
        """Say that a payment is done, or cancelled."""
        more = {"txId": transaction, "authCode": code, "statusCode": "ERR", **_money(amount)}
        return await self.ask(name, more)


def _money(amount: str) -> dict[str, str]:
    return {"txAmount": amount, "txAmountCy": "USD", "txName": "VisaDeposit", "pspRefId": "p-1"}


@pytest.fixture
async def cashier(desk: Desk, superuser: asyncpg.Connection) -> Cashier:
    """A connected PaymentIQ, and a verified client in its cashier with 100 dollars."""
    async with desk.database.tenant(desk.tenant) as session:
        made = await connections.create(
            session,
            provider="paymentiq",
            name="PaymentIQ",
            credentials={"merchant_id": "100010999", "allowed_addresses": "203.0.113.0/24"},
            limits={"USD": (Decimal(10), Decimal(5000))},
            vault=desk.vault,
            environment="live",
        )
        await entries.post(
            session,
            key="opening",
            kind="deposit",
            lines=bookings.deposit(desk.connection_id, desk.client_id, Money.of("100", "USD")),
        )
        client = await client_queries.client(session, desk.client_id)
        assert client is not None
        client.kyc_level = 2
        opened = await cashiers.open_session(session, client_id=client.id, connection_id=made.id)
        return Cashier(desk, made.webhook_token, client.reference, opened)


async def test_a_session_names_its_client_and_no_other(cashier: Cashier) -> None:
    """Profile and balance are told to who has the session; a wrong one learns nothing."""
    told = await cashier.ask("verifyuser", {"sessionId": cashier.opened})
    foreign = await cashier.ask("verifyuser", {"sessionId": "stolen"})

    assert (told["success"], told["firstName"], told["balance"]) == (True, "Mara", 100.0)
    assert foreign["success"] is False
    assert "Mara" not in json.dumps(foreign)


async def test_a_deposit_is_credited_once_however_often_it_is_said(cashier: Cashier) -> None:
    """Authorize and transfer, each twice and at once: one deposit, one entry."""
    first = await cashier.authorize("50.00")
    again = await cashier.authorize("50.00")
    ends = await asyncio.gather(
        *(cashier.end("transfer", "50.00", first["authCode"]) for _ in range(4))
    )

    assert first == again
    assert {one["success"] for one in ends} == {True}
    assert (await cashier.desk.wallet()).available == Decimal(150)
    assert await cashier.desk.entries() == 2
    assert (await cashier.end("cancel", "50.00", first["authCode"]))["success"] is False


async def test_a_withdrawal_is_held_and_paid_or_freed(cashier: Cashier) -> None:
    """Money that is held can't be used twice; a cancelled one is free again."""
    await cashier.pay_in("200.00")
    async with cashier.desk.database.tenant(cashier.desk.tenant) as session:
        await entries.post(
            session,
            key="away",
            kind="withdrawal",
            lines=bookings.move(
                bookings.wallet(cashier.desk.client_id),
                bookings.clearing(cashier.desk.connection_id),
                Money.of("200", "USD"),
            ),
        )
    held = await cashier.authorize("-70.00")
    wallet = await cashier.desk.wallet()
    more = await cashier.authorize("-40.00", "tx-2")
    freed = await cashier.end("cancel", "-70.00", held["authCode"])
    again = await cashier.authorize("-40.00", "tx-3")
    paid = await cashier.end("transfer", "-40.00", again["authCode"], "tx-3")

    assert (wallet.held, wallet.available) == (Decimal(70), Decimal(30))
    assert (more["success"], more["errCode"]) == (False, "free_margin")
    assert (freed["success"], paid["success"]) == (True, True)
    assert (await cashier.desk.wallet()).amount == Decimal(60)
    assert await cashier.desk.entries() == 4


async def test_no_more_goes_back_than_came_in_by_the_cashier(cashier: Cashier) -> None:
    """What was paid in elsewhere goes back there; what is on its way back counts as gone."""
    nothing = await cashier.authorize("-10.00", "tx-1")
    await cashier.pay_in("50.00")
    some = await cashier.authorize("-30.00", "tx-2")
    beyond = await cashier.authorize("-30.00", "tx-3")
    await cashier.end("cancel", "-30.00", some["authCode"], "tx-2")
    again = await cashier.authorize("-30.00", "tx-4")

    assert (nothing["success"], nothing["errCode"]) == (False, "method")
    assert (some["success"], again["success"]) == (True, True)
    assert (beyond["success"], beyond["errCode"]) == (False, "method")


async def test_what_somebody_has_to_approve_does_not_leave_by_the_cashier(
    cashier: Cashier,
) -> None:
    """Above the ladder's first rung, at once or in pieces, it is asked for on the page."""
    await cashier.pay_in("2000.00")
    large = await cashier.authorize("-600.00", "tx-1")
    first = await cashier.authorize("-400.00", "tx-2")
    second = await cashier.authorize("-200.00", "tx-3")

    assert (large["success"], large["errCode"]) == (False, "approval")
    assert first["success"] is True
    assert (second["success"], second["errCode"]) == (False, "approval")


async def test_two_payouts_at_once_give_back_no_more_than_came_in(cashier: Cashier) -> None:
    """One waits for the other and sees it."""
    await cashier.pay_in("50.00")
    answers = await asyncio.gather(
        *(cashier.authorize("-30.00", f"tx-{number}") for number in range(4))
    )

    assert sorted(one["success"] for one in answers) == [False, False, False, True]


@pytest.mark.parametrize("change", ["amount", "code", "user", "direction"])
async def test_what_was_not_authorized_is_refused(cashier: Cashier, change: str) -> None:
    """Another amount, code, user or direction changes nothing."""
    code = (await cashier.authorize("50.00"))["authCode"]
    if change == "user":
        cashier.user = "C-NOBODY"
    said = {"amount": "60.00", "direction": "-50.00"}.get(change, "50.00")

    answer = await cashier.end("transfer", said, "guess" if change == "code" else code)

    assert answer["success"] is False
    assert (await cashier.desk.wallet()).amount == Decimal(100)


async def test_calls_from_elsewhere_are_not_believed(cashier: Cashier, desk: Desk) -> None:
    """They leave a refusal; an address that this provider does not have is not found."""
    answer = await cashier.ask("verifyuser", {"sessionId": cashier.opened}, address="192.0.2.1")
    garbled = await desk.reception().called(
        desk.tenant, token=cashier.hook_token, name="authorize", call=Call(b"[", {}), address=HERE
    )

    assert (answer, garbled.status) == ({"status": 400}, 400)
    for token, name in ((cashier.hook_token, "else"), (desk.hook_token, "authorize")):
        with pytest.raises(NotFound):
            await desk.reception().called(
                desk.tenant, token=token, name=name, call=Call(b"{}", {}), address=HERE
            )


async def test_who_has_left_the_cashier_or_is_not_verified_gets_no_money(
    cashier: Cashier, desk: Desk, superuser: asyncpg.Connection
) -> None:
    """An ended session authorizes nothing; a withdrawal needs a checked identity."""
    await superuser.execute("UPDATE t_alpha.client SET kyc_level = 1")
    unverified = await cashier.authorize("-10.00")
    await superuser.execute("UPDATE t_alpha.cashier_session SET expires_at = now()")
    left = await cashier.authorize("50.00", "tx-9")
    profile = await cashier.ask("verifyuser", {"sessionId": cashier.opened})

    assert unverified["errCode"] == "kyc"
    assert (left["success"], profile["success"]) == (False, False)
    async with desk.database.tenant_read(desk.tenant) as session:
        assert await queries.count_open(session, client_id=UUID(str(desk.client_id))) == 0
