"""The block that a brokerage writes on its documents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database
from messaging import blocks, templates
from messaging.documents import Letterhead
from messaging.liquid.renderer import Renderer
from tenants import brands

_VALUES = {"name": "Omar", "amount": "250.00 USD", "reference": "DEP-1"}


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    """One child is enough."""
    async with Renderer(size=1) as made:
        yield made


async def _text(database: Database, tenant: TenantRef, renderer: Renderer, language: str) -> str:
    brand = await brands.current(database, tenant)
    head = Letterhead(brand=brand, logo=None, language=language, site="https://www.example.com")
    async with database.tenant(tenant) as session:
        return await blocks.text(
            session,
            event="receipt",
            letterhead=head,
            values=_VALUES,
            database=database,
            renderer=renderer,
        )


async def _publish(
    database: Database, tenant: TenantRef, renderer: Renderer, source: str, language: str
) -> None:
    async with database.tenant(tenant) as session:
        key = {"event": "receipt", "language": language, "kind": "pdf_block"}
        await templates.save_draft(session, **key, source=source, renderer=renderer, seen=None)
        await templates.publish(session, **key, renderer=renderer, values=None)


async def test_a_block_is_text_in_the_documents_language(
    database: Database, tenant: TenantRef, other_tenant: TenantRef, renderer: Renderer
) -> None:
    """English stands in; nothing without one, and nothing of another brokerage."""
    assert await _text(database, tenant, renderer, "en") == ""
    await _publish(database, tenant, renderer, "About {{ reference }}? Ask {{ brand.name }}.", "en")
    await _publish(database, tenant, renderer, "Fragen zu {{ reference }}?", "de")

    assert await _text(database, tenant, renderer, "de") == "Fragen zu DEP-1?"
    assert await _text(database, tenant, renderer, "es") == "About DEP-1? Ask Alpha Markets."
    assert await _text(database, other_tenant, renderer, "en") == ""


async def test_a_document_is_made_without_a_block_that_fails(
    database: Database, tenant: TenantRef, renderer: Renderer, superuser: asyncpg.Connection
) -> None:
    """Its author finds the reason beside it."""
    failing = "{% if name == 'Omar Haddad' %}ok{% else %}{{ 1 | divided_by: 0 }}{% endif %}"
    await _publish(database, tenant, renderer, failing, "en")

    assert await _text(database, tenant, renderer, "en") == ""
    failure = await superuser.fetchval("SELECT failure FROM t_alpha.tenant_template")
    assert "the document was made without it" in failure
