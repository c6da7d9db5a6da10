"""Rates come in, are added to, and are quoted, in the database of a brokerage."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from connectors.fx_rates.file_feed import FileFeed
from connectors.fx_rates.http_feed import HttpFeed
from connectors.fx_rates.port import RatesUnavailable
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.errors import InvalidInput
from tests.treasury.rates import files
from treasury.rates import markups, queries, references
from treasury.rates.models import EVERY
from treasury.rates.provisioning import demo_rates
from treasury.rates.reference_file import UnreadableRates
from treasury.rates.rules import RateMissing, RateStale

SOON = files.PUBLISHED + timedelta(minutes=1)


async def test_a_file_is_imported_once_however_often_it_comes(
    tenant_session: TenantSession,
) -> None:
    """As CSV it says nothing new either; yesterday of the history does."""
    first = await references.import_file(tenant_session, files.DAILY)
    second = await references.import_file(tenant_session, files.DAILY_CSV)
    third = await references.import_file(tenant_session, files.HISTORY)

    assert [first.new, second.new, third.new] == [3, 0, 1]
    assert first.newest == files.PUBLISHED


async def test_a_corrected_rate_is_one_more_row_and_counts(tenant_session: TenantSession) -> None:
    """What was said first stays in the history."""
    await references.import_file(tenant_session, files.HISTORY)
    await tenant_session.commit()
    await references.import_file(tenant_session, files.HISTORY.replace(b"1.0850", b"1.0851"))

    quote = await queries.rate(tenant_session, "EUR", "USD", at=SOON)
    assert quote.mid == Decimal("1.0851")
    said = await queries.history(tenant_session, currency_from="EUR", currency_to="USD")
    assert [row.mid for row in said] == [Decimal(text) for text in ("1.08", "1.085", "1.0851")]


async def test_a_file_of_tomorrow_is_refused(tenant_session: TenantSession) -> None:
    """It would be quoted as soon as its time came, whatever happens until then."""
    with pytest.raises(UnreadableRates, match="ahead"):
        await references.import_file(tenant_session, files.DAILY.replace(b"2026", b"2126"))


async def test_a_quote_names_both_rates_the_source_and_its_time(
    tenant_session: TenantSession,
) -> None:
    """A pair's own mark-up goes before everybody's; the other side has its own."""
    await references.import_file(tenant_session, files.DAILY)
    await markups.put(tenant_session, sell=EVERY, buy=EVERY, percent=Decimal("0.5"))
    await markups.put(tenant_session, sell="USD", buy="EUR", percent=Decimal(2))
    await markups.put(tenant_session, sell="USD", buy="EUR", percent=Decimal(1))

    there = await queries.rate(tenant_session, "EUR", "USD", at=SOON)
    back = await queries.rate(tenant_session, "USD", "EUR", at=SOON)

    assert (there.mid, there.client_rate, there.percent) == (
        Decimal("1.085"),
        Decimal("1.079575"),
        Decimal("0.5"),
    )
    assert (there.source, there.quoted_at) == ("ECB", files.PUBLISHED)
    assert (back.percent, back.mid) == (Decimal(1), Decimal("0.921658986175"))
    assert back.client_rate == Decimal("0.912442396313")


async def test_what_is_too_old_or_unknown_is_not_quoted(tenant_session: TenantSession) -> None:
    """And a rate of later is not known earlier."""
    await references.import_file(tenant_session, files.DAILY)
    await markups.set_policy(tenant_session, age_hours=24, quote_seconds=30)

    late = files.PUBLISHED + timedelta(hours=24, seconds=1)
    with pytest.raises(RateStale):
        await queries.rate(tenant_session, "EUR", "USD", at=late)
    with pytest.raises(RateMissing):
        await queries.rate(tenant_session, "EUR", "AED", at=SOON)
    with pytest.raises(RateMissing):
        await queries.rate(tenant_session, "EUR", "USD", at=files.PUBLISHED - timedelta(hours=1))


async def test_a_person_can_say_a_rate(tenant_session: TenantSession) -> None:
    """It is newer than the file's, and says whose it is."""
    await references.import_file(tenant_session, files.DAILY)
    await references.say(tenant_session, sell="EUR", buy="USD", mid=Decimal("1.10"))

    quote = await queries.rate(tenant_session, "EUR", "USD")

    assert (quote.mid, quote.source) == (Decimal("1.1"), "manual")


async def test_wrong_numbers_are_named_beside_their_field(tenant_session: TenantSession) -> None:
    """Nothing is stored."""
    with pytest.raises(InvalidInput) as rate:
        await references.say(tenant_session, sell="EUR", buy="EUR", mid=Decimal(0))
    with pytest.raises(InvalidInput) as markup:
        await markups.put(tenant_session, sell="EUR", buy=EVERY, percent=Decimal(21))
    with pytest.raises(InvalidInput) as policy:
        await markups.set_policy(tenant_session, age_hours=0, quote_seconds=4)

    assert set(rate.value.fields) == {"buy", "mid"}
    assert set(markup.value.fields) == {"buy", "percent"}
    assert set(policy.value.fields) == {"age_hours", "quote_seconds"}


@pytest.mark.parametrize("table", ["reference_rate", "rate_markup"])
async def test_rates_and_markups_are_never_changed(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, table: str
) -> None:
    """The database refuses it, even to its owner."""
    async with database.tenant(tenant) as session:
        await references.import_file(session, files.DAILY)
        await markups.put(session, sell=EVERY, buy=EVERY, percent=Decimal(1))

    for statement in ("UPDATE {} SET actor = 'me'", "DELETE FROM {}"):
        with pytest.raises(asyncpg.PostgresError, match="appended, never changed"):
            await superuser.execute(statement.format(f"{tenant.schema}.{table}"))


async def test_a_live_source_is_a_file_at_an_address(
    database: Database, tenant: TenantRef, tmp_path: Path
) -> None:
    """Read again it brings nothing; gone it says so."""
    path = tmp_path / "eurofxref-daily.xml"
    path.write_bytes(files.DAILY)

    found = [await references.fetch(database, tenant, feed=FileFeed(path)) for _ in range(2)]
    path.unlink()

    assert [one.new for one in found] == [3, 0]
    with pytest.raises(RatesUnavailable):
        await references.fetch(database, tenant, feed=FileFeed(path))


async def test_a_live_source_inside_our_own_network_is_not_asked() -> None:
    """The guard of the one HTTP client stands before it."""
    with pytest.raises(RatesUnavailable, match="EgressRefused"):
        await HttpFeed("http://127.0.0.1:9/eurofxref-daily.xml", allow=frozenset()).latest()


async def test_a_demo_has_rates_to_convert_at_from_its_first_minute(
    tenant_session: TenantSession,
) -> None:
    """Twice on one day it makes them once; the brokerage's own mark-up stays."""
    first = await demo_rates(tenant_session)
    await markups.put(tenant_session, sell=EVERY, buy=EVERY, percent=Decimal(1))
    second = await demo_rates(tenant_session)

    quote = await queries.rate(tenant_session, "AED", "USD")
    assert (first, second) == (720, 0)
    assert (quote.source, quote.percent) == ("demo, by EUR", Decimal(1))
    assert quote.mid == Decimal("0.272291515045")
