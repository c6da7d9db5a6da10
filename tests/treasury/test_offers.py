"""Ways to pay: who may use them, at what price, in which order, and what comes after a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest

from clients import queries as client_queries
from connectors.payments.engine.answers import SoftDecline
from connectors.payments.engine.port import Order, Step
from connectors.payments.port import PaymentRefused, PaymentUnknown
from kernel.errors import InvalidInput
from kernel.money import Money
from tests.treasury.desk import Desk
from treasury import connections, deposits
from treasury.connections import Currency
from treasury.deposits import PaymentUncertain, ProviderRefused, ProviderUnavailable
from treasury.models import DepositAttempt, PspMethod
from treasury.offers import limits, queries, routes, ways
from treasury.offers.ways import Payer

HUNDRED = Money.of("100.00", "USD")


@dataclass
class Provider:
    """Somebody else's server: what it answers to each connection, by its name; what it heard."""

    answers: dict[str, Exception] = field(default_factory=dict)
    heard: list[tuple[str, str]] = field(default_factory=list)

    def get(self, provider_id: str, *, environment: str, credentials: Mapping[str, str]) -> Any:
        """Return a gateway of the account that the credentials name."""
        return _Gateway(self, credentials["merchant_id"])


@dataclass
class _Gateway:
    provider: Provider
    account: str

    async def deposit(self, order: Order) -> Step:
        """Answer as the test asks for."""
        self.provider.heard.append((self.account, order.idempotency_key))
        if error := self.provider.answers.get(self.account):
            raise error
        return Step(
            "redirect", session_ref=f"s-{self.account}", url=f"https://{self.account}.example"
        )

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def provider(desk: Desk) -> Provider:
    """The desk's providers from now on."""
    made = Provider()
    desk.gateways = cast("Any", made)
    return made


async def connect(desk: Desk, name: str, *, provider: str = "praxis", weight: int = 0) -> UUID:
    """Connect an account of a name, offered as cards."""
    async with desk.database.tenant(desk.tenant) as session:
        made = await connections.create(
            session,
            provider=provider,
            name=name,
            credentials={"merchant_id": name},
            limits={"USD": (Decimal(10), Decimal(500))},
            vault=desk.vault,
        )
        made.weight = weight
        [row] = await queries.methods(session, made.id)
        row.title = "Cards"
        return made.id


async def begin(desk: Desk, amount: str = "100.00") -> Any:
    """Start a deposit by cards."""
    async with desk.database.tenant(desk.tenant) as session:
        return await deposits.start(
            session,
            client_id=desk.client_id,
            account_id=None,
            amount=Money.of(amount, "USD"),
            title="Cards",
        )


async def test_a_soft_decline_goes_on_to_the_next_connection(
    desk: Desk, provider: Provider
) -> None:
    """The heavier account first; its no is noted and the other one is asked under the same key."""
    first, second = await connect(desk, "hub1", weight=9), await connect(desk, "hub2")
    provider.answers["hub1"] = SoftDecline("51", "Not here")
    deposit = await begin(desk)
    assert deposit.connection_id == first

    step = await desk.pay(deposit)

    found = await desk.seen(deposit)
    assert (step.url, found.connection_id) == ("https://hub2.example", second)
    assert [account for account, _ in provider.heard] == ["hub1", "hub2"]
    async with desk.database.tenant_read(desk.tenant) as session:
        attempts = await queries.attempts_of(session, deposit_id=deposit.id)
    assert [one.outcome for one in attempts] == ["asked", "declined", "asked", "good"]


async def test_a_hard_no_ends_it_and_so_do_three_soft_ones(desk: Desk, provider: Provider) -> None:
    """A stolen card is not shown around; nor is anybody asked for ever."""
    for number in range(4):
        await connect(desk, f"hub{number}", weight=9 - number)
        provider.answers[f"hub{number}"] = SoftDecline("51", "Not here")
    deposit = await begin(desk)
    with pytest.raises(ProviderRefused):
        await desk.pay(deposit)
    assert len(provider.heard) == 3
    assert (await desk.seen(deposit)).state == "failed"

    provider.answers["hub0"] = PaymentRefused("43", "Stolen")
    hard = await begin(desk)
    with pytest.raises(ProviderRefused):
        await desk.pay(hard)
    assert len(provider.heard) == 4


async def test_no_answer_is_asked_again_only_where_that_is_safe(
    desk: Desk, provider: Provider
) -> None:
    """Praxis knows our reference; M-Pesa knows nothing of ours, and would ask the phone twice."""
    await connect(desk, "hub")
    provider.answers["hub"] = PaymentUnknown("lost")
    deposit = await begin(desk)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await desk.pay(deposit)
    assert {key for _, key in provider.heard} == {f"deposit-{deposit.id}"}

    desk.connection_id = await connect(desk, "phone", provider="mpesa")
    async with desk.database.tenant(desk.tenant) as session:
        await connections.change_currencies(
            session,
            connection_id=desk.connection_id,
            currencies={"KES": Currency(Decimal(10), Decimal(1000))},
        )
        client = await client_queries.client(session, desk.client_id)
        assert client is not None
        client.country = "KE"
    provider.answers["phone"] = PaymentUnknown("lost")
    push = await desk.start("100", "KES")
    with pytest.raises(ProviderUnavailable):
        await desk.pay(push)
    with pytest.raises(PaymentUncertain):
        await desk.pay(push)
    assert [account for account, _ in provider.heard] == ["hub", "hub", "phone"]


async def test_a_sick_connection_goes_last_and_a_rule_goes_first(desk: Desk) -> None:
    """Five missing answers in a row outweigh its weight; a rule names the order."""
    first, second = await connect(desk, "hub1", weight=9), await connect(desk, "hub2")
    payer, now = Payer("DE"), datetime.now(UTC) + timedelta(seconds=1)

    async def order() -> list[UUID]:
        async with desk.database.tenant_read(desk.tenant) as session:
            found = await ways.route(session, title="Cards", amount=HUNDRED, payer=payer, now=now)
        return [way.connection_id for way in found]

    assert await order() == [first, second]
    values = {"countries": ["DE"], "currencies": [], "bins": [], "amount_min": None}
    rule = values | {"connection_ids": [str(second)], "amount_max": None, "avoid": False}
    async with desk.database.tenant(desk.tenant) as session:
        made = await routes.add(session, values=rule)
    assert await order() == [second, first]
    async with desk.database.tenant(desk.tenant) as session:
        await routes.remove(session, rule_id=made.id)
        await routes.add(session, values=rule | {"avoid": True})
    assert await order() == [first]
    deposit = await begin(desk)
    async with desk.database.tenant(desk.tenant) as session:
        for found in await queries.rules(session):
            await session.delete(found)
        session.add_all(
            DepositAttempt(deposit_id=deposit.id, connection_id=first, outcome="broken")
            for _ in range(5)
        )
    assert await order() == [second, first]


async def test_country_level_and_currency_close_a_way(desk: Desk) -> None:
    """What a row narrows is not offered to whom it does not concern."""
    connection_id = await connect(desk, "hub")
    async with desk.database.tenant(desk.tenant) as session:
        row = PspMethod(
            method="cashier", title="Cards", countries=["FR"], kyc_level=2, enabled=True
        )
        await connections.change_methods(session, connection_id=connection_id, methods=[row])

    async def titles(payer: Payer) -> list[str]:
        async with desk.database.tenant_read(desk.tenant) as session:
            return ways.titles(await ways.ways(session, payer=payer, title="Cards"))

    assert await titles(Payer("FR", 2)) == ["Cards"]
    assert await titles(Payer("FR", 1)) == []
    assert await titles(Payer("DE", 2)) == []
    with pytest.raises(InvalidInput):
        await begin(desk)


async def test_the_price_is_the_brokerages_own_where_it_has_one(desk: Desk) -> None:
    """2.9 % and 0.30 on a hundred is 3.20, whoever bears it."""
    connection_id = await connect(desk, "hub")
    own = Currency(Decimal(10), Decimal(500), Decimal("2.9"), Decimal("0.30"), "client")
    for payer, sends in (("client", "103.20"), ("merchant", "100.00")):
        async with desk.database.tenant(desk.tenant) as session:
            await connections.change_currencies(
                session,
                connection_id=connection_id,
                currencies={"USD": replace(own, fee_payer=payer)},
            )
        async with desk.database.tenant_read(desk.tenant) as session:
            [way] = await ways.ways(session, payer=Payer("DE"), title="Cards")
        price = way.price(HUNDRED)
        assert (str(price.fee), str(price.payer_sends)) == ("3.20 USD", f"{sends} USD")


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ({"amount_max": Decimal(150)}, "50.00 USD more"),
        ({"count_max": 1}, "number of deposits"),
        ({"pending_max": 1}, "earlier deposits"),
    ],
)
async def test_a_limit_of_the_brokerage_stops_the_next_deposit(
    desk: Desk, limit: dict[str, Any], says: str
) -> None:
    """Sum, number and how many wait; a failed one counts nowhere, other levels are not met."""
    whole = {"title": "", "country": "", "kyc_level": 0, "currency": "USD", "window_hours": 24}
    async with desk.database.tenant(desk.tenant) as session:
        await limits.add(session, values=whole | limit)
        await limits.add(session, values=whole | {"country": "FR", "amount_max": Decimal(1)})
    first = await desk.start("100.00")

    with pytest.raises(InvalidInput) as refused:
        await desk.start("60.00")
    assert says in " ".join(refused.value.fields.values())
    await desk.say(first, "failed")
    assert (await desk.start("60.00")).state == "created"
