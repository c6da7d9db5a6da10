"""Synthetic clients who register and sign in through the pages."""

from __future__ import annotations

import msgspec

from kernel.actor import TenantRef
from messaging import queries, texts
from tenants.ports import Ports
from tests.fixtures.database import ALPHA
from tests.fixtures.web import Browser, host

PASSWORD = "quiet-harbour-lantern"


def form(**changes: str) -> dict[str, str]:
    """Return what a client types into the registration form."""
    return {
        "first_name": "Sofia",
        "last_name": "Keller",
        "email": "sofia@mail.example",
        "phone": "+49 170 1234567",
        "country": "DE",
        "password": PASSWORD,
        "terms": "yes",
        "risk": "yes",
        **changes,
    }


async def letter(ports: Ports, tenant: TenantRef, *, to: str, template: str) -> texts.Letter:
    """Open the newest mail of a template to an address."""
    async with ports.database.tenant_read(tenant) as session:
        found = [
            row
            for row in await queries.messages(session, limit=50)
            if (row.recipient, row.template) == (to, template)
        ]
    assert found, f"no mail {template}"
    assert found[0].body_sealed is not None
    opened = ports.vault.open(tenant.id, found[0].body_sealed, purpose="messaging.letter")
    return msgspec.json.decode(opened, type=texts.Letter)


async def register(
    browser: Browser, ports: Ports, *, tenant: TenantRef = ALPHA, **changes: str
) -> str:
    """Register and return the link of the mail."""
    values = form(**changes)
    my = host("my", tenant.slug)
    await browser.get(my, "/register")
    answer = await browser.post(my, "/register", values)
    assert answer.status_code == 200, answer.text
    mail = await letter(ports, tenant, to=values["email"], template="verify_email")
    assert mail.action_href is not None
    return mail.action_href


async def sign_up(
    browser: Browser, ports: Ports, *, tenant: TenantRef = ALPHA, **changes: str
) -> None:
    """Register and follow the link, so that the browser is signed in."""
    link = await register(browser, ports, tenant=tenant, **changes)
    answer = await browser.get(host("my", tenant.slug), link.partition(":8000")[2])
    assert answer.status_code == 303
