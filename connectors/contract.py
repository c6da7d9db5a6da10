"""What each port promises, as checks that every adapter passes against its local counterpart.

A test module calls each check of `TRADING`, `PAYMENTS`, `STORAGE` and `MAIL` with an adapter and
a control: the handle by which a test makes the other side do what a real one does by itself
(lose a reply, let a payer pay). A check fails with an AssertionError.
"""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from connectors.mail.port import Mail, Mailer, MailRefused
from connectors.payments.engine.port import (
    Addresses,
    Call,
    DeclaredGateway,
    Order,
    Payer,
    Step,
)
from connectors.payments.port import SignatureRefused
from connectors.trading.port import OpenAccount, Refused, TradingConnection, Unknown
from kernel.actor import TenantRef
from kernel.ids import comment_token, reference, token, uuid7
from kernel.money import Money
from kernel.storage import ObjectMissing, ObjectStore

E = TypeVar("E", bound=Exception)


class TradingControl(Protocol):
    """The handle on a trading server: a group to open accounts in, and two mishaps."""

    group: str
    mask: str

    async def lose_next_reply(self) -> None:
        """Have the server carry out the next write and then drop the connection."""

    async def drop_connections(self) -> None:
        """Have the server close all its connections."""


class PaymentsControl(Protocol):
    """The handle on a payment provider: the payer, and the webhooks that were sent."""

    async def pay(self, step: Step) -> tuple[bytes, Mapping[str, str]]:
        """Pay as the payer would, and return the body and headers of the webhook that says so."""


class MailControl(Protocol):
    """The handle on a mail server: what has arrived."""

    async def received(self, subject: str) -> tuple[str, str]:
        """Wait for the mail with this subject and return its text and HTML."""


async def _raised(kind: type[E], call: Awaitable[object]) -> E:
    """Return the error that the call ends in, which must be of that kind."""
    try:
        await call
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def _request(control: TradingControl, key: str) -> OpenAccount:
    return OpenAccount(
        group=control.group,
        name="Ada Lovelace",
        email="ada@example.com",
        leverage=100,
        main_password="Aa1!" + token(6)[:8],
        investor_password="Bb2!" + token(6)[:8],
        token=key,
        first_name="Ada",
        last_name="Lovelace",
        country="United Kingdom",
    )


def _window() -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now - timedelta(minutes=10), now + timedelta(minutes=10)


async def an_opened_account_is_found_by_its_token(
    connection: TradingConnection, control: TradingControl
) -> None:
    """The token finds the account's login, and a token that was never used finds none."""
    key = comment_token()

    login = await connection.open_account(_request(control, key))

    assert login > 0
    assert await connection.find_account(key, control.mask) == login
    assert await connection.find_account(comment_token(), control.mask) is None


async def cash_is_booked_signed_and_found_by_its_token(
    connection: TradingConnection, control: TradingControl
) -> None:
    """Deposits are positive, withdrawals negative, to the cent, and the balance follows."""
    login = await connection.open_account(_request(control, comment_token()))
    first, second = comment_token(), comment_token()

    ticket = await connection.cash(login, "deposit", Decimal("250.07"), f"{first} DEP-7F3K2M")
    other = await connection.cash(login, "withdrawal", Decimal("50.01"), f"{second} WDR-7F3K2M")

    found = await connection.find_cash(login, first, *_window())
    assert [(deal.ticket, deal.amount) for deal in found] == [(ticket, Decimal("250.07"))]
    found = await connection.find_cash(login, second, *_window())
    assert [(deal.ticket, deal.amount) for deal in found] == [(other, Decimal("-50.01"))]
    assert await connection.find_cash(login, comment_token(), *_window()) == []
    (state,) = await connection.account_states(logins=[login])
    assert (state.login, state.balance) == (login, Decimal("200.06"))


async def cash_of_many_logins_is_found_by_each_logins_token(
    connection: TradingConnection, control: TradingControl
) -> None:
    """One search finds each login's own deals, in order, also beyond one query's logins."""
    logins = [await connection.open_account(_request(control, comment_token())) for _ in range(3)]
    keys = {login: comment_token() for login in logins}
    tickets = [
        await connection.cash(login, "deposit", Decimal("10.07"), f"{key} DEP-7F3K2M")
        for login, key in keys.items()
    ]
    await connection.cash(logins[0], "deposit", Decimal(7), keys[logins[1]])
    await connection.cash(logins[1], "withdrawal", Decimal(1), comment_token())
    unused = {number: comment_token() for number in range(1, 251)}

    found = await connection.find_cash_batch({**unused, **keys}, *_window())

    assert [(deal.ticket, deal.login) for deal in found] == list(zip(tickets, logins, strict=True))
    assert {(deal.amount, deal.action) for deal in found} == {(Decimal("10.07"), 2)}
    since, until = _window()
    earlier = (since - timedelta(days=2), since - timedelta(days=1))
    assert await connection.find_cash_batch(keys, *earlier) == []
    assert await connection.find_cash_batch({}, since, until) == []


async def a_withdrawal_beyond_the_balance_changes_nothing(
    connection: TradingConnection, control: TradingControl
) -> None:
    """The server's no is definite: it has a code, advice, and no deal."""
    login = await connection.open_account(_request(control, comment_token()))
    key = comment_token()

    refused = await _raised(Refused, connection.cash(login, "withdrawal", Decimal(1000), key))

    assert refused.code == 10019
    assert refused.advice
    assert await connection.find_cash(login, key, *_window()) == []


async def a_lost_reply_is_unknown_and_found(
    connection: TradingConnection, control: TradingControl
) -> None:
    """A write whose answer is lost ends in Unknown, is not repeated, and its token finds it."""
    login = await connection.open_account(_request(control, comment_token()))
    key = comment_token()
    await control.lose_next_reply()

    await _raised(Unknown, connection.cash(login, "deposit", Decimal(10), key))

    found = await connection.find_cash(login, key, *_window())
    assert [deal.amount for deal in found] == [Decimal(10)]


async def a_dropped_connection_is_rebuilt(
    connection: TradingConnection, control: TradingControl
) -> None:
    """After the server has closed the connection, the next read simply works."""
    before = await connection.server_time()
    await control.drop_connections()

    after = await connection.server_time()

    assert after.raw >= before.raw


async def deals_come_as_an_array_of_the_window(
    connection: TradingConnection, control: TradingControl
) -> None:
    """The bytes are a JSON array that holds the deal inside the window, and none outside."""
    login = await connection.open_account(_request(control, comment_token()))
    ticket = await connection.cash(login, "deposit", Decimal(10), comment_token())
    since, until = _window()

    inside = json.loads(await connection.deals_raw(control.mask, since, until))
    before = json.loads(
        await connection.deals_raw(
            control.mask, since - timedelta(days=2), since - timedelta(days=1)
        )
    )

    assert str(ticket) in {str(deal["Deal"]) for deal in inside}
    assert str(ticket) not in {str(deal["Deal"]) for deal in before}


async def answers_do_not_cross(connection: TradingConnection, control: TradingControl) -> None:
    """Calls made at once each get the answer to their own question."""
    logins = [await connection.open_account(_request(control, comment_token())) for _ in range(3)]

    states = await asyncio.gather(
        *(connection.account_states(logins=[login]) for login in logins * 3)
    )

    assert [state.login for (state,) in states] == logins * 3


async def the_server_tells_its_conditions(
    connection: TradingConnection, control: TradingControl
) -> None:
    """Groups, instruments and prices are there, and the server's time converts to ours."""
    groups = {group.name: group for group in await connection.groups()}
    symbols = await connection.symbols()
    quotes = await connection.quotes([symbols[0].name])
    clock = await connection.server_time()

    assert len(groups[control.group].currency) == 3
    assert all(symbol.point > 0 and symbol.contract_size > 0 for symbol in symbols)
    assert quotes[0].ask >= quotes[0].bid > 0
    assert abs(clock.utc - datetime.now(UTC)) < timedelta(minutes=2)
    assert (await connection.capabilities()).version_access > 0


TRADING = (
    an_opened_account_is_found_by_its_token,
    cash_is_booked_signed_and_found_by_its_token,
    cash_of_many_logins_is_found_by_each_logins_token,
    a_withdrawal_beyond_the_balance_changes_nothing,
    a_lost_reply_is_unknown_and_found,
    a_dropped_connection_is_rebuilt,
    deals_come_as_an_array_of_the_window,
    answers_do_not_cross,
    the_server_tells_its_conditions,
)


def payment(amount: Money) -> Order:
    """Return a payment of nobody in particular, under a reference of its own."""
    name = reference("DEP")
    return Order(
        reference=name,
        amount=amount,
        payer=Payer(public_id="C-1001", email="ada@example.com"),
        addresses=Addresses(
            "http://127.0.0.1/hook", "http://127.0.0.1/return", "http://127.0.0.1/cancel"
        ),
        idempotency_key=name,
        description=f"Deposit {name}",
    )


async def a_payment_is_created_once_for_its_key(
    gateway: DeclaredGateway, control: PaymentsControl
) -> None:
    """The same order with the same key gives the same payment; another key another one."""
    order = payment(Money.of("250.00", "USD"))

    first = await gateway.deposit(order)
    again = await gateway.deposit(order)
    other = await gateway.deposit(payment(Money.of("250.00", "USD")))

    assert first == again
    assert first.url.startswith("http")
    assert other.session_ref != first.session_ref


async def a_paid_payment_is_told_by_a_signed_notice(
    gateway: DeclaredGateway, control: PaymentsControl
) -> None:
    """The notice carries our reference and the exact amount, also in yen; a query agrees."""
    for amount in (Money.of("250.07", "USD"), Money.of("5000", "JPY")):
        order = payment(amount)
        step = await gateway.deposit(order)
        begun = replace(order, session_ref=step.session_ref)
        before = await gateway.query(begun)

        body, headers = await control.pay(step)
        [notice] = await gateway.receive(Call(body, headers))
        after = await gateway.query(begun)

        assert (before.state, after.state) == ("pending", "succeeded")
        assert notice.state == "succeeded"
        assert notice.event_id
        assert (notice.reference, notice.amount) == (order.reference, amount)
        assert notice.session_ref == step.session_ref
        assert (after.reference, after.amount) == (order.reference, amount)
        assert after.provider_ref == notice.provider_ref


async def a_refund_goes_back_once_for_its_key(
    gateway: DeclaredGateway, control: PaymentsControl
) -> None:
    """A part of a payment is sent back, and the same key twice sends it once."""
    order = payment(Money.of("250.00", "USD"))
    step = await gateway.deposit(order)
    await control.pay(step)
    part = replace(
        payment(Money.of("20.00", "USD")), session_ref=step.session_ref, reference="WDR-7F3K2M"
    )

    first = await gateway.refund(part)
    again = await gateway.refund(part)
    asked = await gateway.query(replace(part, provider_ref=first.provider_ref))

    assert first.provider_ref == again.provider_ref
    assert first.amount == part.amount
    assert asked.state == first.state in ("refunded", "pending")


async def a_tampered_notice_is_refused(gateway: DeclaredGateway, control: PaymentsControl) -> None:
    """One changed byte, another header, or no signature: nothing of the notice is believed."""
    step = await gateway.deposit(payment(Money.of("250.00", "USD")))
    body, headers = await control.pay(step)
    forged = {
        name: value[:-1] + ("0" if value[-1] != "0" else "1") for name, value in headers.items()
    }

    for changed, sent in ((body.replace(b"25000", b"95000"), headers), (body, {}), (body, forged)):
        try:
            await gateway.receive(Call(changed, sent))
        except SignatureRefused:
            continue
        raise AssertionError("a tampered notice was believed")


async def good_credentials_pass_the_check(
    gateway: DeclaredGateway, control: PaymentsControl
) -> None:
    """Credentials that can create payments pass the check."""
    await gateway.check()


PAYMENTS = (
    a_payment_is_created_once_for_its_key,
    a_paid_payment_is_told_by_a_signed_notice,
    a_refund_goes_back_once_for_its_key,
    a_tampered_notice_is_refused,
    good_credentials_pass_the_check,
)


def _brokerage(slug: str) -> TenantRef:
    return TenantRef(
        id=uuid7(),
        slug=slug,
        schema=f"t_{slug}",
        name=slug.title(),
        base_currency="USD",
        timezone="UTC",
        language="en",
        generation=1,
    )


async def an_object_comes_back_as_it_went_in(store: ObjectStore) -> None:
    """Bytes of any value and none at all survive, each under a key of its own."""
    tenant = _brokerage("alpha")
    everything = bytes(range(256)) * 40

    first = await store.put(tenant, "document", everything, media_type="image/png")
    second = await store.put(tenant, "document", b"", media_type="text/plain")

    assert first != second
    assert await store.get(tenant, first) == everything
    assert await store.get(tenant, second) == b""
    await store.check()


async def an_object_is_its_tenants_alone(store: ObjectStore) -> None:
    """Another tenant neither reads nor removes it, and learns nothing from trying."""
    owner, stranger = _brokerage("alpha"), _brokerage("beta")
    key = await store.put(owner, "document", b"passport", media_type="image/png")

    await _is_missing(store, stranger, key)
    await store.delete(stranger, key)
    await _is_missing(store, owner, f"t/{owner.id}/../{stranger.id}/document/{uuid7()}")

    assert await store.get(owner, key) == b"passport"


async def a_deleted_object_is_missing(store: ObjectStore) -> None:
    """Deleting is final and may be repeated; what never existed is missing too."""
    tenant = _brokerage("alpha")
    key = await store.put(tenant, "document", b"passport", media_type="image/png")

    await store.delete(tenant, key)
    await store.delete(tenant, key)

    await _is_missing(store, tenant, key)


async def _is_missing(store: ObjectStore, tenant: TenantRef, key: str) -> None:
    await _raised(ObjectMissing, store.get(tenant, key))


STORAGE = (
    an_object_comes_back_as_it_went_in,
    an_object_is_its_tenants_alone,
    a_deleted_object_is_missing,
)


async def a_mail_arrives_with_text_and_html(mailer: Mailer, control: MailControl) -> None:
    """Subject, text and HTML arrive in any script, and the Message-ID is the one asked for."""
    mail = Mail(
        sender="Alpha Markets <no-reply@alpha.example>",
        to="ada@example.com",
        subject=f"Willkommen, Ada — مرحبا {uuid7()}",
        text="Grüße aus Zürich\n",
        html="<p>Grüße aus Zürich</p>\n",
        message_id=f"{uuid7()}@alpha.example",
    )

    message_id = await mailer.send(mail)
    text, html = await control.received(mail.subject)

    assert message_id == f"<{mail.message_id}>"
    assert (text.strip(), html.strip()) == (mail.text.strip(), mail.html.strip())


async def a_header_with_a_line_break_is_refused(mailer: Mailer, control: MailControl) -> None:
    """Nobody can add headers of their own by way of a name, a subject or an address."""
    mail = Mail(sender="no-reply@alpha.example", to="ada@example.com", subject="Hi", text="Hi")
    for changed in (
        replace(mail, subject="Hi\r\nBcc: eve@example.com"),
        replace(mail, to="a@example.com\nBcc: e@x.com"),
    ):
        await _raised(MailRefused, mailer.send(changed))


MAIL = (
    a_mail_arrives_with_text_and_html,
    a_header_with_a_line_break_is_refused,
)
