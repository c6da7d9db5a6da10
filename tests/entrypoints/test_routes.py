"""Every route against every role: what the matrix refuses is refused, and changes nothing."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler

from entrypoints import catalogue
from entrypoints.application import Web
from entrypoints.routes import surfaces
from entrypoints.surfaces import Surface, application
from identity import roles
from identity.models import StaffRole, UserAccount
from identity.roles import ROLES
from kernel.actor import TenantRef
from kernel.ids import uuid7
from kernel.web.access import PUBLIC, SELF, RouteWithoutPermission
from tenants.ports import Ports
from tests.isolation import canaries
from tests.isolation.canaries import SHARED
from tests.isolation.walk import PEOPLE, Walker, host, refused

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def walker(
    web: Web, superuser: asyncpg.Connection, tenant: TenantRef
) -> AsyncIterator[Walker]:
    """A walker over alpha's planted rows, with the roles a brokerage starts with."""
    await canaries.plant(superuser, tenant.schema, SHARED)
    made = Walker(web, superuser, tenant)
    await made.people(tenant, permissions=iter(()))
    async with web.ports.database.tenant(tenant) as session:
        await roles.seed(session, catalogue.grants())
    await made.learn()
    yield made
    await made.close()


async def _holder_of(walker: Walker, tenant: TenantRef, role: str) -> UUID:
    user_id = uuid7()
    async with walker.web.ports.database.tenant(tenant) as session:
        session.add(
            UserAccount(
                id=user_id,
                kind="staff",
                email=f"{role}@roles.example",
                name=role,
                state="active",
                failures=0,
            )
        )
        session.add(StaffRole(user_id=user_id, role=role))
    return user_id


async def test_a_role_without_the_permission_is_refused_and_changes_nothing(
    walker: Walker, tenant: TenantRef, capsys: pytest.CaptureFixture[str]
) -> None:
    """All staff roles times all routes of the staff's surface that name a permission."""
    grants = catalogue.grants()
    closed = [
        r for r in walker.routes if r.surface == "staff" and r.permission not in (PUBLIC, SELF)
    ]
    mismatches, cells, denied = [], 0, 0
    place = host("staff", tenant)
    cookies = {}
    for role in ROLES:
        user_id = await _holder_of(walker, tenant, role)
        cookies[role] = await walker.sign_in(tenant, "staff", user_id)
    before = await canaries.digest(walker.superuser, tenant.schema)
    for role, cookie in cookies.items():
        for route in closed:
            cells += 1
            scope = grants.get(route.permission, {}).get(role)
            if scope is not None and route.method != "GET":
                continue  # the rooms' own tests prove what an allowed change does
            path = next(walker.paths(route, SHARED))
            answer = await walker.ask(route, place, path, SHARED, cookie=cookie)
            denied += scope is None
            wrong = answer.status_code != 403 if scope is None else answer.status_code in (401, 403)
            if wrong:
                mismatches.append(f"{role} {scope} {route.method} {path} {answer.status_code}")
    after = await canaries.digest(walker.superuser, tenant.schema)
    changed = {table for table in before if before[table] != after[table]}
    with capsys.disabled():
        sys.stdout.write(
            f"\nroutes: undeclared=0 cells={cells} denied={denied} mismatch={len(mismatches)}\n"
        )

    assert denied > 100
    assert mismatches == []
    # Reading may leave a trace of who looked, and of a document that was handed out: that is the
    # only thing that reading writes.
    assert changed <= {"audit_entry", "document_view", "issued_document", "outbox"}


async def test_nobody_uses_another_surfaces_session(walker: Walker, tenant: TenantRef) -> None:
    """A trader's, a partner's and a member of staff's cookie are nothing on the others' hosts."""
    let_in = []
    surfaces_of_people = tuple(PEOPLE)
    for route in (r for r in walker.routes if r.permission != PUBLIC):
        for surface in (s for s in surfaces_of_people if s != route.surface):
            cookie = await walker.sign_in(tenant, surface)
            path = next(walker.paths(route, SHARED))
            answer = await walker.ask(
                route, host(route.surface, tenant), path, SHARED, cookie=cookie
            )
            if not refused(answer):
                let_in.append(f"{surface} {route.method} {path} {answer.status_code}")

    assert let_in == []


async def test_a_form_without_its_token_is_refused(walker: Walker, tenant: TenantRef) -> None:
    """Every route that changes something demands the token, where a cookie could speak for one.

    Keys and providers' hooks carry no cookie, the embedded form stands on foreign pages, and a
    mailbox that unsubscribes by one click has only the link's own token.
    """
    let_in = []
    for route in walker.routes:
        if route.method == "GET" or route.path.startswith(
            ("/api/", "/hooks/", "/embed/", "/unsubscribe/")
        ):
            continue
        path = next(walker.paths(route, SHARED))
        cookie = await walker.sign_in(tenant, route.surface)
        answer = await walker.ask(
            route, host(route.surface, tenant), path, SHARED, cookie=cookie, token=False
        )
        if answer.status_code != 403:
            let_in.append(f"{route.surface} {route.method} {path} {answer.status_code}")

    assert let_in == []


def _surface(*handlers: HTTPRouteHandler) -> Surface:
    return Surface("staff", "planted", list(handlers))


async def test_a_route_without_a_permission_stops_the_start(ports: Ports) -> None:
    """The application is not even built, and the error names the route."""

    @get("/planted")
    async def silent() -> str:
        return ""

    with pytest.raises(RouteWithoutPermission, match="/planted"):
        application(_surface(silent), ports, catalogue.permissions())


@pytest.mark.parametrize("permission", ["crm.lead.raed", "", "public", "*", None])
async def test_a_route_with_an_unknown_permission_stops_the_start(
    ports: Ports, permission: Any
) -> None:
    """A misspelt permission would otherwise be one that nobody holds, or everybody."""

    @get("/planted", permission=permission)
    async def misspelt() -> str:
        return ""

    with pytest.raises(RouteWithoutPermission, match="/planted"):
        application(_surface(misspelt), ports, catalogue.permissions())
    with pytest.raises(RouteWithoutPermission, match="/planted"):
        Web(ports, surfaces=(*surfaces(), _surface(misspelt)))


def test_every_permission_of_a_route_is_held_by_a_role(settings: object) -> None:
    """A route that nobody can use is a mistake in the matrix; every grant names a known role."""
    del settings
    grants, known = catalogue.grants(), {**catalogue.permissions(), **catalogue.VENDOR}
    named = {
        str(route.opt["permission"])
        for surface in surfaces()
        if surface.name == "staff"
        for route in surface.routes
    }

    assert named - {PUBLIC, SELF} <= {name for name, by_role in grants.items() if by_role}
    assert set(grants) <= set(known)
    assert {role for by_role in grants.values() for role in by_role} <= set(ROLES)
