"""Texts as PO files: out, in again, and what strangers might put into one."""

from __future__ import annotations

import html
import io
import json
import re

import asyncpg
import httpx
import pytest
from babel.messages.pofile import read_po

from backoffice.settings import text_files
from kernel.actor import TenantRef
from kernel.errors import InvalidInput
from tenants.ports import Ports
from tests.backoffice.test_text_screens import (
    COUNTED,
    HERE,
    LAYOUT,
    SUBJECT,
    TEAM,
    rows,
    sign_in,
    write,
)
from tests.fixtures.web import Browser
from themes import texts

FILE = f"{HERE}/file"
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def entry(key: str, said: str) -> str:
    """Return one entry."""
    return f"msgid {json.dumps(key)}\nmsgstr {json.dumps(said, ensure_ascii=False)}\n\n"


def counted(*forms: str) -> str:
    """Return the entry of a text with a number."""
    said = "".join(f'msgstr[{at}] "{form}"\n' for at, form in enumerate(forms))
    return f'msgid "{COUNTED}"\nmsgid_plural "%d codes are left."\n{said}\n'


async def send(browser: Browser, data: bytes, language: str = "de") -> httpx.Response:
    """Hand a file to the dry run."""
    sent = {"po_file": ("texts.po", data, "text/plain")}
    return await browser.post(TEAM, FILE, {"language": language}, files=sent)


def carried(answer: httpx.Response) -> str:
    """Return what the dry run hands to its form."""
    found = re.search(r'name="changes" value="([^"]*)"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found.group(1))


@pytest.mark.parametrize("language", ["en", "de", "es", "ar"])
async def test_what_goes_out_comes_in_again_as_no_change(
    browser: Browser, ports: Ports, tenant: TenantRef, language: str
) -> None:
    """All texts, the brokerage's own among them; a program of translators reads the file."""
    await sign_in(browser, ports, tenant)
    assert await write(browser, LAYOUT, 'Own "words" \\ and <b>', language=language) == 303
    answer = await browser.get(TEAM, f"{FILE}/{language}")
    catalogue = read_po(io.BytesIO(answer.content), locale=language)
    again = await send(browser, answer.content, language)

    assert answer.headers["content-disposition"] == f'attachment; filename="alpha-{language}.po"'
    assert catalogue[LAYOUT].string == 'Own "words" \\ and <b>'
    assert len(catalogue) == len(texts.every())
    assert f"{len(texts.every())} read, 0 change" in again.text


async def test_a_file_is_tried_dry_and_then_applied(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """What changes, what is refused and why, what nobody knows; then all of it at once."""
    await sign_in(browser, ports, tenant)
    assert await write(browser, "Support", "Hilfe", language="de") == 303
    product = texts.every()[texts.hash_of("Support")].forms["de"][0]
    data = "".join(
        (
            HEAD,
            entry(LAYOUT, "Sicher <script>alert(1)</script>"),
            entry("Support", product),
            entry(SUBJECT, "Ohne Namen"),
            entry("No such text anywhere", "Nirgends"),
            entry("Sign in", ""),
            f"#, fuzzy\n{entry('Password', 'Kennwort?')}",
            counted("%d Kode.", "%d Kodes."),
        )
    )
    dry = await send(browser, data.encode())
    before = await rows(superuser)
    taken = await browser.post(TEAM, f"{FILE}/apply", {"language": "de", "changes": carried(dry)})
    trail = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.audit_entry WHERE action = 'backoffice.text.change'"
    )

    assert "7 read, 3 change, 0 stay as they are, 1 are empty, 2 refused, 1 unknown" in dry.text
    assert "Sicher &lt;script&gt;" in dry.text
    assert "in this order: %(brand)s" in html.unescape(dry.text)
    assert before == [("de", "Support", "Hilfe")]
    assert taken.status_code == 303
    assert await rows(superuser) == [
        ("de", COUNTED, "%d Kode.", "%d Kodes."),
        ("de", LAYOUT, "Sicher <script>alert(1)</script>"),
    ]
    assert trail == 4


async def test_what_changed_since_the_dry_run_is_not_overwritten(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Nothing of the file is applied; it is shown again against what is there now."""
    await sign_in(browser, ports, tenant)
    data = HEAD + entry("Support", "Aus der Datei") + entry(LAYOUT, "Auch daraus")
    dry = await send(browser, data.encode())
    assert await write(browser, LAYOUT, "Von Hand", language="de") == 303
    late = await browser.post(TEAM, f"{FILE}/apply", {"language": "de", "changes": carried(dry)})
    between = await rows(superuser)
    again = await browser.post(TEAM, f"{FILE}/apply", {"language": "de", "changes": carried(late)})

    assert late.status_code == 409
    assert "Von Hand" in late.text
    assert between == [("de", LAYOUT, "Von Hand")]
    assert again.status_code == 303
    assert len(await rows(superuser)) == 2


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Choose a PO file first"),
        (b"x" * (1024 * 1024 + 1), "larger than 1 MB"),
        (HEAD.encode() + 'msgid "a"\nmsgstr "ä"'.encode("latin-1"), "not UTF-8"),
        (HEAD.replace("utf-8", "utf-7").encode() + b'msgid "a"\nmsgstr "b"', "another charset"),
        (HEAD.replace("utf-8", "rot13").encode() + b'msgid "a"\nmsgstr "b"', "another charset"),
        (HEAD.replace("utf-8", "hex").encode() + b'msgid "a"\nmsgstr "b"', "another charset"),
        (b"%PDF-1.7 and so on", "no msgid"),
        (b'msgid "a"\x00\nmsgstr "b"', "no PO file"),
        (HEAD.encode() + b'msgid "a"\nmsgstr "b"\n' * 5001, "more than 5000 entries"),
        (HEAD.encode() + b'msgid "a\nmsgstr b\n\xf0\x9f\x98\x80', "be read as PO"),
    ],
)
def test_a_hostile_file_is_refused(data: bytes, why: str) -> None:
    """With the reason beside the field."""
    with pytest.raises(InvalidInput) as caught:
        text_files.plan(data, "de", [])

    assert why in caught.value.fields["po_file"]


def test_a_file_s_header_decides_nothing() -> None:
    """Neither its language nor its rule of forms is believed; forms are counted by ours."""
    rule = '"Language: ar\\n"\n"Plural-Forms: nplurals=6; plural=__import__;\\n"\n\n'
    head = f"{HEAD.rstrip()}\n{rule}"
    plan = text_files.plan(f"{head}{entry(LAYOUT, 'Anders')}".encode(), "de", [])
    with pytest.raises(InvalidInput):
        text_files.plan(f"{head}{counted(*['%d'] * 6)}".encode(), "de", [])

    assert [one.text.key for one in plan.changes] == [LAYOUT]


@pytest.mark.parametrize(
    "changes",
    [
        *("", "no json", "{}", "[1]", '[{"hash": "x"}]', "[" * 5000),
        json.dumps([{"hash": texts.hash_of(SUBJECT), "forms": ["Ohne"], "seen": 0}]),
        json.dumps([{"hash": texts.hash_of(LAYOUT), "forms": ["a\nb"], "seen": 0}]),
        json.dumps([{"hash": texts.hash_of(LAYOUT), "forms": ["a"], "seen": "x"}]),
    ],
)
async def test_what_a_dry_run_did_not_write_is_not_applied(
    browser: Browser, ports: Ports, superuser: asyncpg.Connection, changes: str, tenant: TenantRef
) -> None:
    """Every text passes the checks again."""
    await sign_in(browser, ports, tenant)
    answer = await browser.post(TEAM, f"{FILE}/apply", {"language": "de", "changes": changes})

    assert answer.status_code == 422
    assert await rows(superuser) == []
