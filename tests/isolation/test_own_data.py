"""Within one brokerage, a client and a partner reach only what is their own."""

from __future__ import annotations

import re

import asyncpg
import pytest

from entrypoints.application import Web
from kernel.actor import TenantRef
from tests.isolation import canaries
from tests.isolation.canaries import FOREIGN, SHARED
from tests.isolation.walk import PEOPLE, Walker, host

# The other person's texts; what a brokerage shows all its clients is not anybody's.
_THEIRS = re.compile(
    r"(?:y-CANARY_A-|CANARY_A\.y@)"
    r"(?!account_t|platform_|psp_c|plan|routing)"
)


@pytest.mark.parametrize("surface", ["trader", "partner"])
async def test_another_persons_ids_lead_nowhere(
    web: Web, superuser: asyncpg.Connection, tenant: TenantRef, surface: str
) -> None:
    """Every route of the surface with another's ids: not found, nothing shown or changed."""
    for row_id in (SHARED, FOREIGN):
        await canaries.plant(superuser, tenant.schema, row_id)
    walker = Walker(web, superuser, tenant)
    await walker.people(tenant, permissions=iter(()))
    await walker.learn()
    seen, found, own = [], [], 0
    before = await _rows_of(superuser, FOREIGN)
    for route in (r for r in walker.routes if r.surface == surface and r.permission == "SELF"):
        for row_id in (SHARED, FOREIGN):
            for path in walker.paths(route, row_id):
                cookie = await walker.sign_in(tenant, surface, PEOPLE[surface])
                answer = await walker.ask(route, host(surface, tenant), path, row_id, cookie=cookie)
                place = f"{route.method} {path} {answer.status_code}"
                # What is dangerous asks for a fresh proof first, whatever it is asked about.
                proof = answer.headers.get("location", "").startswith("/security")
                if row_id == FOREIGN and str(FOREIGN) in path and answer.status_code != 404:
                    found += [] if proof else [place]
                if _THEIRS.search(answer.text.replace(path.rsplit("/", 1)[-1], "")):
                    seen.append(place)
                own += "x-CANARY_A" in answer.text
    await walker.close()

    assert found == []
    assert seen == []
    assert await _rows_of(superuser, FOREIGN) == before
    assert own >= 2


async def _rows_of(superuser: asyncpg.Connection, owner: object) -> list[str]:
    """Return the rows of the person that must not change."""
    tables = ("client", "trading_account", "deposit", "kyc_case", "kyc_document", "partner")
    return [
        await superuser.fetchval(f"SELECT r::text FROM t_alpha.{table} r WHERE id = $1", owner)
        for table in tables
    ]
