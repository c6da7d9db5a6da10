"""Templates as an administrator writes them, with plain forms."""

from __future__ import annotations

import asyncio
import html
import re

import asyncpg
import pytest

from entrypoints.application import Web
from kernel.actor import TenantRef
from kernel.database import Database
from messaging.events import MailQueued
from messaging.liquid.renderer import RendererBusy
from tenants.ports import Ports
from tests.factories import people
from tests.fixtures.web import Browser, host
from tests.messaging.liquid.corpus import HOSTILE

TEAM = host("team")
LIST = "/settings/templates"
SUBJECT = f"{LIST}/kyc_approved/en/subject"
HTML = f"{LIST}/kyc_approved/en/html"
SMS = f"{LIST}/kyc_approved/en/sms"
FAQ = f"{LIST}/faq/en/landing"
PASSWORD = "quiet-harbour-lantern"
_SEEN = re.compile(r'name="seen" value="([^"]*)"')
_SOURCE = re.compile(r"<textarea[^>]*>\n(.*?)</textarea>", re.DOTALL)


async def sign_in(
    browser: Browser, database: Database, tenant: TenantRef, role: str = "admin"
) -> str:
    """Sign a new member of staff of a role in and return their address."""
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=PASSWORD)
    team = host("team", tenant.slug)
    assert (await browser.log_in(team, user.email, PASSWORD)).status_code in (200, 303)
    await browser.get(team, "/settings")
    return user.email


def source(page: str) -> str:
    """Return what stands in the editor."""
    found = _SOURCE.search(page)
    assert found is not None
    return html.unescape(found.group(1))


def seen(page: str) -> str:
    """Return the mark of the draft that the editor was opened with."""
    found = _SEEN.search(page)
    assert found is not None
    return found.group(1)


async def write(browser: Browser, path: str, text: str, action: str = "publish") -> int:
    """Open an editor, type, press a button, and return the status of the answer."""
    page = await browser.get(TEAM, path)
    form = {"source": text, "seen": seen(page.text), "action": action}
    return (await browser.post(TEAM, path, form)).status_code


async def states(superuser: asyncpg.Connection, schema: str = "t_alpha") -> list[tuple[str, ...]]:
    """Return kind, state and source of every version of a brokerage."""
    rows = await superuser.fetch(
        f"SELECT kind, state, source FROM {schema}.tenant_template ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def test_the_list_has_every_occasion_language_and_channel(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """It is searched and narrowed, and says what is built-in, a draft, live or failing."""
    await sign_in(browser, ports.database, tenant)
    every = await browser.get(TEAM, LIST)
    assert await write(browser, SUBJECT, "You are verified, {{ name }}") == 303
    assert await write(browser, SMS, "{{ brand.name }}: verified", "save") == 303

    sms = await browser.get(TEAM, f"{LIST}?channel=sms&language=en")
    live = await browser.get(TEAM, f"{LIST}?state=live")
    found = await browser.get(TEAM, f"{LIST}?q=front+page&language=ar")
    odd = await browser.get(TEAM, f"{LIST}?language=xx")

    assert every.text.count(f'href="{LIST}/') >= 100
    assert re.findall(rf'href="{LIST}/([^"?]+)"', live.text) == ["kyc_approved/en/subject"]
    assert set(re.findall(rf'href="{LIST}/([^"?]+)"', sms.text)) == {
        "deposit_received/en/sms",
        "kyc_approved/en/sms",
    }
    assert "Draft" in sms.text
    assert len(re.findall(rf'href="{LIST}/\w+/ar/landing"', found.text)) == 4
    assert "choose one of the list" in odd.text


async def test_an_author_begins_with_the_built_in_text(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """The editor holds it as a template, with its variables, meanings and examples beside it."""
    await sign_in(browser, ports.database, tenant)

    page = await browser.get(TEAM, HTML)

    assert "Hello {{ name }}," in source(page.text)
    assert "The reader&#39;s name" in page.text
    assert "Omar Haddad" in page.text
    assert 'data-name="brand.support_email"' in page.text
    assert page.text.count('data-word="filter"') >= 30
    asked = await browser.post(TEAM, HTML, {"source": "mine", "seen": "", "action": "built-in"})
    assert "Hello {{ name }}," in source(asked.text)


async def test_a_draft_is_published_taken_back_and_used_again(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Each step is one press, and stays on record; a version is compared with the newest."""
    await sign_in(browser, ports.database, tenant)
    assert await write(browser, SUBJECT, "First, {{ name }}", "save") == 303
    assert await states(superuser) == [("subject", "draft", "First, {{ name }}")]
    assert await write(browser, SUBJECT, "First, {{ name }}") == 303
    assert await write(browser, SUBJECT, "Second, {{ name }}") == 303
    compared = await browser.get(TEAM, f"{SUBJECT}?version=1")
    again = await browser.post(TEAM, f"{SUBJECT}/versions/1")
    after = await states(superuser)
    assert await write(browser, SUBJECT, "x", "withdraw") == 303

    assert "First, {{ name }}" in compared.text
    assert again.status_code == 303
    assert after == [
        ("subject", "live", "First, {{ name }}"),
        ("subject", "retired", "Second, {{ name }}"),
    ]
    assert {state for _, state, _ in await states(superuser)} == {"retired"}
    done = await superuser.fetch(
        "SELECT action FROM t_alpha.audit_entry WHERE action LIKE 'messaging.template.%'"
        " ORDER BY id"
    )
    assert [row["action"].rpartition(".")[2] for row in done] == [
        *("save_draft", "save_draft", "publish", "save_draft", "publish", "revert", "withdraw"),
    ]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (SUBJECT, "Hi\n{{ name", "line break"),
        (HTML, "<p>a</p>\n<p>{{ nmae }}</p>", "Did you mean name?"),
        (HTML, "<script>x</script>", "is not allowed"),
        (HTML, "a\nb\n{{ name | ghost }}", "There is no filter ghost"),
        (HTML, "{% for i in (1..9999) %}{{ i | plus: 1 }}{% endfor %}" * 400, "too much"),
        (f"{LIST}/account_opened/en/subject", "{{ password }}", "is a secret"),
        (f"{LIST}/verify_email/en/text", "Hello {{ name }}", "Without {{ link }}"),
        (FAQ, '<p style="position:fixed">x</p>', "can&#39;t stand here"),
        (FAQ, '<p class="side">x</p>', "a class of"),
        (SMS, "", "Write something first"),
    ],
)
async def test_what_is_wrong_is_said_beside_what_was_typed(  # noqa: PLR0917
    browser: Browser,
    ports: Ports,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    path: str,
    text: str,
    said: str,
) -> None:
    """Nothing typed is lost, and nothing is saved."""
    await sign_in(browser, ports.database, tenant)
    page = await browser.get(TEAM, path)

    answer = await browser.post(
        TEAM, path, {"source": text, "seen": seen(page.text), "action": "publish"}
    )

    assert answer.status_code == 422
    assert said in html.unescape(answer.text).replace("'", "&#39;")
    assert source(answer.text) == text
    assert await states(superuser) == []


async def test_the_preview_tells_line_or_text_and_page(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """A mail in the brand's layout, an SMS with its parts, an error with its line."""
    await sign_in(browser, ports.database, tenant)
    await browser.get(TEAM, HTML)

    mail = await browser.post(TEAM, f"{HTML}/preview", {"source": "<p>Hi {{ name }}</p>"})
    sms = await browser.post(TEAM, f"{SMS}/preview", {"source": "مرحبا {{ name }}"})
    wrong = await browser.post(TEAM, f"{HTML}/preview", {"source": "a\nb\n{{ nmae }}"})
    section = await browser.post(TEAM, f"{FAQ}/preview", {"source": "<h2>Fees?</h2>"})
    plain = await browser.post(
        TEAM, HTML, {"source": "<p>Hi {{ name }}</p>", "seen": "", "action": "preview"}
    )

    assert "<p>Hi Omar Haddad</p>" in mail.json()["page"]
    assert "<!doctype html>" in mail.json()["page"]
    assert mail.headers["content-type"].startswith("application/json")
    assert sms.json()["text"] == "مرحبا Omar Haddad"
    assert "1 SMS (UCS-2" in sms.json()["note"]
    assert (wrong.status_code, wrong.json()["line"]) == (422, 3)
    assert "<h2>Fees?</h2>" in section.json()["page"]
    assert "srcdoc=" in plain.text
    assert "Hi Omar Haddad" in html.unescape(plain.text)


async def test_two_authors_do_not_overwrite_each_other(
    browser: Browser, web: Web, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The later one is shown what the other wrote, keeps what was typed, and may save again."""
    await sign_in(browser, ports.database, tenant)
    other = Browser(web)
    await sign_in(other, ports.database, tenant)
    mine, theirs = await browser.get(TEAM, SUBJECT), await other.get(TEAM, SUBJECT)
    form = {"source": "Mine {{ name }}", "seen": seen(mine.text), "action": "save"}
    their_form = {"source": "Theirs {{ name }}", "seen": seen(theirs.text), "action": "save"}

    first = await other.post(TEAM, SUBJECT, their_form)
    late = await browser.post(TEAM, SUBJECT, form)
    kept = await states(superuser)
    again = await browser.post(TEAM, SUBJECT, {**form, "seen": seen(late.text)})
    await other.close()

    assert (first.status_code, late.status_code, again.status_code) == (303, 409, 303)
    assert kept == [("subject", "draft", "Theirs {{ name }}")]
    assert "Somebody else has saved this draft" in late.text
    assert "Theirs {{ name }}" in html.unescape(late.text)
    assert source(late.text) == "Mine {{ name }}"
    assert (await states(superuser))[0][2] == "Mine {{ name }}"


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("admin", (200, 303, 303, 303)),
        ("support", (200, 403, 403, 403)),
        ("sales_agent", (403, 403, 403, 403)),
    ],
)
async def test_roles_may_read_write_or_publish(
    browser: Browser,
    ports: Ports,
    tenant: TenantRef,
    role: str,
    statuses: tuple[int, ...],
) -> None:
    """Support reads; sales has no business here."""
    await sign_in(browser, ports.database, tenant, role)
    read = await browser.get(TEAM, SUBJECT)
    form = {"source": "Hi {{ name }}", "seen": ""}

    saved = await browser.post(TEAM, SUBJECT, {**form, "action": "save"})
    published = await browser.post(TEAM, SUBJECT, {**form, "action": "publish", "seen": ""})
    if role == "admin":
        page = await browser.get(TEAM, SUBJECT)
        published = await browser.post(
            TEAM, SUBJECT, {**form, "action": "publish", "seen": seen(page.text)}
        )
        await write(browser, SUBJECT, "Other {{ name }}")
    reverted = await browser.post(TEAM, f"{SUBJECT}/versions/1")

    assert (
        read.status_code,
        saved.status_code,
        published.status_code,
        reverted.status_code,
    ) == statuses
    if role == "support":
        assert 'value="publish"' not in read.text
        assert "readonly" in read.text


async def test_brokerages_do_not_see_each_others_templates(
    browser: Browser,
    ports: Ports,
    tenant: TenantRef,
    other_tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:
    """What alpha wrote is neither shown at beta nor sent or shown to its people."""
    await sign_in(browser, ports.database, tenant)
    assert await write(browser, SUBJECT, "Alpha's own {{ name }}") == 303
    assert await write(browser, FAQ, "<h2>Alpha's own fees</h2>") == 303
    await sign_in(browser, ports.database, other_tenant)
    beta = host("team", other_tenant.slug)

    theirs = await browser.get(beta, f"{SUBJECT}?version=1")
    listed = await browser.get(beta, f"{LIST}?state=live")
    front = await browser.get(host("www", other_tenant.slug), "/")
    own = await browser.get(host("www"), "/")
    reverted = await browser.post(beta, f"{SUBJECT}/versions/1")

    assert "Alpha's own" not in html.unescape(theirs.text)
    assert f'href="{SUBJECT}"' not in listed.text
    assert "own fees" not in front.text
    assert "own fees" in own.text
    assert reverted.status_code == 404
    assert await states(superuser, "t_beta") == []


async def test_what_does_not_exist_is_not_found(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """An event, a language or a kind that there is not, and a button that nobody has."""
    await sign_in(browser, ports.database, tenant)
    for path in ("ghost/en/html", "faq/en/html", "kyc_approved/xx/html", "kyc_approved/en/landing"):
        assert (await browser.get(TEAM, f"{LIST}/{path}")).status_code == 404
        assert (await browser.post(TEAM, f"{LIST}/{path}/preview")).status_code == 404
    form = {"source": "x {{ name }}", "seen": "", "action": "explode"}
    assert (await browser.post(TEAM, SUBJECT, form)).status_code == 404


async def test_a_test_goes_to_whoever_asks_and_to_nobody_else(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """It is marked, on record, and carries what is typed though it was never saved."""
    email = await sign_in(browser, ports.database, tenant)
    await browser.get(TEAM, SUBJECT)

    sent = await browser.post(
        TEAM,
        SUBJECT,
        {
            "source": "Verified: {{ name }}",
            "seen": "",
            "action": "test",
            "to": "victim@example.com",
        },
    )

    rows = await superuser.fetch("SELECT * FROM t_alpha.message WHERE template = 'template_test'")
    assert sent.status_code == 200
    assert email in sent.text
    assert source(sent.text) == "Verified: {{ name }}"
    assert [(row["recipient"], row["subject"]) for row in rows] == [
        (email, "[Test] Verified: Omar Haddad")
    ]
    assert await states(superuser) == []
    assert await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.audit_entry WHERE action = 'messaging.template.test'"
    )
    assert MailQueued.topic in {
        row["topic"] for row in await superuser.fetch("SELECT topic FROM t_alpha.outbox")
    }


async def test_tests_are_counted(browser: Browser, ports: Ports, tenant: TenantRef) -> None:
    """Nobody fills a mailbox with them; what was typed stays."""
    await sign_in(browser, ports.database, tenant)
    await browser.get(TEAM, SUBJECT)
    form = {"source": "Verified: {{ name }}", "seen": "", "action": "test"}

    answers = [await browser.post(TEAM, SUBJECT, form) for _ in range(21)]

    assert [one.status_code for one in answers] == [200] * 20 + [429]
    assert source(answers[-1].text) == "Verified: {{ name }}"


async def test_a_busy_renderer_is_said_beside_the_editor(
    browser: Browser, web: Web, ports: Ports, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with words; the text is kept."""
    await sign_in(browser, ports.database, tenant)
    await browser.get(TEAM, HTML)
    monkeypatch.setattr(web.rendering, "_waiting_max", 0)

    saved = await browser.post(TEAM, HTML, {"source": "<p>x</p>", "seen": "", "action": "save"})
    seen_ = await browser.post(TEAM, f"{HTML}/preview", {"source": "<p>x</p>"})

    assert (saved.status_code, seen_.status_code) == (503, 503)
    assert RendererBusy.message in saved.text
    assert source(saved.text) == "<p>x</p>"
    assert seen_.json()["error"] == RendererBusy.message


async def test_one_brokerages_hostile_previews_leave_room_for_another(
    browser: Browser, web: Web, ports: Ports, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """While alpha's attacks are looked at, beta's preview is answered."""
    await sign_in(browser, ports.database, tenant)
    await browser.get(TEAM, HTML)
    other = Browser(web)
    await sign_in(other, ports.database, other_tenant)
    beta = host("team", other_tenant.slug)
    await other.get(beta, HTML)
    slow = next(one.source for one in HOSTILE if one.name == "loops in a row")

    attacks = [
        asyncio.create_task(browser.post(TEAM, f"{HTML}/preview", {"source": slow}))
        for _ in range(8)
    ]
    await asyncio.sleep(0.1)
    honest = await other.post(beta, f"{HTML}/preview", {"source": "<p>Hi {{ name }}</p>"})
    ended = [one.status_code for one in await asyncio.gather(*attacks)]
    await other.close()

    assert honest.status_code == 200
    assert set(ended) <= {422, 503}
    assert 503 in ended


async def test_a_live_template_that_fails_is_shown_with_its_reason(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """In the list and at the editor, since when; the version stays live."""
    await sign_in(browser, ports.database, tenant)
    assert await write(browser, SUBJECT, "Hi {{ name }}") == 303
    await superuser.execute(
        "UPDATE t_alpha.tenant_template SET failure = 'It broke.', failed_at = now()"
    )

    listed = await browser.get(TEAM, f"{LIST}?state=failing")
    page = await browser.get(TEAM, SUBJECT)

    assert f'href="{SUBJECT}"' in listed.text
    assert "since" in listed.text
    assert "It broke." in page.text
    assert "Version 1 live" in page.text
