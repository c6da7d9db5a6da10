"""The mail settings as an administrator uses them, and what mails lead back to."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from email.message import EmailMessage
from uuid import UUID

import asyncpg
import httpx
import pytest

from kernel.actor import TenantRef
from kernel.ids import uuid7
from messaging import mails, texts
from messaging.delivery import addresses, consents, servers
from messaging.events import MailQueued
from tenants import brands
from tenants.ports import Ports
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM, SITE = host("team"), host("www")
HERE = "/settings/mail"
TO = "omar@mail.example"
TYPED = {
    "host": "smtp.mail.example",
    "port": "587",
    "security": "starttls",
    "username": "alpha",
    "password": "very-secret-word",
    "sender_name": "Alpha",
    "sender_address": "hello@alpha.example",
}


async def sign_in(browser: Browser, ports: Ports, tenant: TenantRef, role: str = "admin") -> None:
    """Sign a new member of staff in and open the settings of mail."""
    async with ports.database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    team = host("team", tenant.slug)
    await browser.log_in(team, user.email, people.PASSWORD)
    await browser.get(team, f"{HERE}/log")


async def queued(ports: Ports, tenant: TenantRef, template: str = "kyc_approved") -> UUID:
    """Queue a mail and return its id."""
    async with ports.database.tenant(tenant) as session:
        message = await mails.queue(
            session,
            to=TO,
            template=template,
            context={"name": "Omar", "link": "https://my.example/x"},
            vault=ports.vault,
        )
        return message.id


def report(to: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    """Return a delivery status notification as a mail server writes it."""
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: <{to}>\r\nSubject: Undelivered\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {TO}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "--b--\r\n"
    ).encode()


async def hook(ports: Ports, tenant: TenantRef) -> tuple[str, bytes]:
    """Return the hook's path and secret."""
    async with ports.database.tenant(tenant) as session:
        found = await servers.current(session, tenant=tenant, vault=ports.vault)
        secret = servers.hook_secret(found, tenant=tenant, vault=ports.vault)
        return f"/hooks/mail/{found.hook_token}", secret


async def post_report(
    browser: Browser, path: str, secret: bytes, body: bytes, *, at: str = SITE, age: int = 0
) -> httpx.Response:
    """Post a report as a mail host does, signed `age` seconds ago."""
    moment = int(time.time()) - age
    signed = hmac.new(secret, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-marque-signature": f"t={moment},v1={signed}"}
    return await browser._client.post(f"http://{at}:8000{path}", content=body, headers=headers)


async def test_a_server_is_saved_and_its_password_never_shown(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Neither the page nor the table holds the password; an empty one later keeps it."""
    await sign_in(browser, ports, tenant)
    await browser.get(TEAM, HERE)

    saved = await browser.post(TEAM, HERE, TYPED)
    again = await browser.post(TEAM, HERE, {**TYPED, "password": "", "sender_name": "Alpha Two"})
    page = await browser.get(TEAM, HERE)
    row = await superuser.fetchrow("SELECT * FROM t_alpha.mail_server")
    async with ports.database.tenant(tenant) as session:
        found = await servers.current(session, tenant=tenant, vault=ports.vault)
        opened = servers.address_of(found, tenant=tenant, vault=ports.vault)

    assert (saved.status_code, again.status_code) == (303, 303)
    assert row["sender_name"] == "Alpha Two"
    assert opened.password == "very-secret-word"
    assert "very-secret-word" not in page.text + repr(dict(row)) + repr(opened)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"host": "smtp.mail.example/x"}, "host"),
        ({"port": "99999"}, "port"),
        ({"security": "none"}, "security"),
        ({"sender_address": "not an address"}, "sender_address"),
        ({"sender_name": "Alpha\r\nBcc: eve@example.com"}, "sender_name"),
        ({"sender_name": "Alpha <eve@example.com>"}, "sender_name"),
        ({"reply_to": "a@b.example, c@d.example"}, "reply_to"),
        ({"dkim_selector": "../x"}, "dkim_selector"),
        ({"bounce_domain": "a b"}, "bounce_domain"),
    ],
)
async def test_what_cannot_be_used_is_said_beside_its_field(
    browser: Browser, ports: Ports, tenant: TenantRef, typed: dict[str, str], field: str
) -> None:
    """Nothing is stored, and what else was typed is still there."""
    await sign_in(browser, ports, tenant)
    await browser.get(TEAM, HERE)

    answer = await browser.post(TEAM, HERE, {**TYPED, **typed})

    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert 'value="alpha"' in answer.text
    assert "very-secret-word" not in answer.text


async def test_a_password_is_not_sent_to_another_server(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """Whoever changes the host types the password again."""
    await sign_in(browser, ports, tenant)
    await browser.get(TEAM, HERE)
    await browser.post(TEAM, HERE, TYPED)

    moved = await browser.post(TEAM, HERE, {**TYPED, "host": "smtp.eve.example", "password": ""})

    assert moved.status_code == 422
    assert 'href="#f-password"' in moved.text


@pytest.mark.parametrize("target", ["127.0.0.1", "localhost", "2130706433", "10.0.0.1"])
async def test_a_server_inside_is_refused_in_words(
    browser: Browser, ports: Ports, tenant: TenantRef, target: str
) -> None:
    """The check stops at the address; nothing is connected to."""
    await sign_in(browser, ports, tenant)
    await browser.get(TEAM, HERE)
    await browser.post(TEAM, HERE, {**TYPED, "host": target})

    page = await browser.post(TEAM, f"{HERE}/check")

    assert "This address can&#39;t be used" in page.text
    assert "Not reached" in page.text


@pytest.mark.parametrize("path", [HERE, f"{HERE}/log", f"{HERE}/suppressed", f"{HERE}/preview"])
async def test_the_pages_of_mail_need_their_permission(
    browser: Browser, ports: Ports, tenant: TenantRef, path: str
) -> None:
    """A sales agent sees none of them."""
    await sign_in(browser, ports, tenant, "sales_agent")

    assert (await browser.get(TEAM, path)).status_code == 403


async def test_every_mail_is_previewed_in_every_language(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """In the reader's direction, with no word left out."""
    await sign_in(browser, ports, tenant)
    await browser.get(TEAM, f"{HERE}/preview")
    seen = {}
    for template in texts.TEMPLATES:
        for language in ("en", "de", "es", "ar"):
            answer = await browser.get(TEAM, f"{HERE}/preview/{template}/{language}")
            assert answer.status_code == 200, (template, language)
            assert f'lang="{language}"' in answer.text
            assert ('dir="rtl"' in answer.text) == (language == "ar")
            assert "%(" not in answer.text
            seen[template, language] = re.sub(r"<[^>]+>", "", answer.text)
    assert "1.250,50" in seen["deposit_received", "de"]
    assert "1,250.50" in seen["deposit_received", "en"]


async def test_a_report_suppresses_the_address_once(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """A permanent failure counts at once; told again it is no news, even after the removal."""
    await sign_in(browser, ports, tenant)
    message_id = await queued(ports, tenant)
    path, secret = await hook(ports, tenant)
    body = report(addresses.return_path(ports.vault, tenant.id, message_id, "alpha.example"))

    first = await post_report(browser, path, secret, body)
    second = await post_report(browser, path, secret, body)
    rows = await superuser.fetch("SELECT * FROM t_alpha.suppression")
    page = await browser.get(TEAM, f"{HERE}/suppressed")
    removed = await browser.post(
        TEAM, f"{HERE}/suppressed/{rows[0]['id']}/remove", {"reason": "the mailbox works again"}
    )
    third = await post_report(browser, path, secret, body)
    left = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.suppression WHERE removed_at IS NULL"
    )

    assert (first.json(), second.json(), third.json()) == ({"new": 1}, {"new": 0}, {"new": 0})
    assert [(row["reason"], row["masked"]) for row in rows] == [
        ("hard_bounce", "o•••@mail.example")
    ]
    assert TO not in page.text + repr([dict(row) for row in rows])
    assert (removed.status_code, left) == (303, 0)
    assert await superuser.fetchval("SELECT state FROM t_alpha.message") == "bounced"


async def test_reports_that_prove_nothing_change_nothing(
    browser: Browser,
    ports: Ports,
    tenant: TenantRef,
    other_tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:
    """Wrong secret, old signature, another brokerage's hook, forged and foreign return paths."""
    message_id = await queued(ports, tenant)
    path, secret = await hook(ports, tenant)
    other_path, other_secret = await hook(ports, other_tenant)
    right = addresses.return_path(ports.vault, tenant.id, message_id, "alpha.example")
    foreign = addresses.return_path(ports.vault, other_tenant.id, message_id, "alpha.example")
    forged = right[:-20] + ("a" if right[-20] != "a" else "b") + right[-19:]

    wrong = await post_report(browser, path, b"another secret", report(right))
    old = await post_report(browser, path, secret, report(right), age=400)
    nowhere = await post_report(browser, other_path, other_secret, report(right))
    theirs = await post_report(
        browser, other_path, other_secret, report(right), at=host("www", "beta")
    )
    quiet = [
        await post_report(browser, path, secret, report(to))
        for to in (foreign, forged, "bounce+x@alpha.example")
    ]
    delayed = await post_report(browser, path, secret, report(right, "4.4.1", "delayed"))

    assert (wrong.status_code, old.status_code, nowhere.status_code) == (403, 403, 404)
    assert theirs.json() == {"new": 0}
    assert [one.json() for one in (*quiet, delayed)] == [{"new": 0}] * 4
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.suppression") == 0


async def test_passing_failures_count_together(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The fifth mail within two weeks that comes back for now suppresses the address."""
    path, secret = await hook(ports, tenant)
    counts = []
    for _ in range(5):
        message_id = await queued(ports, tenant)
        to = addresses.return_path(ports.vault, tenant.id, message_id, "alpha.example")
        await post_report(browser, path, secret, report(to, "4.2.2"))
        counts.append(await superuser.fetchval("SELECT count(*) FROM t_alpha.suppression"))

    assert counts == [0, 0, 0, 0, 1]


async def test_one_click_unsubscribes_without_cookie_or_form_token(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The POST of a mailbox is enough (RFC 8058); opening the link, as scanners do, is not."""
    address_hash = addresses.hashed(ports.vault, tenant.id, TO)
    async with ports.database.tenant(tenant) as session:
        await consents.give(session, address_hash=address_hash, source="lead_form")
    token = addresses.unsubscribe_token(
        ports.vault, tenant.id, address_hash=address_hash, mail_list="marketing"
    )
    path = f"http://{SITE}:8000/unsubscribe/{token}"

    opened = await browser._client.get(path)
    after_get = await superuser.fetchval("SELECT count(*) FROM t_alpha.suppression")
    clicked = await browser._client.post(path, data={"List-Unsubscribe": "One-Click"})
    again = await browser._client.post(path, data={"List-Unsubscribe": "One-Click"})
    rows = await superuser.fetch("SELECT list, reason FROM t_alpha.suppression")
    kept = await superuser.fetchval("SELECT withdrawn_at IS NULL FROM t_alpha.mail_consent")

    assert (opened.status_code, after_get) == (200, 0)
    assert (clicked.status_code, again.status_code) == (200, 200)
    assert [tuple(row) for row in rows] == [("marketing", "unsubscribe")]
    assert kept is False


@pytest.mark.parametrize("change", ["cut", "flip", "beta"])
async def test_a_forged_link_unsubscribes_nobody(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef, change: str
) -> None:
    """A shortened or changed token, and another brokerage's, lead nowhere."""
    owner = other_tenant if change == "beta" else tenant
    address_hash = addresses.hashed(ports.vault, tenant.id, TO)
    token = addresses.unsubscribe_token(
        ports.vault, owner.id, address_hash=address_hash, mail_list="marketing"
    )
    if change == "cut":
        token = token[:-4]
    if change == "flip":
        token = ("A" if token[0] != "A" else "B") + token[1:]

    answer = await browser._client.post(f"http://{SITE}:8000/unsubscribe/{token}")

    assert answer.status_code == 404


async def test_a_suppressed_address_gets_only_what_its_security_needs(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The held-back mail is kept, and goes out when it is sent again."""
    sent: list[str] = []

    class Keeper:
        """Takes mails as a server would."""

        async def send(self, mail: object) -> str:
            """Keep its subject."""
            sent.append(str(getattr(mail, "subject", "")))
            return ""

    async def deliver(message_id: UUID) -> None:
        await mails.deliver(
            ports.database,
            tenant,
            MailQueued(message_id),
            mailer=Keeper(),
            vault=ports.vault,
            brand_of=lambda one: brands.current(ports.database, one),
        )

    await sign_in(browser, ports, tenant)
    await browser.get(TEAM, f"{HERE}/suppressed")
    await browser.post(
        TEAM, f"{HERE}/suppressed", {"address": TO.upper(), "detail": "asked by telephone"}
    )
    held = await queued(ports, tenant)
    await deliver(held)
    await deliver(await queued(ports, tenant, "reset_password"))
    state = await superuser.fetchval("SELECT state FROM t_alpha.message WHERE id = $1", held)
    entry = await superuser.fetchval("SELECT id FROM t_alpha.suppression")
    await browser.post(
        TEAM, f"{HERE}/suppressed/{entry}/remove", {"reason": "they want mails again"}
    )
    page = await browser.get(TEAM, f"{HERE}/log")
    await browser.post(TEAM, f"{HERE}/log/{held}/again")
    await deliver(held)

    assert state == "suppressed"
    assert sent == ["Set a new password for Alpha Markets", "You are verified at Alpha Markets"]
    assert f"/log/{held}/again" in page.text
    assert TO not in page.text


async def test_a_mail_of_another_brokerage_is_not_there(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Neither sent again nor shown."""
    theirs = await queued(ports, other_tenant)
    await sign_in(browser, ports, tenant)

    answer = await browser.post(TEAM, f"{HERE}/log/{theirs}/again")
    unknown = await browser.post(TEAM, f"{HERE}/suppressed/{uuid7()}/remove", {"reason": "because"})

    assert (answer.status_code, unknown.status_code) == (404, 404)


async def test_an_abuse_report_counts_as_a_complaint(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """A feedback loop (RFC 5965) names the return path in the returned headers."""
    message_id = await queued(ports, tenant)
    path, secret = await hook(ports, tenant)
    to = addresses.return_path(ports.vault, tenant.id, message_id, "alpha.example")
    mail = EmailMessage()
    mail["To"] = "abuse@alpha.example"
    mail.set_content("placeholder")
    body = (
        "To: abuse@alpha.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nUser-Agent: Loop/1\r\nVersion: 1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nReturn-Path: <{to}>\r\n\r\n--b--\r\n"
    ).encode()

    answer = await post_report(browser, path, secret, body)

    assert answer.json() == {"new": 1}
    assert await superuser.fetchval("SELECT reason FROM t_alpha.suppression") == "complaint"
