"""Roles by their rules alone: who sees what of two, and the matrix of permissions."""

from __future__ import annotations

import asyncpg

from entrypoints import catalogue, prepare
from identity import role_rules
from kernel.actor import TenantRef
from kernel.database import Database
from tenants import queries as tenants
from tenants.ports import Ports
from tests.backoffice.test_role_screens import scope_of
from tests.factories import people


def test_two_viewers_together_may_what_both_may() -> None:
    """The narrower scope counts, and nobody's own records are somebody else's."""
    role = {"a.b.read": "all", "a.b.change": "own", "a.c.read": "desk", "a.d.read": "all"}
    looker = {"a.b.read": "desk", "a.b.change": "all", "a.c.read": "own"}

    apart = role_rules.seen_by_both(role, looker, same_person=False)
    same = role_rules.seen_by_both(role, looker, same_person=True)

    assert apart == {"a.b.read": "desk", "a.b.change": "own"}
    assert same == {**apart, "a.c.read": "own"}


def test_every_permission_has_a_place_in_the_matrix() -> None:
    """Each stands in one of the columns, with at least one scope."""
    areas = role_rules.areas(catalogue.permissions(), catalogue.grants())
    cells = [cell for area in areas for cell in area.cells]

    assert {cell.permission for cell in cells} == catalogue.permissions().keys()
    assert all(cell.action in role_rules.ACTIONS and cell.scopes for cell in cells)


async def test_permissions_of_a_later_version_arrive_once(
    ports: Ports, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """What an administrator took away stays away; what is new gets its defaults."""
    async with database.tenant(tenant) as session:
        await people.staff(session, "owner", password=people.PASSWORD)
    async with database.control() as session:
        known = {one.slug for one in await tenants.all_tenants(session)}
    assert tenant.slug in known
    await superuser.execute(
        "DELETE FROM t_alpha.role_permission WHERE role = 'support' AND permission ="
        " 'crm.lead.read'"
    )
    later = {**catalogue.grants(), "crm.dream.read": {"support": "own"}}
    for _ in range(2):
        await prepare.give_new_permissions(ports, later)

    assert await scope_of(superuser, "support", "crm.dream.read") == "own"
    assert await scope_of(superuser, "support", "crm.lead.read") is None
    seeded = "SELECT after FROM t_alpha.audit_entry WHERE action = 'identity.permission.seed'"
    assert sum("crm.dream.read" in row["after"] for row in await superuser.fetch(seeded)) == 1
