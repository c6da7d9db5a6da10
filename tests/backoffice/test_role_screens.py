"""Roles as an administrator changes them, and every way to get more than one has."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx
import pytest

from entrypoints.application import Web
from identity import queries
from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.database import Database
from tests.factories import leads as leads_factory
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM = host("team")
HERE = "/settings/roles"
WHY = "The sales desk asked for it"
STALE = "UPDATE t_alpha.session SET confirmed_at = now() - interval '6 minutes'"


@dataclass
class Team:
    """Members of alpha's staff."""

    owner: UserAccount
    admin: UserAccount
    agent: UserAccount


@pytest.fixture
async def team(database: Database, tenant: TenantRef) -> Team:
    """An owner, an administrator and a sales agent."""
    async with database.tenant(tenant) as session:
        return Team(
            *[
                await people.staff(session, role, password=people.PASSWORD)
                for role in ("owner", "admin", "sales_agent")
            ]
        )


@pytest.fixture
async def web_other(web: Web) -> AsyncIterator[Browser]:
    """A second browser."""
    made = Browser(web)
    yield made
    await made.close()


async def sign_in(browser: Browser, user: UserAccount) -> None:
    """Sign somebody in and open the list of roles."""
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, f"{HERE}/new")


async def send(browser: Browser, role: str, *, reason: str = WHY, **cells: str) -> httpx.Response:
    """Change cells of a role through the page that says what they open, and save."""
    shown = await browser.get(TEAM, f"{HERE}/{role}")
    form = {"seen": _hidden(shown.text, "seen")}
    form.update({f"grant.{name.replace('__', '.')}": scope for name, scope in cells.items()})
    sent = await browser.post(TEAM, f"{HERE}/{role}", form)
    assert sent.status_code == 303, sent.text
    page = await browser.get(TEAM, sent.headers["location"])
    return await browser.post(
        TEAM,
        f"{HERE}/{role}/review",
        {"c": _hidden(page.text, "c"), "seen": _hidden(page.text, "seen"), "reason": reason},
    )


async def assign(
    browser: Browser, user: UserAccount, held: str, wanted: list[str], reason: str = WHY
) -> httpx.Response:
    """Set a person's roles."""
    path = f"{HERE}/people/{user.id}"
    return await browser.post(TEAM, path, {"roles": wanted, "seen": held, "reason": reason})


async def scope_of(superuser: asyncpg.Connection, role: str, permission: str) -> str | None:
    """Return how far a role grants a permission in alpha."""
    found: str | None = await superuser.fetchval(
        "SELECT scope FROM t_alpha.role_permission WHERE role = $1 AND permission = $2",
        role,
        permission,
    )
    return found


def _hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None
    return found.group(1)


async def test_a_change_is_said_in_words_confirmed_and_audited(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """The matrix saves nothing; the page after it says what opens, for how many, and how bad."""
    await sign_in(browser, team.owner)
    sent = await browser.post(
        TEAM, f"{HERE}/sales_agent", {"grant.crm.lead.export": "all", "seen": ""}
    )
    untouched = await scope_of(superuser, "sales_agent", "crm.lead.export")
    page = await browser.get(TEAM, sent.headers["location"])
    saved = await send(browser, "sales_agent", crm__lead__export="all", crm__lead__change="off")
    entry = await superuser.fetchrow(
        "SELECT * FROM t_alpha.audit_entry WHERE action = 'identity.role.change'"
    )

    assert untouched is None
    assert "Export leads as a file" in page.text
    assert "1 person has this" in page.text
    assert "address book can leave" in page.text
    assert saved.status_code == 303
    assert await scope_of(superuser, "sales_agent", "crm.lead.export") == "all"
    assert await scope_of(superuser, "sales_agent", "crm.lead.change") is None
    assert entry["reason"] == WHY
    assert entry["actor_id"] == team.owner.id
    assert '"crm.lead.change": "own"' in entry["before"]
    assert '"crm.lead.export": "all"' in entry["after"]


async def test_a_change_needs_a_fresh_proof_and_a_reason(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """The way through the proof keeps the whole change; without either nothing is saved."""
    await sign_in(browser, team.owner)
    short = await send(browser, "sales_agent", reason="no", crm__lead__export="all")
    form = {"c": _hidden(short.text, "c"), "seen": _hidden(short.text, "seen"), "reason": WHY}
    await superuser.execute(STALE)
    asked = await browser.get(TEAM, f"{HERE}/sales_agent/review?c=crm.lead.export:all&seen=x")
    late = await browser.post(TEAM, f"{HERE}/sales_agent/review", form)
    person = await browser.get(TEAM, f"{HERE}/people/{team.agent.id}")

    assert short.status_code == 422
    assert asked.headers["location"].startswith("/security/confirm?next=%2Fsettings%2Froles")
    assert "crm.lead.export" in asked.headers["location"]
    assert late.status_code == 422
    assert WHY in late.text
    assert person.headers["location"].startswith("/security/confirm")
    assert await scope_of(superuser, "sales_agent", "crm.lead.export") is None


async def test_the_second_of_two_editors_is_told(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """They see what their change would do to the new state, and their reason is kept."""
    await sign_in(browser, team.owner)
    page = await browser.get(TEAM, f"{HERE}/sales_agent/review?c=crm.lead.export:all")
    old = _hidden(page.text, "seen")
    await send(browser, "sales_agent", crm__lead__change="off")
    late = await browser.post(
        TEAM,
        f"{HERE}/sales_agent/review",
        {"c": "crm.lead.export:all", "seen": old, "reason": WHY},
    )

    assert late.status_code == 409
    assert "Somebody else changed this" in late.text
    assert WHY in late.text
    assert _hidden(late.text, "seen") != old
    assert await scope_of(superuser, "sales_agent", "crm.lead.export") is None


@pytest.mark.parametrize(
    ("role", "change"),
    [
        ("sales_agent", "compliance.kyc.approve:all"),
        ("admin", "identity.audit.export:all"),
        ("owner", "crm.lead.export:off"),
        ("sales_agent", "crm.rule.read:own"),
        ("sales_agent", "crm.lead.read:everything"),
    ],
)
async def test_an_administrator_gives_nothing_they_do_not_hold(
    browser: Browser, team: Team, superuser: asyncpg.Connection, role: str, change: str
) -> None:
    """Nor touches the owner's role, nor invents a scope; the body is judged, not the page."""
    await sign_in(browser, team.admin)
    before = await superuser.fetch("SELECT * FROM t_alpha.role_permission ORDER BY 1, 2")
    page = await browser.get(TEAM, f"{HERE}/{role}/review?c={change}")
    sent = await browser.post(
        TEAM,
        f"{HERE}/{role}/review",
        {"c": change, "seen": _hidden(page.text, "seen"), "reason": WHY},
    )

    assert sent.status_code == 422
    assert "not yours to make" in sent.text
    assert await superuser.fetch("SELECT * FROM t_alpha.role_permission ORDER BY 1, 2") == before


async def test_a_wider_scope_than_ones_own_is_not_given(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """Who reaches their own leads only gives no more than that."""
    await superuser.execute(
        "UPDATE t_alpha.role_permission SET scope = 'own'"
        " WHERE role = 'admin' AND permission = 'crm.lead.read'"
    )
    await sign_in(browser, team.admin)
    wide = await send(browser, "retention_agent", crm__lead__read="all")
    same = await send(browser, "retention_agent", crm__lead__read="own")

    assert (wide.status_code, same.status_code) == (422, 303)
    assert await scope_of(superuser, "retention_agent", "crm.lead.read") == "own"


async def test_an_owner_gives_duties_they_lack_to_others_but_never_to_themselves(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """Approving documents is kept from owners; what they had at first they may restore."""
    await sign_in(browser, team.owner)
    other = await send(browser, "kyc_officer", compliance__kyc__approve="all")
    own = await send(browser, "owner", compliance__kyc__approve="all")
    closed = await send(browser, "owner", crm__lead__export="off")
    restored = await send(browser, "owner", crm__lead__export="all")

    assert [one.status_code for one in (other, own, closed, restored)] == [303, 422, 303, 303]
    assert await scope_of(superuser, "owner", "compliance.kyc.approve") is None


async def test_owners_keep_the_right_to_change_roles(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """Without it nobody could give it back."""
    await sign_in(browser, team.owner)
    for name in ("identity__role__change", "identity__role__read"):
        assert (await send(browser, "owner", **{name: "off"})).status_code == 422
    assert await scope_of(superuser, "owner", "identity.role.change") == "all"


async def test_an_own_role_is_copied_renamed_and_deleted_when_nobody_holds_it(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """Its title is unique; whoever holds it keeps it from being deleted."""
    await sign_in(browser, team.owner)
    made = await browser.post(
        TEAM, f"{HERE}/new", {"title": "Night agent", "source": "sales_agent"}
    )
    path = made.headers["location"]
    role = path.rsplit("/", 1)[1]
    taken = await browser.post(TEAM, f"{HERE}/new", {"title": "Owner", "source": "sales_agent"})
    await browser.post(TEAM, f"{path}/name", {"title": "Late agent"})
    given = await assign(browser, team.agent, "sales_agent", ["sales_agent", role])
    held = await browser.post(TEAM, f"{path}/delete")
    listed = await browser.get(TEAM, HERE)
    await assign(browser, team.agent, f"{role},sales_agent", ["sales_agent"])
    gone = await browser.post(TEAM, f"{path}/delete")

    assert await browser.get(TEAM, path) is not None
    assert taken.status_code == 422
    assert "There is a role of this name" in taken.text
    assert given.status_code == 303
    assert "Late agent" in listed.text
    assert held.headers["location"] == path
    assert gone.headers["location"] == HERE
    assert (await browser.get(TEAM, path)).status_code == 404
    left = "SELECT count(*) FROM t_alpha.role_permission WHERE role = $1"
    assert await superuser.fetchval(left, role) == 0
    assert (await browser.post(TEAM, f"{HERE}/owner/delete")).status_code == 404


async def test_an_own_role_is_no_way_around(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """A copy of a mightier role is made, but its maker can't give it to anybody."""
    await sign_in(browser, team.admin)
    made = await browser.post(TEAM, f"{HERE}/new", {"title": "Mine", "source": "owner"})
    role = made.headers["location"].rsplit("/", 1)[1]
    for wanted in (role, "compliance_head", "owner"):
        sent = await assign(browser, team.agent, "sales_agent", ["sales_agent", wanted])
        assert sent.status_code == 422, wanted
    oneself = await assign(browser, team.admin, "admin", ["admin", role])

    assert oneself.status_code == 409
    count = "SELECT count(*) FROM t_alpha.staff_role"
    assert await superuser.fetchval(count) == 3


async def test_new_roles_end_the_sessions_of_their_holder_at_once(
    browser: Browser, web_other: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """They sign in again; the trail says who gave and took what and why."""
    await web_other.log_in(TEAM, team.agent.email, people.PASSWORD)
    inside = await web_other.get(TEAM, "/crm/leads")
    await sign_in(browser, team.owner)
    await assign(browser, team.agent, "sales_agent", ["support"])
    outside = await web_other.get(TEAM, "/crm/leads")
    late = await assign(browser, team.agent, "sales_agent", ["marketing"])
    entry = await superuser.fetchrow(
        "SELECT * FROM t_alpha.audit_entry WHERE action = 'identity.role.assign'"
    )

    assert inside.status_code == 200
    assert outside.status_code == 303
    assert late.status_code == 409
    assert '"support"' in entry["after"]
    assert '"sales_agent"' in entry["before"]
    assert entry["reason"] == WHY


async def test_a_change_reaches_open_sessions_with_their_next_page(
    browser: Browser, web_other: Browser, team: Team
) -> None:
    """Grants are read at each request."""
    await web_other.log_in(TEAM, team.agent.email, people.PASSWORD)
    assert (await web_other.get(TEAM, "/crm/leads")).status_code == 200
    await sign_in(browser, team.owner)
    await send(browser, "sales_agent", crm__lead__read="off")

    assert (await web_other.get(TEAM, "/crm/leads")).status_code == 403


async def test_the_last_owner_stays(
    browser: Browser, team: Team, database: Database, tenant: TenantRef
) -> None:
    """Of two owners one may take the other's role; an administrator takes nobody's."""
    async with database.tenant(tenant) as session:
        second = await people.staff(session, "owner", password=people.PASSWORD)
    await sign_in(browser, team.admin)
    refused = await assign(browser, second, "owner", ["support"])
    await browser.get(TEAM, "/security")
    await browser.post(TEAM, "/logout")
    await sign_in(browser, team.owner)
    taken = await assign(browser, second, "owner", ["support"])
    oneself = await assign(browser, team.owner, "owner", [])
    async with database.tenant(tenant) as session:
        owners = await queries.lock_owners(session)

    assert refused.status_code == 422
    assert "Only an owner" in refused.text
    assert (taken.status_code, oneself.status_code) == (303, 409)
    assert list(owners) == [team.owner.id]


async def test_without_the_permission_nothing_is_seen_or_changed(
    browser: Browser, team: Team, superuser: asyncpg.Connection
) -> None:
    """Reading alone shows the matrix and saves nothing."""
    await browser.log_in(TEAM, team.agent.email, people.PASSWORD)
    closed = await browser.get(TEAM, HERE)
    await superuser.execute(
        "INSERT INTO t_alpha.role_permission VALUES ('sales_agent', 'identity.role.read', 'all')"
    )
    read = await browser.get(TEAM, f"{HERE}/sales_agent")
    await browser.get(TEAM, "/security")
    sent = await browser.post(TEAM, f"{HERE}/sales_agent", {"grant.crm.lead.export": "all"})

    assert closed.status_code == 403
    assert sent.status_code == 403
    assert read.status_code == 200
    assert "Review the change" not in read.text


async def test_brokerages_do_not_see_each_others_roles(
    browser: Browser, team: Team, database: Database, other_tenant: TenantRef
) -> None:
    """Another brokerage's role, person and client are not there."""
    async with database.tenant(other_tenant) as session:
        theirs = await people.staff(session, "sales_agent")
        client = await people.client(session)
    await sign_in(browser, team.owner)
    made = await browser.post(TEAM, f"{HERE}/new", {"title": "Ours", "source": "support"})
    assert made.status_code == 303
    person = await browser.get(TEAM, f"{HERE}/people/{theirs.id}")
    posted = await assign(browser, theirs, "sales_agent", ["owner"])
    view = await browser.get(TEAM, f"{HERE}/support/view/client/{client.id}")
    async with database.tenant(other_tenant) as session:
        kept = await queries.own_roles(session)
        held = await queries.roles_of(session, theirs.id)

    assert [person.status_code, posted.status_code, view.status_code] == [404, 404, 404]
    assert kept == []
    assert list(held) == ["sales_agent"]


async def _client_of(database: Database, tenant: TenantRef, owner_id: UUID | None) -> UUID:
    async with database.tenant(tenant) as session:
        client = await people.client(session)
        client.owner_id = owner_id
        return client.id


async def test_a_client_is_shown_as_a_role_sees_them(
    browser: Browser,
    team: Team,
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:
    """Masked for sales, with a banner and no working form; who looked as whom is recorded."""
    client_id = await _client_of(database, tenant, team.agent.id)
    await sign_in(browser, team.admin)
    view = f"{HERE}/sales_agent/view/client/{client_id}"
    shown = await browser.get(TEAM, view)
    theirs = await browser.get(TEAM, f"/crm/clients/{client_id}")
    email = await superuser.fetchval("SELECT email FROM t_alpha.client WHERE id = $1", client_id)
    entry = await superuser.fetchrow(
        "SELECT * FROM t_alpha.audit_entry WHERE action = 'identity.role.view'"
    )
    posted = await browser.post(TEAM, view)

    assert shown.status_code == 200
    assert "You see this page as Sales agent" in shown.text
    assert email not in shown.text
    assert email in theirs.text
    assert '<fieldset class="no-acts" disabled' in shown.text
    assert set(re.findall(r'name="_csrf_token" value="([^"]*)"', shown.text)) <= {""}
    assert posted.status_code == 405
    assert entry["actor_id"] == team.admin.id
    assert entry["subject_id"] == str(client_id)
    assert f'"person": "{team.agent.id}"' in entry["after"]


async def test_a_page_that_a_role_cannot_open_says_so(
    browser: Browser, team: Team, database: Database, tenant: TenantRef
) -> None:
    """Somebody else's client is closed to the chosen agent, and leads to dealing."""
    async with database.tenant(tenant) as session:
        second = await people.staff(session, "sales_agent")
        lead = await leads_factory.lead(session)
        lead.owner_id = team.agent.id
    client_id = await _client_of(database, tenant, second.id)
    await sign_in(browser, team.owner)
    path = f"{HERE}/sales_agent/view/client/{client_id}"
    closed = await browser.get(TEAM, f"{path}?person={team.agent.id}")
    opened = await browser.get(TEAM, f"{path}?person={second.id}")
    wrong = await browser.get(TEAM, f"{path}?person={team.owner.id}")
    dealing = await browser.get(TEAM, f"{HERE}/dealing/view/lead/{lead.id}")
    sales = await browser.get(
        TEAM, f"{HERE}/sales_agent/view/lead/{lead.id}?person={team.agent.id}"
    )

    for page in (closed, dealing):
        assert "open this page</h2>" in page.text or "open this page" in page.text
        assert "Timeline" not in page.text
    assert "Timeline" in opened.text
    assert "Timeline" in sales.text
    assert wrong.status_code == 404


async def test_a_preview_shows_the_looker_nothing_more(
    browser: Browser,
    team: Team,
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:
    """Who sees contacts masked sees them masked as an owner too, and no foreign client at all."""
    await superuser.execute(
        "INSERT INTO t_alpha.role_permission VALUES ('sales_agent', 'identity.role.read', 'all')"
    )
    own = await _client_of(database, tenant, team.agent.id)
    foreign = await _client_of(database, tenant, team.owner.id)
    await superuser.execute(
        "INSERT INTO t_alpha.role_permission VALUES ('marketing', 'identity.role.read', 'all')"
    )
    async with database.tenant(tenant) as session:
        looker = await people.staff(session, "marketing", password=people.PASSWORD)
    email = await superuser.fetchval("SELECT email FROM t_alpha.client WHERE id = $1", own)
    await browser.log_in(TEAM, looker.email, people.PASSWORD)
    masked = await browser.get(TEAM, f"{HERE}/owner/view/client/{own}")
    await browser.post(TEAM, "/logout")
    await browser.get(TEAM, "/login")
    await browser.log_in(TEAM, team.agent.email, people.PASSWORD)
    hidden = await browser.get(TEAM, f"{HERE}/owner/view/client/{foreign}")
    narrow = await browser.get(TEAM, f"{HERE}/owner/view/client/{own}")

    assert masked.status_code == 200
    assert "Timeline" in masked.text
    assert email not in masked.text
    assert "Reveal" not in masked.text
    assert "/backoffice/kyc" not in masked.text
    assert hidden.status_code == 404
    assert email not in narrow.text
