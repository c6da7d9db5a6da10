"""Templates that a tenant wrote: checked before they are kept, and never the end of a mail."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from connectors.mail.port import Mail
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import InvalidInput, NotFound
from messaging import mails, queries, templates, texts
from messaging.events import MailQueued
from messaging.liquid import variables
from messaging.liquid.limits import Limits
from messaging.liquid.renderer import Renderer, TemplateInvalid
from messaging.models import TenantTemplate
from tenants import brands
from themes.page import Brand

_KEY: dict[str, Any] = {"event": "deposit_received", "language": "en", "kind": "subject"}
_CONTEXT = {
    "name": "Omar <b>",
    "amount": "250.00 USD",
    "reference": "D-1",
    "target": "your wallet",
    "link": "https://my.alpha.example/",
}


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    """Children under the product's own limits, with more patience for a busy machine."""
    async with Renderer(Limits(wall_seconds=5), each=2) as made:
        yield made


class _Keeper:
    """Takes mails as a server would."""

    def __init__(self) -> None:
        self.kept: list[Mail] = []

    async def send(self, mail: Mail) -> str:
        """Keep it."""
        self.kept.append(mail)
        return mail.message_id


async def _live(
    database: Database, tenant: TenantRef, renderer: Renderer, source: str, **key: str
) -> TenantTemplate:
    """Draft and publish a template."""
    async with database.tenant(tenant) as session:
        await templates.save_draft(session, **_KEY | key, source=source, renderer=renderer)
        return await templates.publish(session, **_KEY | key, renderer=renderer)


async def _sent(
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    context: dict[str, object] | None = None,
) -> Mail:
    """Queue and deliver the mail on a deposit."""

    async def brand_of(tenant: TenantRef) -> Brand:
        return await brands.current(database, tenant)

    keeper = _Keeper()
    async with database.tenant(tenant) as session:
        message = await mails.queue(
            session,
            to="omar@mail.example",
            template="deposit_received",
            context=_CONTEXT | (context or {}),
            vault=vault,
        )
    await mails.deliver(
        database,
        tenant,
        MailQueued(message.id),
        mailer=keeper,
        vault=vault,
        brand_of=brand_of,
        renderer=renderer,
    )
    [mail] = keeper.kept
    return mail


async def test_what_is_published_is_sent_and_a_draft_is_not(
    database: Database, tenant: TenantRef, vault: Vault, renderer: Renderer
) -> None:
    """Until it is published, the built-in text goes out."""
    async with database.tenant(tenant) as session:
        await templates.save_draft(
            session, **_KEY, source="{{ brand.name }} got {{ amount }}", renderer=renderer
        )
    before = await _sent(database, tenant, vault, renderer)
    async with database.tenant(tenant) as session:
        await templates.publish(session, **_KEY, renderer=renderer)
    after = await _sent(database, tenant, vault, renderer)

    assert before.subject == "Deposit received: 250.00 USD"
    assert after.subject == "Alpha Markets got 250.00 USD"
    assert "Deposit" in after.text or "deposit" in after.text


async def test_a_mail_in_the_tenants_words_wears_the_brand(
    database: Database, tenant: TenantRef, vault: Vault, renderer: Renderer
) -> None:
    """The HTML stands in the brand's layout; values are escaped, and the text part is its own."""
    await _live(
        database,
        tenant,
        renderer,
        "<h2>Thanks {{ name }}</h2><a href='{{ link }}'>See</a>",
        kind="html",
    )
    await _live(database, tenant, renderer, "Thanks {{ name }}\n{{ link }}", kind="text")

    mail = await _sent(database, tenant, vault, renderer)

    assert "<h2>Thanks Omar &lt;b&gt;</h2>" in mail.html
    assert '<a href="https://my.alpha.example/">See</a>' in mail.html
    assert "Alpha Markets" in mail.html
    assert "risk" in mail.html
    assert "your deposit has arrived" not in mail.html
    assert "Thanks Omar <b>\nhttps://my.alpha.example/" in mail.text


async def test_another_language_and_another_event_keep_the_built_in_text(
    database: Database, tenant: TenantRef, vault: Vault, renderer: Renderer
) -> None:
    """A template counts for its own event and language only."""
    await _live(database, tenant, renderer, "وصل {{ amount }}", language="ar")
    await _live(database, tenant, renderer, "Welcome {{ name }}", event="kyc_approved")

    mail = await _sent(database, tenant, vault, renderer)

    assert mail.subject == "Deposit received: 250.00 USD"


async def test_a_live_template_that_fails_gives_way_and_says_so(
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    renderer: Renderer,
    superuser: asyncpg.Connection,
) -> None:
    """With the example it renders, with this amount it does not: the client still gets a mail."""
    source = "{% assign part = amount | split: ' ' %}{{ part[0] | divided_by: 2 }}"
    await _live(database, tenant, renderer, source)

    mail = await _sent(database, tenant, vault, renderer, {"amount": "secret-amount USD"})

    assert mail.subject == "Deposit received: secret-amount USD"
    row = await superuser.fetchrow("SELECT * FROM t_alpha.tenant_template")
    assert row["state"] == "live"
    assert row["failed_at"] is not None
    assert "the built-in text was sent" in row["failure"]
    assert "secret" not in row["failure"]


async def test_a_broken_draft_leaves_what_is_live_alone(
    database: Database, tenant: TenantRef, vault: Vault, renderer: Renderer
) -> None:
    """It is not even kept; nor is a draft published that today's rules refuse."""
    await _live(database, tenant, renderer, "First {{ amount }}")

    with pytest.raises(TemplateInvalid):
        await _live(database, tenant, renderer, "Second {{ amount ")
    async with database.tenant(tenant) as session:
        await templates.save_draft(session, **_KEY, source="Third", renderer=renderer)
        draft = await queries.template_for_update(session, **_KEY, state="draft")
        assert draft is not None
        draft.source = "{% if %}"  # as an older release may have let through
    with pytest.raises(TemplateInvalid):
        async with database.tenant(tenant) as session:
            await templates.publish(session, **_KEY, renderer=renderer)

    assert (await _sent(database, tenant, vault, renderer)).subject == "First 250.00 USD"


async def test_an_earlier_version_returns_and_the_built_in_text_too(
    database: Database, tenant: TenantRef, vault: Vault, renderer: Renderer
) -> None:
    """Versions are kept; one at most is live."""
    for number in (1, 2, 3):
        made = await _live(database, tenant, renderer, f"Number {number}")
        assert made.version == number

    async with database.tenant(tenant) as session:
        await templates.revert(session, **_KEY, version=1, renderer=renderer)
    reverted = await _sent(database, tenant, vault, renderer)
    async with database.tenant(tenant) as session:
        await templates.withdraw(session, **_KEY)
    withdrawn = await _sent(database, tenant, vault, renderer)

    assert reverted.subject == "Number 1"
    assert withdrawn.subject == "Deposit received: 250.00 USD"
    async with database.tenant(tenant) as session:
        states = [one.state for one in await queries.templates(session, event="deposit_received")]
        assert states == ["retired"] * 3
        with pytest.raises(NotFound):
            await templates.withdraw(session, **_KEY)
        with pytest.raises(NotFound):
            await templates.revert(session, **_KEY, version=9, renderer=renderer)
        with pytest.raises(NotFound):
            await templates.publish(session, **_KEY, renderer=renderer)


async def test_each_change_is_in_the_trail(
    database: Database, tenant: TenantRef, renderer: Renderer, superuser: asyncpg.Connection
) -> None:
    """Who saved, published, reverted and withdrew; without the text."""
    for source in ("One", "Two"):
        await _live(database, tenant, renderer, source)
    async with database.tenant(tenant) as session:
        await templates.revert(session, **_KEY, version=1, renderer=renderer)
        await templates.withdraw(session, **_KEY)

    rows = await superuser.fetch(
        "SELECT action, after::text FROM t_alpha.audit_entry"
        " WHERE action LIKE 'messaging.template.%' ORDER BY id"
    )

    actions = [row["action"].rpartition(".")[2] for row in rows]
    assert actions == ["save_draft", "publish", "save_draft", "publish", "revert", "withdraw"]
    assert not [row for row in rows if "Two" in row["after"]]


@pytest.mark.parametrize(
    ("change", "source", "says"),
    [
        ({}, "{{ amont }}", "Did you mean amount"),
        ({}, "x {{ brand.nme }}", "There are: name, amount"),
        ({}, "{{ brand }}", "no variable brand"),
        ({}, "Hi\nBcc: x", "one line"),
        ({}, "{{ nothing_here | default: '' }}", "no variable"),
        ({}, "{% if language == 'xx' %}x{% endif %}", "writes nothing"),
        ({}, "{{ name | safe }}", "no filter safe"),
        ({"kind": "html"}, "<p>x</p><script>y()</script>", "<script> is not allowed"),
        ({"kind": "html"}, "<a href='javascript:x()'>x</a>", "must begin with https://"),
        ({"event": "account_opened"}, "{{ login }} {{ password }}", "is a secret"),
        ({"event": "account_opened", "kind": "text"}, "{{ login }}", "{{ password }}"),
        ({"event": "verify_email", "kind": "html"}, "<p>Hi {{ name }}</p>", "{{ link }}"),
    ],
)
async def test_a_draft_that_would_disappoint_is_refused_with_the_reason(
    change: dict[str, str], source: str, says: str, renderer: Renderer
) -> None:
    """The author reads what is wrong, where, and what there is instead."""
    with pytest.raises(TemplateInvalid, match=re.escape(says)):
        await templates.check(renderer, **_KEY | change, source=source)


async def test_a_wrong_kind_language_or_event_is_named(renderer: Renderer) -> None:
    """Each has its own words."""
    for change, error in (
        ({"kind": "fax"}, InvalidInput),
        ({"language": "../en"}, InvalidInput),
        ({"event": "ghost"}, NotFound),
    ):
        with pytest.raises(error):
            await templates.check(renderer, **_KEY | change, source="x")


# A notice of security and the test of a mail server are ours alone to write.
_OURS = {"mail_test", "security_changed"}


@pytest.mark.parametrize("event", sorted(set(texts._WRITERS) - _OURS))
def test_the_documented_variables_are_those_that_the_built_in_mail_takes(event: str) -> None:
    """An author is offered what the mail's own text is made of, each with an example."""
    documented = inspect.getdoc(texts._WRITERS[event]) or ""
    taken = set(re.findall(r"\w+", documented.rpartition(":")[2]))

    declared = {one.name for one in variables.event(event).variables} - {
        one.name for one in variables.BRAND
    }

    assert declared == taken
    assert all(one.meaning and one.example for one in variables.event(event).variables)
    letter = texts.write(event, brand="Alpha", context=variables.example(event))
    assert letter.subject


async def test_only_plain_declared_values_come_near_a_template() -> None:
    """Objects of ours are refused, and what is not declared is left out."""
    assert variables.plain({"a": [Decimal("1.50"), None, True, 3]}) == {"a": ["1.50", "", True, 3]}
    assert variables.offered("kyc_approved", {"name": "O", "password": "x", "link": "y"}) == {
        "name": "O",
        "link": "y",
    }
    for value in (object(), TenantTemplate(), b"x", {1: "x"}, {"a": {"b": object()}}, 1.5):
        with pytest.raises(variables.ValueRefused):
            variables.plain(value)
