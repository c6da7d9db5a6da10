"""Every list of the staff: each filter, order, column and file; views that are pinned."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from backoffice import deal_list, deposits, kyc_list, partner_list, trail
from crm import account_list, client_list, lead_list_screens
from identity.listings.listing import Listing
from identity.models import RolePermission, UserAccount
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.web.table import Column
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM = host("team")
LISTS: list[Listing[Any]] = [
    lead_list_screens.LISTING,
    client_list.LISTING,
    account_list.LISTING,
    kyc_list.LISTING,
    deposits.LISTING,
    deal_list.LISTING,
    partner_list.LISTING,
    trail.LISTING,
]
NAMES = [one.table.name for one in LISTS]
_TYPED = {
    "_min": "1",
    "_max": "90",
    "_from": "2026-01-01",
    "_to": "2026-12-31",
    "": "50%_\\'",
}


async def _enter(browser: Browser, database: Database, tenant: TenantRef) -> UserAccount:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, "owner", password=people.PASSWORD)
        await people.client(session)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, "/crm/leads")
    return user


def _values(column: Column) -> dict[str, str]:
    """Return something to type into each field of a column's filter."""
    if column.kind == "choice":
        typed = {"owner": "none", "currency": "EUR"}.get(column.name, "DE")
        return {column.name: column.choices[0][0] if column.choices else typed}
    return {name: _TYPED[name.removeprefix(column.name)] for name in column.parameters}


@pytest.mark.parametrize("listing", LISTS, ids=NAMES)
async def test_every_filter_and_order_of_a_list_is_answered(
    browser: Browser, database: Database, tenant: TenantRef, listing: Listing[Any]
) -> None:
    """No value of the right kind is refused, no order fails, and every column can be shown."""
    await _enter(browser, database, tenant)
    table = listing.table
    for column in table.columns:
        for name, value in (_values(column) if column.filtered else {}).items():
            answer = await browser.get(TEAM, f"{table.path}?{urlencode({name: value})}")
            assert answer.status_code == 200, (name, value)
            assert "Part of this address" not in answer.text, (name, value)
        for sort in (column.name, f"-{column.name}") if column.sortable else ():
            answer = await browser.get(TEAM, f"{table.path}?view=all&sort={sort}&q=zz%25")
            assert answer.status_code == 200, sort
            assert "such order" not in answer.text
    columns = ",".join(column.name for column in table.columns)
    wide = await browser.get(TEAM, f"{table.path}?cols={columns}")
    broken = await browser.get(TEAM, f"{table.path}?after=nonsense&before=%00")
    assert wide.status_code == broken.status_code == 200


@pytest.mark.parametrize("listing", LISTS, ids=NAMES)
async def test_every_list_goes_out_as_a_file_for_a_reason_and_with_a_permission(
    browser: Browser, database: Database, tenant: TenantRef, listing: Listing[Any]
) -> None:
    """Both kinds of file have all columns; no reason or no permission gives none."""
    await _enter(browser, database, tenant)
    columns = ",".join(column.name for column in listing.table.columns)
    form = {"query": f"cols={columns}", "reason": "A test of files"}
    for kind in ("csv", "xlsx"):
        path = f"{listing.table.path}/export"
        answer = await browser.post(TEAM, path, {**form, "format": kind})
        assert answer.status_code == 200, answer.text
        assert "attachment" in answer.headers["content-disposition"]
    without = await browser.post(TEAM, path, {**form, "format": "csv", "reason": ""})
    async with database.tenant(tenant) as session:
        await session.delete(await session.get_one(RolePermission, ("owner", listing.export)))
    refused = await browser.post(TEAM, path, {**form, "format": "csv"})

    assert without.status_code == 422
    assert refused.status_code == 403
    head = (await browser.get(TEAM, f"{listing.table.path}?panel=export")).text
    assert "/export" not in head


def _tabs(text: str) -> list[tuple[str, str]]:
    nav = text.split('<nav class="tabs"', 1)[1].split("</nav>", 1)[0]
    found = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', nav, re.DOTALL)
    words = [(html.unescape(href), re.sub(r"<[^>]+>", " ", text).split()) for href, text in found]
    return [(href, " ".join(one)) for href, one in words]


async def test_pinned_views_are_the_first_tabs_in_ones_own_order(
    browser: Browser, web: object, database: Database, tenant: TenantRef
) -> None:
    """With counts; a colleague has no tabs of mine; moved, unpinned, renamed, deleted."""
    await _enter(browser, database, tenant)
    place = "/crm/clients"
    for name, query in (("German", "country=DE"), ("New ones", "status=registered")):
        form = {"query": query, "name": name, "pinned": "yes", "shared": "yes"}
        await browser.post(TEAM, f"{place}/views", form)
    colleague = Browser(web)  # type: ignore[arg-type]
    await _enter(colleague, database, tenant)
    theirs = _tabs((await colleague.get(TEAM, place)).text)
    shown = await browser.get(TEAM, f"{place}?panel=view")
    first, second = re.findall(r"views/([0-9a-f-]{36})/rename", shown.text)

    async def change(view: str, verb: str, name: str = "") -> str:
        answer = await browser.post(TEAM, f"{place}/views/{view}/{verb}", {"name": name})
        return "" if answer.status_code == 303 else answer.text

    tabs = _tabs((await browser.get(TEAM, place)).text)
    await change(second, "earlier")
    moved = _tabs((await browser.get(TEAM, place)).text)
    await change(first, "unpin")
    clash = await change(second, "rename", "German")
    await change(second, "rename", "Newcomers")
    renamed = _tabs((await browser.get(TEAM, place)).text)
    for verb in ("rename", "delete"):
        path = f"{place}/views/{second}/{verb}"
        assert (await colleague.post(TEAM, path, {"name": "Mine"})).status_code == 404
    await change(second, "delete")
    deleted = _tabs((await browser.get(TEAM, place)).text)
    await colleague.close()

    assert [words for _, words in tabs[:2]] == ["German 0", "New ones 2"]
    assert theirs[0][1].startswith("All")
    assert [href for href, _ in moved[:2]] == [tabs[1][0], tabs[0][0]]
    assert "You have a view of this name" in clash
    assert renamed[0][1].startswith("Newcomers")
    assert renamed[1][1].startswith("All")
    assert deleted[0][1].startswith("All")


async def test_a_list_opens_with_the_view_somebody_chose(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The bare address leads there; everything has an address of its own meanwhile."""
    await _enter(browser, database, tenant)
    for place in ("/crm/leads", "/crm/clients"):
        await browser.post(TEAM, f"{place}/views", {"query": "country=FR", "name": "French"})
        shown = await browser.get(TEAM, f"{place}?panel=view")
        found = re.search(r"views/([0-9a-f-]{36})/rename", shown.text)
        assert found
        await browser.post(TEAM, f"{place}/views/{found.group(1)}/first")
        bare = await browser.get(TEAM, place)
        french = await browser.get(TEAM, bare.headers["location"])
        everything = await browser.get(TEAM, f"{place}?view=all")
        await browser.post(TEAM, f"{place}/views/{found.group(1)}/unfirst")

        assert bare.headers["location"] == f"{place}?country=FR"
        assert f'href="{place}?view=all"' in french.text
        assert everything.status_code == 200
        assert (await browser.get(TEAM, place)).status_code == 200


async def test_the_queue_opens_with_what_waits(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Cases in review first, and all of them one tab away."""
    await _enter(browser, database, tenant)
    bare = await browser.get(TEAM, "/backoffice/kyc")
    tabs = {words.split()[0]: href for href, words in _tabs(bare.text)}

    assert tabs["All"] == "/backoffice/kyc?view=all"
    assert 'aria-current="page">In review' in bare.text
