"""Providers that call us: their cashier asks who somebody is, and holds money in our book.

A client's session opens the cashier; a payment is authorized, and then done or cancelled. Each is
asked once and may be asked again: the answer is the first one's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from clients import queries as client_queries
from clients import restrictions
from clients.models import Client
from connectors.payments.engine.inverted import Ask, Held, HoldRefused
from identity import audit
from kernel.actor import VISITOR, TenantRef
from kernel.clock import now
from kernel.database import Database, ReadSession, TenantSession
from kernel.errors import ProductError
from kernel.ids import reference, token, uuid7
from kernel.money import Money
from ledger import bookings, chart, holds
from ledger import queries as ledger_queries
from ledger.lines import credit, debit
from treasury import deposits, queries, settlements, transitions
from treasury.models import CashierPayment, CashierSession
from treasury.offers import queries as offer_queries
from treasury.rules import Fact
from treasury.withdrawals import facts, policies, rules
from treasury.withdrawals import queries as withdrawal_queries
from treasury.withdrawals.facts import Wish

SESSION = timedelta(minutes=30)
_VERIFIED = 2  # identity and address are checked


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def open_session(session: TenantSession, *, client_id: UUID, connection_id: UUID) -> str:
    """Let a client into an inverted provider's cashier; return the token that it calls back with.

    Only its digest is kept, for half an hour.
    """
    secret = token()
    session.add(
        CashierSession(
            id=uuid7(),
            connection_id=connection_id,
            client_id=client_id,
            token_digest=_digest(secret),
            expires_at=now() + SESSION,
        )
    )
    audit.record(session, "treasury.cashier_opened", subject=("client", client_id))
    return secret


@dataclass(frozen=True, slots=True)
class Cashier:
    """The `HoldBook` of one connection of a brokerage."""

    database: Database
    tenant: TenantRef
    connection_id: UUID

    async def profile(self, ask: Ask) -> Mapping[str, str]:
        """Return the user's profile and balance; the session must be theirs and live."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await offer_queries.cashier_session(
                session, connection_id=self.connection_id, digest=_digest(ask.session)
            )
            client = None if found is None else await _client(session, found.client_id)
            if found is None or client is None or found.expires_at <= now():
                raise _ended()
            if client.reference != ask.user:
                raise _ended()
            currency = self.tenant.base_currency
            wallet = await ledger_queries.balance(
                session,
                code=chart.CLIENT_WALLET,
                currency=currency,
                owner=("client", client.id),
            )
        return {
            "first_name": client.first_name,
            "last_name": client.last_name,
            "email": client.email,
            "phone": client.phone,
            "country": client.country,
            "locale": client.language,
            "balance": f"{Money(wallet.available, currency).rounded().amount:f}",
            "currency": currency,
        }

    async def reserve(self, ask: Ask) -> Held:
        """Let a deposit begin, or hold a withdrawal's money; once for a transaction."""
        if ask.amount is None or ask.amount.amount <= 0:
            raise HoldRefused("amount", "The amount can't be read.")
        async with self.database.tenant(self.tenant, actor=VISITOR) as session:
            client = await client_queries.client_by_reference(session, ask.user)
            if client is None or not await offer_queries.has_cashier_session(
                session, connection_id=self.connection_id, client_id=client.id, moment=now()
            ):
                raise _ended()
            known = await offer_queries.locked_cashier_payment(
                session, connection_id=self.connection_id, transaction=ask.transaction[:60]
            )
            if known is not None:
                if not _is_same(known, ask, client) or known.state == "released":
                    raise _other()
                return Held(known.reference, known.auth_code)
            try:
                made = await self._reserved(session, client, ask)
            except ProductError as error:
                raise HoldRefused(error.code, error.text) from None
            session.add(made)
            return Held(made.reference, made.auth_code)

    async def settle(self, ask: Ask) -> Held:
        """Credit the deposit, or turn the hold into a payment; once for a code."""
        async with self.database.tenant(self.tenant, actor=VISITOR) as session:
            payment = await self._payment(session, ask)
            if payment.state == "released":
                raise HoldRefused("released", "This payment was cancelled.")
            if payment.state == "settled":
                return Held(payment.reference, payment.auth_code)
            amount = Money(payment.amount, payment.currency)
            if ask.amount != amount or ask.direction != payment.direction:
                raise _other()
            if payment.direction == "deposit":
                await self._credit(session, payment, ask, amount)
            else:
                assert payment.hold_id is not None
                await holds.post(
                    session,
                    hold_id=payment.hold_id,
                    key=f"cashier-payment:{payment.id}",
                    kind="withdrawal",
                    lines=[
                        debit(*bookings.wallet(payment.client_id), amount),
                        credit(*bookings.clearing(self.connection_id), amount),
                    ],
                    reference=payment.reference,
                    external_reference=f"{self.connection_id}:{payment.transaction}",
                )
            self._close(session, payment, "settled")
            return Held(payment.reference, payment.auth_code)

    async def release(self, ask: Ask) -> Held:
        """Forget the deposit, or free the held money; once for a code."""
        async with self.database.tenant(self.tenant, actor=VISITOR) as session:
            payment = await self._payment(session, ask)
            if payment.state == "settled":
                raise HoldRefused("settled", "This payment is done; it can't be cancelled.")
            if payment.state == "reserved":
                if payment.hold_id is not None:
                    await holds.void(session, hold_id=payment.hold_id, reason="Cancelled there.")
                if payment.deposit_id is not None:
                    deposit = await queries.locked_deposit(session, payment.deposit_id)
                    assert deposit is not None
                    fact = Fact("failed", "", None, None, error=ask.error[:60])
                    await settlements.apply(session, [(deposit, fact)])
                self._close(session, payment, "released")
            return Held(payment.reference, payment.auth_code)

    async def _reserved(self, session: TenantSession, client: Client, ask: Ask) -> CashierPayment:
        assert ask.amount is not None
        made = CashierPayment(
            id=uuid7(),
            connection_id=self.connection_id,
            transaction=ask.transaction[:60],
            client_id=client.id,
            direction=ask.direction,
            amount=ask.amount.amount,
            currency=ask.amount.currency,
            reference="",
            auth_code=token(),
            state="reserved",
        )
        if ask.direction == "deposit":
            deposit = await deposits.start(
                session,
                client_id=client.id,
                account_id=None,
                amount=ask.amount,
                connection_id=self.connection_id,
            )
            deposit.session_ref = ask.transaction[:200]
            transitions.move(session, deposit, "pending", reason="Authorized at the cashier.")
            made.deposit_id, made.reference = deposit.id, deposit.reference
            return made
        await restrictions.require_free(session, client_id=client.id, kind="withdraw")
        if client.kyc_level < _VERIFIED:
            raise HoldRefused("kyc", "Verify your identity first; then you can withdraw.")
        await self._require_payable(session, client, ask.amount)
        made.reference = reference("CSH")
        made.hold_id = await holds.reserve(
            session,
            key=f"cashier:{self.connection_id}:{made.transaction}",
            code=chart.CLIENT_WALLET,
            currency=made.currency,
            owner=("client", client.id),
            amount=made.amount,
            reference=made.reference,
        )
        audit.record(
            session,
            "treasury.cashier_reserved",
            subject=("cashier_payment", made.id),
            after=ask.amount.as_json(),
        )
        return made

    async def _require_payable(self, session: TenantSession, client: Client, amount: Money) -> None:
        """Raise HoldRefused for what may not leave here without anybody looking at it.

        A cashier gives back what came in through it, and only as much in a day as needs nobody's
        approval: the rest is asked for on the page for withdrawals.
        """
        # Requests of one client come one after the other, so that what is counted stays true.
        await withdrawal_queries.lock_client(session, client.id)
        known, _ = await facts.gather(session, client, Wish(amount, None, None))
        if found := rules.problems(known):
            raise HoldRefused(found[0].code, f"{found[0].title} {found[0].fix}")
        at, moment = (client.id, self.connection_id), now()
        since = moment - rules.SOURCE_WINDOW
        left = sum(
            (one.remaining for one in known.sources if one.connection_id == self.connection_id),
            -await offer_queries.cashier_payouts(session, *at, amount.currency, since=since),
        )
        if left < amount.amount:
            raise HoldRefused("method", "Only what you paid in here can go back here.")
        since = moment - timedelta(days=1)
        today = await offer_queries.cashier_payouts(session, *at, amount.currency, since=since)
        worth, _ = await facts.base_amount(session, Money(amount.amount + today, amount.currency))
        if rules.chain(worth, [], await policies.ladder(session)):
            raise HoldRefused("approval", "Ask for this amount on the page for withdrawals.")

    async def _payment(self, session: TenantSession, ask: Ask) -> CashierPayment:
        """Return what a code names, locked; raise HoldRefused for another user's or none."""
        found = await offer_queries.locked_cashier_payment(
            session, connection_id=self.connection_id, transaction=ask.transaction[:60]
        )
        client = None if found is None else await _client(session, found.client_id)
        if found is None or client is None or found.auth_code != ask.auth_code:
            raise _unknown()
        if client.reference != ask.user:
            raise _unknown()
        return found

    async def _credit(
        self, session: TenantSession, payment: CashierPayment, ask: Ask, amount: Money
    ) -> None:
        assert payment.deposit_id is not None
        deposit = await queries.locked_deposit(session, payment.deposit_id)
        assert deposit is not None
        fee = ask.fee if ask.fee is not None and ask.fee.amount > 0 else None
        name = (ask.provider_ref or payment.transaction)[:120]
        await settlements.apply(session, [(deposit, Fact("succeeded", name, amount, fee))])

    @staticmethod
    def _close(session: TenantSession, payment: CashierPayment, state: str) -> None:
        payment.state, payment.closed_at = state, now()
        audit.record(
            session,
            f"treasury.cashier_{state}",
            subject=("cashier_payment", payment.id),
            before={"state": "reserved"},
            after={"state": state},
        )


def _ended() -> HoldRefused:
    return HoldRefused("session", "The session has ended. Open the cashier again.")


def _unknown() -> HoldRefused:
    return HoldRefused("unknown", "This payment is not known here.")


def _other() -> HoldRefused:
    return HoldRefused("other", "This payment was authorized with other content.")


def _is_same(known: CashierPayment, ask: Ask, client: Client) -> bool:
    amount = Money(known.amount, known.currency)
    return (known.client_id, known.direction, amount) == (client.id, ask.direction, ask.amount)


async def _client(session: TenantSession | ReadSession, client_id: UUID) -> Client | None:
    return await client_queries.client(session, client_id)
