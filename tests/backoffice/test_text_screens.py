"""A brokerage words the product's texts itself: pages, mails, files, and nobody else's."""

from __future__ import annotations

import asyncio
import html
import re

import asyncpg
import pytest

from backoffice import subscribers
from backoffice.events import TextsChanged
from kernel.actor import TenantRef
from tenants.ports import Ports
from tests.factories import people as staff
from tests.fixtures.database import ALPHA
from tests.fixtures.web import Browser, another_web, host
from tests.tradersroom import people
from themes import formats, texts

TEAM, MY, WWW = host("team"), host("my"), host("www")
HERE = "/settings/texts"
LAYOUT, MACRO, FORM_ERROR, SUBJECT = (
    "Your documents are stored encrypted",
    "Show",
    "Enter an address such as name@example.com.",
    "Confirm your e-mail address for %(brand)s",
)
COUNTED = "%d code is left."


def where(text: str, language: str = "en") -> str:
    """Return the address of a text."""
    assert texts.hash_of(text) in texts.every(), text
    return f"{HERE}/{language}/{texts.hash_of(text)}"


async def sign_in(browser: Browser, ports: Ports, tenant: TenantRef, role: str = "admin") -> None:
    """Sign a new member of staff in and open the list."""
    async with ports.database.tenant(tenant) as session:
        user = await staff.staff(session, role, password=staff.PASSWORD)
    team = host("team", tenant.slug)
    await browser.log_in(team, user.email, staff.PASSWORD)
    await browser.get(team, HERE)


async def seen(browser: Browser, path: str) -> str:
    """Open a text and return the version that its form holds."""
    page = await browser.get(TEAM, path)
    found = re.search(r'name="seen" value="(\d+)"', page.text)
    assert found is not None, page.status_code
    return found.group(1)


async def write(browser: Browser, text: str, *forms: str, language: str = "en") -> int:
    """Write a text in the form and return the status."""
    path = where(text, language)
    values = {f"form_{at}": form for at, form in enumerate(forms)}
    answer = await browser.post(TEAM, path, {**values, "seen": await seen(browser, path)})
    return answer.status_code


async def spoken(ports: Ports, tenant: TenantRef) -> None:
    """Do what the worker does after a change."""
    await subscribers.reword(ports.database, tenant, TextsChanged(1), client=ports.redis)


async def rows(superuser: asyncpg.Connection, schema: str = "t_alpha") -> list[tuple[str, ...]]:
    """Return language, key and forms of what is stored."""
    found = await superuser.fetch(f"SELECT language, key, forms FROM {schema}.text_override")
    return sorted((row["language"], row["key"], *row["forms"]) for row in found)


async def test_own_texts_are_on_every_page_and_in_every_mail_of_their_brokerage_alone(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Layout, macro, form error, mail; escaped; never another's, and never on staff pages."""
    await sign_in(browser, ports, tenant)
    before = Browser(another_web(ports))
    assert LAYOUT in (await before.get(MY, "/login")).text
    for text, own in (
        (LAYOUT, "Locked <b>away</b> & safe"),
        (MACRO, "Reveal"),
        (FORM_ERROR, "That is no address, we think."),
        (SUBJECT, "Last step at %(brand)s"),
    ):
        assert await write(browser, text, own) == 303
    await spoken(ports, tenant)

    wrong = people.form(email="nobody")
    for at, expected in ((tenant, True), (other_tenant, False), (tenant, True)):
        visitor = Browser(another_web(ports))
        my = host("my", at.slug)
        login = (await visitor.get(my, "/login")).text
        await visitor.get(my, "/register")
        refused = (await visitor.post(my, "/register", wrong)).text
        team = (await visitor.get(host("team", at.slug), "/login")).text
        german = (await visitor.get(my, "/login?lang=de")).text
        assert ("Locked &lt;b&gt;away&lt;/b&gt; &amp; safe" in login) is expected
        assert (LAYOUT in login) is not expected
        assert (">Reveal<" in login) is expected
        assert ("That is no address, we think." in html.unescape(refused)) is expected
        assert (FORM_ERROR in html.unescape(refused)) is not expected
        assert "Reveal" not in team
        assert "Reveal" not in german
        await visitor.close()
    for at, subject in ((tenant, "Last step at Alpha Markets"), (other_tenant, "Confirm your")):
        visitor = Browser(another_web(ports))
        await people.register(visitor, ports, tenant=at)
        mail = await people.letter(ports, at, to="sofia@mail.example", template="verify_email")
        assert mail.subject.startswith(subject)
        await visitor.close()
    await before.close()


async def test_a_change_is_shown_by_a_process_that_has_the_old_text_in_memory(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """Two processes are told; each asks the database once for a version, whatever is opened."""
    await sign_in(browser, ports, tenant)
    webs = [another_web(ports), another_web(ports)]
    jars = [Browser(web) for web in webs]
    told = [asyncio.create_task(web._resolver.listen(ports.redis)) for web in webs]
    try:
        for own in ("First words", "Second words"):
            for jar in jars:
                await jar.get(MY, "/login")
            assert await write(browser, LAYOUT, own) == 303
            await spoken(ports, tenant)
            for jar in jars:
                for _ in range(100):
                    if own in (await jar.get(MY, "/login")).text:
                        break
                    await asyncio.sleep(0.02)
                assert own in (await jar.get(MY, "/login")).text
    finally:
        for task in told:
            task.cancel()
        await asyncio.gather(*told, return_exceptions=True)
        for jar in jars:
            await jar.close()


async def test_a_request_reads_own_texts_once_for_a_version(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """What is in the table without a new version is not looked at."""
    await sign_in(browser, ports, tenant)
    assert await write(browser, LAYOUT, "Kept words") == 303
    await spoken(ports, tenant)
    visitor = Browser(another_web(ports))
    first = (await visitor.get(MY, "/login")).text
    await superuser.execute("UPDATE t_alpha.text_override SET forms = '{Slipped in}'")
    later = (await visitor.get(MY, "/login")).text
    await visitor.close()

    assert "Kept words" in first
    assert "Kept words" in later
    assert "Slipped in" not in later


@pytest.mark.parametrize(
    "case",
    [
        (
            SUBJECT,
            "Confirm your address",
            "Keep exactly what is filled in, in this order: %(brand)s",
        ),
        (SUBJECT, "Confirm %(bran)s", "Keep exactly what is filled in"),
        (SUBJECT, "%(brand)s and %(brand)s", "Keep exactly what is filled in"),
        (SUBJECT, "100% at %(brand)s", "Write a percent sign as %%"),
        (LAYOUT, "Give us %s", "Nothing is filled into this text"),
        (LAYOUT, "{{ brand.name }}", "Nothing is filled into this text"),
        (LAYOUT, "{% if x", "Leave out double braces"),
        (LAYOUT, "two\nlines", "Write one line"),
        (LAYOUT, "turned \u202e round", "Write one line"),
        (LAYOUT, "x" * 200, "Use at most 105 characters; this has 200."),
        (LAYOUT, "   ", "Write the text, or take the product"),
    ],
)
async def test_what_would_break_a_page_is_refused_and_stays_typed(
    browser: Browser, ports: Ports, superuser: asyncpg.Connection, case: tuple[str, str, str]
) -> None:
    """The error stands beside the field; nothing is stored."""
    text, typed, why = case
    await sign_in(browser, ports, ALPHA)
    path = where(text)
    answer = await browser.post(TEAM, path, {"form_0": typed, "seen": await seen(browser, path)})

    assert answer.status_code == 422
    assert why in html.unescape(answer.text)
    assert typed.strip() in html.unescape(answer.text)
    assert await rows(superuser) == []


async def test_every_form_of_a_counted_text_is_written(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Arabic has six; one that loses its number is named, the others stay typed."""
    await sign_in(browser, ports, tenant)
    own = [f"{'%d'} رمز {at}" for at in range(6)]
    path = where(COUNTED, "ar")
    values = {f"form_{at}": form for at, form in enumerate(own)}
    version = await seen(browser, path)
    refused = await browser.post(TEAM, path, {**values, "form_3": "رمز", "seen": version})
    taken = await browser.post(TEAM, path, {**values, "seen": version})

    assert refused.status_code == 422
    assert refused.text.count('aria-invalid="true"') == 1
    assert own[5] in html.unescape(refused.text)
    assert taken.status_code == 303
    assert await rows(superuser) == [("ar", COUNTED, *own)]


async def test_of_two_who_write_at_once_the_later_is_told_and_loses_nothing(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Also when the first took the text back; saving again puts theirs in its place."""
    await sign_in(browser, ports, tenant)
    path = where(LAYOUT)
    old = await seen(browser, path)
    assert await write(browser, LAYOUT, "By the first") == 303
    late = await browser.post(TEAM, path, {"form_0": "By the second", "seen": old})
    held = re.search(r'name="seen" value="(\d+)"', late.text)
    assert held is not None
    again = await browser.post(TEAM, path, {"form_0": "By the second", "seen": held.group(1)})

    assert late.status_code == 409
    assert "By the second" in late.text
    assert "By the first" in late.text
    assert again.status_code == 303
    assert await rows(superuser) == [("en", LAYOUT, "By the second")]
    stale = held.group(1)
    gone = await browser.post(TEAM, path, {"action": "reset", "seen": await seen(browser, path)})
    behind = await browser.post(TEAM, path, {"form_0": "By the third", "seen": stale})
    assert (gone.status_code, behind.status_code) == (303, 409)
    assert await rows(superuser) == []


async def test_every_change_is_in_the_trail_with_before_and_after(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Written, changed, taken back by typing the product's own words."""
    await sign_in(browser, ports, tenant)
    for own in ("One", "Two", LAYOUT):
        assert await write(browser, LAYOUT, own) == 303
    found = await superuser.fetch(
        "SELECT before->'forms'->>0 AS old, after->'forms'->>0 AS new FROM t_alpha.audit_entry"
        " WHERE action = 'backoffice.text.change' ORDER BY at"
    )
    told = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.outbox WHERE topic = 'backoffice.texts_changed'"
    )

    assert [tuple(row) for row in found] == [(None, "One"), ("One", "Two"), ("Two", None)]
    assert await rows(superuser) == []
    assert told == 3


async def test_the_list_is_searched_filtered_and_paged(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """Fifty a page by key; the brokerage's own words are found as the product's are."""
    await sign_in(browser, ports, tenant)
    assert await write(browser, LAYOUT, "Sicher verwahrt bei uns", language="de") == 303
    whole = await browser.get(TEAM, f"{HERE}?language=de")
    own = await browser.get(TEAM, f"{HERE}?state=own")
    found = await browser.get(TEAM, f"{HERE}?q=verwahrt+sicher")
    mails = await browser.get(TEAM, f"{HERE}?surface=messages&language=en")
    missing = await browser.get(TEAM, f"{HERE}?state=missing")
    keys = []
    path = f"{HERE}?language=de"
    while path:
        page = (await browser.get(TEAM, path)).text
        keys += re.findall(rf'href="{HERE}/de/([0-9a-f]{{32}})', page)
        following = re.search(r'href="([^"]+)"[^>]*rel="next"|rel="next"[^>]*href="([^"]+)"', page)
        found_next = next(filter(None, following.groups()), "") if following else ""
        path = html.unescape(found_next)

    assert whole.text.count("<tr>") == 51
    assert own.text.count("Sicher verwahrt bei uns") == 1
    assert found.text.count(f"{HERE}/de/{texts.hash_of(LAYOUT)}") == 1
    assert formats.gaps(SUBJECT) in mails.text
    assert "Nothing here matches" in missing.text
    assert len(keys) == len(set(keys))
    assert set(keys) == set(texts.every())


async def test_who_may_read_does_not_write_and_strangers_see_nothing(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Support reads; dealing has no such page; another brokerage's texts are not here."""
    await sign_in(browser, ports, other_tenant)
    beta = host("team", other_tenant.slug)
    path = where(LAYOUT)
    await browser.get(beta, path)
    assert (await browser.post(beta, path, {"form_0": "Beta's", "seen": "0"})).status_code == 303
    await sign_in(browser, ports, tenant, "support")
    page = await browser.get(TEAM, path)
    write_it = await browser.post(TEAM, path, {"form_0": "No", "seen": "0"})
    read = await browser.post(TEAM, f"{HERE}/file", {"language": "en"})
    dealer = Browser(another_web(ports))
    await sign_in(dealer, ports, tenant, "dealing")
    refused = [(await dealer.get(TEAM, one)).status_code for one in (HERE, path, f"{HERE}/file")]
    await dealer.close()

    assert page.status_code == 200
    assert "Beta's" not in html.unescape(page.text)
    assert 'name="form_0"' not in page.text
    assert (write_it.status_code, read.status_code) == (403, 403)
    assert refused == [403, 403, 403]
    for nowhere in (f"{HERE}/en/{'0' * 32}", f"{HERE}/xx/{texts.hash_of(LAYOUT)}"):
        assert (await browser.get(TEAM, nowhere)).status_code == 404
