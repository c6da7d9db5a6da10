"""Versions of the brand: drafted, published, scheduled, gone back to, carried in a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from backoffice import queries, schedule, subscribers
from backoffice.events import BrandPublished
from backoffice.models import BrandVersion
from backoffice.settings import brand_files, brand_versions, looks, theme_files
from entrypoints.application import Web
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.errors import Conflict, InvalidInput
from kernel.language import LANGUAGES
from tenants import brands
from tenants.ports import Ports
from tests.factories import pictures
from tests.fixtures.stack import eventually
from tests.fixtures.web import Browser, another_web, host
from themes import brand_texts
from themes.brand_texts import BY_KEY

MY = host("my")
LOOK = {
    "name": "Alpha Prime",
    "main": "#7a1fa2",
    "accent": "#13A89E",
    "radius": "0",
    "density": "compact",
    "font": "system",
}


async def published(ports: Ports, tenant: TenantRef, **values: str) -> BrandVersion:
    """Publish a look, as an administrator does, and put it on, as the worker does."""
    async with ports.database.tenant(tenant) as session:
        await brand_versions.save(session, values={**LOOK, **values}, files={})
        version = await brand_versions.publish(session)
    await worn(ports, tenant, version)
    return version


async def worn(ports: Ports, tenant: TenantRef, version: BrandVersion) -> None:
    """Do what the worker does with the event of a published version."""
    event = BrandPublished(version.id)
    await subscribers.wear(ports.database, tenant, event, client=ports.redis)


@asynccontextmanager
async def alive(web: Web) -> AsyncIterator[Browser]:
    """Start a web process's own life, as the server does, and stop it."""
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(web({"type": "lifespan"}, told.get, said.put))  # type: ignore[arg-type]
    await told.put({"type": "lifespan.startup"})
    await said.get()
    browser = Browser(web)
    yield browser
    await browser.close()
    await told.put({"type": "lifespan.shutdown"})
    await life


async def sheet(browser: Browser) -> str:
    """Return the style sheet that the trader's login page asks for."""
    page = await browser.get(MY, "/login")
    address = page.text.split('href="/theme.css', 1)[1].split('"', 1)[0]
    answer = await browser.get(MY, f"/theme.css{address}")
    return answer.text


async def test_a_published_brand_is_worn_at_once_by_every_process_and_gone_back_from(
    ports: Ports, tenant: TenantRef
) -> None:
    """Two web processes that have the old brand in memory; no process is asked to restart."""
    async with alive(another_web(ports)) as one, alive(another_web(ports)) as two:
        before = [await sheet(browser) for browser in (one, two)]
        first = await published(ports, tenant)

        async def both(colour: str) -> bool:
            return all([colour in await sheet(browser) for browser in (one, two)])

        changed = await eventually(lambda: both("#7a1fa2"), seconds=2, every=0.05)
        page = await one.get(MY, "/login")
        await published(ports, tenant, main="#0f5132")
        again = await eventually(lambda: both("#0f5132"), seconds=2, every=0.05)
        async with ports.database.tenant(tenant) as session:
            back = await brand_versions.roll_back(session, version_id=first.id)
        await worn(ports, tenant, back)
        returned = await eventually(lambda: both("#7a1fa2"), seconds=2, every=0.05)

    assert all("#7a1fa2" not in text and "#0B2545" in text for text in before)
    assert (changed, again, returned) == (True, True, True)
    assert "Alpha Prime" in page.text


async def test_a_style_sheet_is_kept_only_under_its_own_version(
    browser: Browser, tenant: TenantRef
) -> None:
    """A page may be older than the brand: its address must not hold the new one's colours."""
    page = await browser.get(MY, "/login")
    address = page.text.split('href="/theme.css', 1)[1].split('"', 1)[0]
    own = await browser.get(MY, f"/theme.css{address}")
    other = await browser.get(MY, "/theme.css?v=0123456789ab")

    assert own.headers["cache-control"] == "public, max-age=86400"
    assert other.headers["cache-control"] == "no-store"


async def test_a_draft_changes_nothing_that_is_worn(
    ports: Ports, tenant: TenantRef, browser: Browser
) -> None:
    """Until somebody publishes it."""
    async with ports.database.tenant(tenant) as session:
        await brand_versions.save(session, values=LOOK, files={})

    assert "#7a1fa2" not in await sheet(browser)


async def test_versions_are_kept_and_audited(
    ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Each publication is a row of its own; the trail says what was before."""
    first = await published(ports, tenant)
    await published(ports, tenant, main="#0f5132")
    async with ports.database.tenant(tenant) as session:
        back = await brand_versions.roll_back(session, version_id=first.id)
        rows = await queries.latest_versions(session, limit=9)
    trail = await superuser.fetch(
        "SELECT before->>'main' b, after->>'main' a FROM t_alpha.audit_entry"
        " WHERE action = 'backoffice.brand.publish' ORDER BY id"
    )

    assert [(row.number, row.state) for row in rows] == [
        (3, "published"),
        (2, "earlier"),
        (1, "earlier"),
    ]
    assert back.look["main"] == "#7a1fa2"
    assert [tuple(row) for row in trail] == [
        (None, "#7a1fa2"),
        ("#7a1fa2", "#0f5132"),
        ("#0f5132", "#7a1fa2"),
    ]


async def test_only_what_was_worn_can_be_gone_back_to(ports: Ports, tenant: TenantRef) -> None:
    """The worn version itself and a draft are refused."""
    version = await published(ports, tenant)
    async with ports.database.tenant(tenant) as session:
        draft = await brand_versions.save(session, values=LOOK, files={})
        for one in (version, draft):
            with pytest.raises(Conflict):
                await brand_versions.roll_back(session, version_id=one.id)


async def test_a_scheduled_brand_is_published_when_its_time_has_come(
    ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Not before, and by the scheduler's job."""
    async with ports.database.tenant(tenant) as session:
        await brand_versions.save(session, values=LOOK, files={})
        version = await brand_versions.schedule(session, at=now() + timedelta(hours=1))
    await schedule.publish_brand(ports, tenant)
    states = [await superuser.fetchval("SELECT state FROM t_alpha.brand_version")]
    await superuser.execute("UPDATE t_alpha.brand_version SET publish_at = now()")
    await schedule.publish_brand(ports, tenant)
    states.append(await superuser.fetchval("SELECT state FROM t_alpha.brand_version"))
    await worn(ports, tenant, version)
    brand = await brands.current(ports.database, tenant)

    assert states == ["scheduled", "published"]
    assert brand.name == "Alpha Prime"


async def test_a_time_that_has_passed_is_refused(ports: Ports, tenant: TenantRef) -> None:
    """With the field's name."""
    async with ports.database.tenant(tenant) as session:
        await brand_versions.save(session, values=LOOK, files={})
        with pytest.raises(InvalidInput) as refused:
            await brand_versions.schedule(session, at=now() - timedelta(minutes=1))

    assert "publish_at" in refused.value.fields


async def test_of_two_publications_that_come_late_the_newer_one_stays(
    ports: Ports, tenant: TenantRef
) -> None:
    """An old event is delivered after a new one."""
    older = now() - timedelta(minutes=5)
    await published(ports, tenant)
    put_on = await brands.wear(
        ports.database, ports.redis, tenant=tenant, look={**LOOK, "main": "#000000"}, since=older
    )
    brand = await brands.current(ports.database, tenant)

    assert not put_on
    assert brand.colours.brand == "#7a1fa2"


async def test_what_the_studio_does_not_choose_stays(
    ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """A risk warning and a language, say, are not the studio's to forget."""
    await superuser.execute(
        'UPDATE control.tenant SET brand = brand || \'{"risk_warning": "Mind the risk"}\''
        " WHERE slug = 'alpha'"
    )
    await published(ports, tenant)
    brand = await brands.current(ports.database, tenant)

    assert brand.risk_warning == "Mind the risk"


async def test_a_published_logo_is_served_by_every_surface_and_by_no_other_brokerage(
    ports: Ports, tenant: TenantRef, browser: Browser
) -> None:
    """Under headers that leave it nothing to do; the browser's tab shows its icon."""
    async with ports.database.tenant(tenant) as session:
        files = await brand_files.taken(
            session, kind="square", data=pictures.png(), store=ports.store, background="#000000"
        )
        drawing = pictures.svg('<path d="M0 0h9v9z"/>')
        files |= await brand_files.taken(
            session, kind="light", data=drawing, store=ports.store, background="#000000"
        )
        await brand_versions.save(session, values=LOOK, files=files)
        version = await brand_versions.publish(session)
    await worn(ports, tenant, version)
    page = await browser.get(MY, "/login")
    answers = [await browser.get(host(one), "/brand/square") for one in ("www", "my", "ib", "team")]
    svg = await browser.get(MY, "/brand/light")
    icon = await browser.get(MY, "/favicon.svg")
    foreign = await browser.get(host("my", "beta"), "/brand/square")

    assert f'src="/brand/light?v={files["light"]["sha"]}"' in page.text
    assert 'alt="Alpha Prime"' in page.text
    assert {answer.headers["content-type"] for answer in answers} == {"image/png"}
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert any("sandbox" in one for one in svg.headers.get_list("content-security-policy"))
    assert "nosniff" in svg.headers["x-content-type-options"]
    assert icon.content.startswith(b"\x89PNG")
    assert foreign.status_code == 404


@pytest.mark.parametrize("name", looks.PLAIN)
def test_each_bad_value_is_named(name: str) -> None:
    """One sentence beside its field, and nothing else is complained of."""
    with pytest.raises(InvalidInput) as refused:
        looks.checked({**LOOK, name: "url(x)\n;" if name == "name" else "}</style>"})

    assert set(refused.value.fields) == {name}


def test_a_colour_that_fails_is_mended_to_the_nearest_that_passes() -> None:
    """Light gold as a line on white, and grey under words."""
    found = {one.field: one for one in looks.findings("#7c7c7c", "#ffe08a")}
    mended = looks.mended({**LOOK, "main": "#7c7c7c", "accent": "#ffe08a"})

    assert [one.passes for one in found.values()] == [False, False]
    assert all(one.passes for one in looks.findings(mended["main"], mended["accent"]))


def test_a_theme_travels_in_a_file() -> None:
    """What is exported is what is imported, texts, order and pictures too."""
    look = {
        **looks.PLAIN,
        **LOOK,
        "menu": {"trader": {"order": ["/history", "/"], "hidden": ["/accounts"]}},
        "cards": {"partner": ["links", "balance", "figures", "network", "commissions"]},
        "texts": {"welcome": {"en": "Hello <b>you</b>", "ar": "أهلا بكم"}},
    }
    drawn = {"light": pictures.svg(""), "background": pictures.png()}
    file = theme_files.written({**look, "files": {"x": 1}}, drawn)

    assert theme_files.read(file) == (look, drawn)


def _file(**changes: Any) -> bytes:
    theme = {**looks.PLAIN, **LOOK, "menu": {}, "cards": {}, "texts": {}}
    theme |= changes.pop("theme", {})
    body = {"format": "marque-theme", "version": 1, "theme": theme, "pictures": {}}
    return json.dumps(body | changes).encode()


def test_a_file_without_pictures_is_read() -> None:
    """The hostile ones below differ from it by one thing each."""
    assert theme_files.read(_file())[0]["name"] == "Alpha Prime"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{",
        b"[" * 60_000,
        b" " * (theme_files.BYTES_MAX + 1),
        _file(format="other"),
        _file(version=2),
        _file(theme={"files": {}}),
        _file(theme={"main": "red;}"}),
        _file(theme={"main": None}),
        _file(theme={"font": "../../etc/passwd"}),
        _file(theme={"theme": "../default"}),
        _file(theme={"background": "url(//evil)"}),
        _file(theme={"menu": {"staff": {"order": [], "hidden": []}}}),
        _file(theme={"menu": {"trader": {"order": ["//evil.example"], "hidden": []}}}),
        _file(theme={"menu": {"trader": {"order": ["javascript:x"], "hidden": []}}}),
        _file(theme={"menu": {"trader": {"order": ["/"] * 25, "hidden": []}}}),
        _file(theme={"menu": {"trader": {"order": [], "hidden": ["/verification"]}}}),
        _file(theme={"menu": {"trader": {"order": [], "more": 1}}}),
        _file(theme={"menu": {"trader": "/"}}),
        _file(theme={"cards": {"trader": ["wallet"]}}),
        _file(theme={"cards": {"trader": {"wallet": 1}}}),
        _file(theme={"texts": {"welcome": {"xx": "Hello"}}}),
        _file(theme={"texts": {"nothing": {"en": "Hello"}}}),
        _file(theme={"texts": {"welcome": "Hello"}}),
        _file(theme={"texts": {"welcome": {"en": {"a": 1}}}}),
        _file(theme={"texts": {"welcome": {"en": "a" * 81}}}),
        _file(theme={"texts": {"welcome": {"en": "one\ntwo"}}}),
        _file(theme={"texts": {"risk": {"en": "Trading is fun."}}}),
        _file(pictures={"icon-32": ""}),
        _file(pictures={"light": "not base64!"}),
        _file(pictures=["light"]),
    ],
)
def test_a_file_that_is_no_theme_is_refused(data: bytes) -> None:
    """With a sentence for the field that took it."""
    with pytest.raises(InvalidInput) as refused:
        theme_files.read(data)

    assert set(refused.value.fields) == {"theme_file"}


def test_a_risk_warning_may_be_longer_and_never_less() -> None:
    """Each sentence of the standard one stays, in each language."""
    for language in LANGUAGES:
        standard = BY_KEY["risk"].said(language, "")
        first = standard.split(". ")[0]
        assert brand_texts.refusal("risk", language, f"74 %. {standard} More.") == ""
        assert brand_texts.refusal("risk", language, "") == ""
        assert "Keep every sentence" in brand_texts.refusal("risk", language, first)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\x00", "\n", "\u200b", "\ufeff"])
def test_a_text_hides_nothing(hidden: str) -> None:
    """What turns or hides letters is refused; Arabic's joiners are not."""
    assert brand_texts.refusal("welcome", "en", f"a{hidden}b")
    assert not brand_texts.refusal("welcome", "ar", "\u0645\u06cc\u200c\u062e")


def test_what_is_typed_half_is_previewed_as_it_was() -> None:
    """A colour with three digits, a text too long: the rest of the form is seen nevertheless."""
    before = {**looks.PLAIN, **LOOK, "menu": {}, "cards": {}, "texts": {"footer": {"en": "Old"}}}
    typed = {
        **before,
        "main": "#7a1",
        "accent": "#c9a227",
        "menu": {"trader": {"order": [], "hidden": ["/"]}},
        "texts": {"footer": {"en": "x" * 300, "de": "Neu"}},
    }
    look = looks.passable(typed, before)

    assert (look["main"], look["accent"]) == (LOOK["main"], "#c9a227")
    assert look["menu"] == {}
    assert look["texts"] == {"footer": {"de": "Neu"}}
