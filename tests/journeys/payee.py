"""A client who takes money out of a running copy, and what the provider's own records say."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from clients.models import Client
from identity import users
from kernel.actor import Actor
from kernel.money import Money
from ledger import bookings
from ledger import queries as ledger_queries
from tests.fixtures.database import ALPHA
from tests.fixtures.stack import eventually
from tests.journeys.voyage import Voyage
from treasury.withdrawals import codes, queries, requests
from treasury.withdrawals.codes import Proof
from treasury.withdrawals.facts import Wish


@dataclass
class Payee:
    """A verified client with a login and four hundred dollars in the wallet, paid by card."""

    voyage: Voyage
    client: Client
    user_id: UUID

    @classmethod
    async def appear(cls, voyage: Voyage) -> Payee:
        """Let the voyage's client be verified, sign in and pay into the wallet."""
        desk, ports = voyage.desks[0], voyage.wreck.ports
        async with ports.database.tenant(ALPHA) as session:
            client = await session.get(Client, desk.client_id)
            assert client is not None
            client.kyc_level = 2
            user = await users.create(
                session, kind="client", email=client.email, name=client.name, password=None
            )
            await session.flush()
            client.user_id = user.id
        made = cls(voyage, client, user.id)
        await desk.pay(None, "400.00")

        async def arrived() -> bool:
            return await made.left() == 400

        assert await eventually(arrived, seconds=60)
        return made

    async def ask(self, amount: str) -> UUID:
        """Ask for money from the wallet, with a code; it goes back to the card by itself."""
        wish = Wish(Money.of(amount, "USD"), None, None)
        database, vault = self.voyage.wreck.ports.database, self.voyage.wreck.ports.vault
        actor = Actor("client", self.user_id, self.client.name)
        async with database.tenant(ALPHA, actor=actor) as session:
            plan = await requests.check(session, client=self.client, wish=wish)
            assert plan.problems == [], plan.facts
            asked = await codes.ask(session, user_id=self.user_id, binding=plan.binding)
            proof = await codes.accept(
                session,
                user_id=self.user_id,
                binding=plan.binding,
                typed=asked.code,
                vault=vault,
            )
            assert isinstance(proof, Proof), proof
        async with database.tenant(ALPHA, actor=actor) as session:
            made = await requests.request(session, client=self.client, wish=wish, proof=proof)
            assert made.state == "approved", made.state
            return made.id

    async def is_paid(self, withdrawal_id: UUID, *, seconds: float) -> bool:
        """Wait until a withdrawal is paid; say whether it came to that."""

        async def paid() -> bool:
            async with self.voyage.wreck.ports.database.tenant_read(ALPHA) as session:
                found = await queries.withdrawal(session, withdrawal_id)
            return found is not None and found.state == "paid"

        return await eventually(paid, seconds=seconds, every=0.3)

    async def left(self) -> Decimal:
        """Return what is in the wallet."""
        code, owner = bookings.wallet(self.client.id)
        async with self.voyage.wreck.ports.database.tenant_read(ALPHA) as session:
            found = await ledger_queries.balance(session, code=code, currency="USD", owner=owner)
        return found.amount

    def refunds(self) -> int:
        """Count the refunds in the provider's own records."""
        path = Path(self.voyage.wreck.psp.folder.name) / "simulator.sqlite3"
        records = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            [count] = records.execute(
                "SELECT count(*) FROM objects WHERE kind = 'refund'"
            ).fetchone()
            return int(count)
        finally:
            records.close()
