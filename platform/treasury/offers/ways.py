"""The ways a client can pay: what provider files say, narrowed by the brokerage's own rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from connectors.payments.engine import provider_files, routing
from connectors.payments.engine.definitions import Fee, Limit, Method, Provider, Show
from connectors.payments.engine.failures import ValueUnusable
from connectors.payments.engine.pricing import Price, misfit, price
from kernel.money import Money
from treasury.models import PspConnection, PspCurrency, PspMethod
from treasury.offers import queries
from treasury.offers.queries import Session


@dataclass(frozen=True, slots=True)
class Payer:
    """What decides which ways are open to somebody."""

    country: str = ""
    kyc_level: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """One method of one connection in one currency, with what counts for this brokerage."""

    connection_id: UUID
    connection: str
    provider: str
    environment: str
    weight: int
    show: Show
    title: str
    method: Method
    currency: str

    @property
    def id(self) -> str:
        """What routing calls it: a connection may reach one method under two codes."""
        return f"{self.connection_id}:{self.method.id}"

    @property
    def smallest(self) -> Money:
        """The smallest payment."""
        return Money(self.method.limits[self.currency].smallest, self.currency)

    @property
    def largest(self) -> Money:
        """The largest payment."""
        return Money(self.method.limits[self.currency].largest, self.currency)

    def price(self, amount: Money) -> Price:
        """Return what a deposit costs and who bears it."""
        return price(self.method, "deposit", amount)


async def ways(
    session: Session, *, payer: Payer, title: str = "", connection_id: UUID | None = None
) -> list[Way]:
    """Return the ways that are open to a payer, the best first, each once for a currency.

    What a country or a level of verification rules out is not among them.
    """
    found = []
    for row in await queries.open_methods(session, title=title, connection_id=connection_id):
        way = _way(*row)
        if way is not None and not _closed_to(way, payer) and _has_page(way, connection_id):
            found.append(way)
    return found


async def route(
    session: Session, *, title: str, amount: Money, payer: Payer, now: datetime
) -> list[Way]:
    """Return the ways for a payment by a title, in the order in which they are tried."""
    fitting = [
        way
        for way in await ways(session, payer=payer, title=title)
        if way.currency == amount.currency
    ]
    by_id = {way.id: way for way in fitting}
    attempts = defaultdict(list)
    ids = sorted({way.connection_id for way in fitting})
    since = now - routing.WINDOW
    for one in await queries.attempts(session, connection_ids=ids, since=since):
        attempts[one.connection_id].append(routing.Attempt(one.outcome, one.at))  # type: ignore[arg-type]
    connections = [
        routing.Connection(
            id=way.id,
            method=way.method,
            weight=way.weight,
            attempts=attempts[way.connection_id],
        )
        for way in fitting
    ]
    want = routing.Want(amount, country=payer.country, kyc_level=payer.kyc_level)
    rules = [
        routing.Rule(
            connections=tuple(
                way.id
                for one in row.connection_ids
                for way in fitting
                if str(way.connection_id) == one
            ),
            countries=frozenset(row.countries),
            currencies=frozenset(row.currencies),
            bins=tuple(row.bins),
            smallest=row.amount_min,
            largest=row.amount_max,
            avoid=row.avoid,
        )
        for row in await queries.rules(session)
    ]
    found = routing.route(want, connections, rules, now=now)
    return [by_id[one] for one in found.ways]


def method_of(provider: Provider, method_id: str, *, title: str) -> Method:
    """Return a provider's method by its id or code; one that the file only lists, bare."""
    known = next((one for one in provider.methods if one.id == method_id), None)
    return known or Method(
        id=method_id,
        code=method_id,
        name=title,
        currencies=(),
        countries=(),
        limits={},
        fees={},
        kyc_level=0,
        settlement="",
        arrival="",
    )


def _way(connection: PspConnection, row: PspMethod, taken: PspCurrency) -> Way | None:
    provider = provider_files.catalogue().get(connection.provider)
    if provider is None or not provider.enabled:
        return None
    method = method_of(provider, row.method, title=row.title)
    if method.currencies and taken.currency not in method.currencies:
        return None
    narrowest = Limit(taken.amount_min, taken.amount_max)
    theirs = method.limits.get(taken.currency)
    if theirs is not None:
        narrowest = Limit(
            max(narrowest.smallest, theirs.smallest), min(narrowest.largest, theirs.largest)
        )
    fees = dict(method.fees)
    if taken.fee_percent is not None or taken.fee_fixed is not None:
        payer = "client" if taken.fee_payer == "client" else "merchant"
        fees["deposit"] = Fee(
            taken.fee_percent or narrowest.smallest * 0,
            taken.fee_fixed or narrowest.smallest * 0,
            taken.currency,
            payer,  # type: ignore[arg-type]
        )
    method = replace(
        method,
        limits={taken.currency: narrowest},
        fees=fees,
        countries=tuple(row.countries) or method.countries,
        kyc_level=max(row.kyc_level, method.kyc_level),
    )
    return Way(
        connection_id=connection.id,
        connection=connection.name,
        provider=connection.provider,
        environment=connection.environment,
        weight=connection.weight,
        show=provider.capabilities.deposit,
        title=row.title,
        method=method,
        currency=taken.currency,
    )


def _has_page(way: Way, connection_id: UUID | None) -> bool:
    """Whether a client can choose it: a provider's own cashier begins payments by itself."""
    return way.show != "inverted" or connection_id is not None


def _closed_to(way: Way, payer: Payer) -> bool:
    """Whether a way is not for this payer, whatever the amount; or can't be priced exactly."""
    amount = way.smallest
    try:
        way.price(amount)
    except ValueUnusable:
        return True
    return bool(misfit(way.method, amount, country=payer.country, kyc_level=payer.kyc_level))


def titles(found: Sequence[Way]) -> list[str]:
    """Return the titles of ways, each once, in their order."""
    return list(dict.fromkeys(way.title for way in found))
