"""Quotes: what a client is promised for an amount, for a short time and once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.language import gettext, marked
from kernel.money import Money
from ledger import conversions
from ledger.conversions import Conversion
from ledger.lines import Rate
from treasury.rates import queries as rate_queries
from treasury.transfers import queries
from treasury.transfers.models import FxQuote


class QuoteExpired(Conflict):
    """The time of the quote is over; nothing was moved."""

    code = "quote_expired"
    message = marked("This rate has expired and nothing was moved. Look at the new one.")


class QuoteUsed(Conflict):
    """The quote has been used for another transfer, or says something else."""

    code = "quote_used"
    message = marked("This rate belongs to another transfer. Look at a new one.")


async def make(session: TenantSession, *, client_id: UUID, amount: Money, currency: str) -> FxQuote:
    """Promise a client what an amount becomes in another currency, and keep the promise.

    Raises RateMissing, RateStale, and InvalidInput for an amount too small to become anything.
    """
    if amount != amount.rounded() or amount.amount <= 0:
        raise InvalidInput({"amount": gettext("Enter a positive amount in whole minor units.")})
    found = await rate_queries.rate(session, amount.currency, currency)
    made = conversions.convert(amount, found.rate)
    if made.bought.amount <= 0:
        raise InvalidInput({"amount": gettext("This amount is too small to convert. Enter more.")})
    moment = await queries.moment(session)
    seconds = (await rate_queries.policy(session)).quote_seconds
    quote = FxQuote(
        id=uuid7(),
        client_id=client_id,
        sold=made.sold.amount,
        currency_from=amount.currency,
        bought=made.bought.amount,
        currency_to=currency,
        client_rate=found.client_rate,
        mid=found.mid,
        percent=found.percent,
        source=found.source,
        quoted_at=found.quoted_at,
        created_at=moment,
        expires_at=moment + timedelta(seconds=seconds),
    )
    session.add(quote)
    await session.flush()
    return quote


async def use(
    session: TenantSession, *, quote_id: UUID, client_id: UUID, amount: Money, currency: str
) -> FxQuote:
    """Use a client's quote up for exactly its amount, by the database's clock.

    Raises NotFound for somebody else's, QuoteUsed and QuoteExpired.
    """
    quote = await queries.quote_for_update(session, quote_id)
    if quote is None or quote.client_id != client_id:
        raise NotFound
    says = (quote.sold, quote.currency_from, quote.currency_to)
    if quote.used_at is not None or says != (amount.amount, amount.currency, currency):
        raise QuoteUsed
    moment = await queries.moment(session)
    if quote.expires_at <= moment:
        raise QuoteExpired
    quote.used_at = moment
    return quote


def conversion_of(quote: FxQuote) -> Conversion:
    """Return what a quote promised, as the book posts it."""
    rate = Rate(
        quote.currency_from,
        quote.currency_to,
        quote.client_rate,
        quote.mid,
        quote.source,
        quote.quoted_at,
    )
    return conversions.convert(Money(quote.sold, quote.currency_from), rate)
