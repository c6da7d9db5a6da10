"""Payment providers as finance connects them: the form of a file, secrets, limits, a test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import asyncpg
import pytest

from entrypoints.connections import Gateways
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from tenants.ports import Ports
from tests.factories import people
from tests.fixtures.psp_simulator import PspSimulator
from tests.fixtures.web import Browser, host
from tests.treasury.desk import Desk, open_desk
from treasury import connections, queries

TEAM = host("team")
HOME = "/backoffice/connections"
SECRET = "sk_test_of_a_person"


@pytest.fixture(scope="module")
def simulator() -> Iterator[PspSimulator]:
    """The provider, as a process of its own."""
    made = PspSimulator()
    yield made
    made.stop()


@pytest.fixture
async def ports(ports: Ports, simulator: PspSimulator) -> Ports:
    """The ports of a process whose operator allows the simulator's address."""
    allowed = frozenset({simulator.url.partition("//")[2]})
    return replace(ports, gateways=Gateways(allow=allowed))


@pytest.fixture
async def owner(browser: Browser, database: Database, tenant: TenantRef) -> Browser:
    """An owner who is signed in."""
    await _enter(browser, database, tenant, "owner")
    return browser


async def _enter(browser: Browser, database: Database, tenant: TenantRef, role: str) -> None:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, "/backoffice/deposits")


def _wish(**changes: str) -> dict[str, str]:
    return {
        "provider": "praxis",
        "name": "Cashier",
        "environment": "sandbox",
        "merchant_id": "Test-Integration-Merchant",
        "application_key": "Sandbox",
        "merchant_secret": SECRET,
        "currency": "USD",
        "smallest": "10",
        "largest": "5,000",
        **changes,
    }


async def _connected(database: Database, tenant: TenantRef) -> str:
    async with database.tenant_read(tenant) as session:
        found = await queries.connection_by_name(session, "Cashier")
    assert found is not None
    return f"{HOME}/{found.id}"


async def test_a_provider_is_connected_by_the_form_of_its_file(
    owner: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Its fields are asked for, the secret is sealed and no page shows it again."""
    choice = await owner.get(TEAM, f"{HOME}/new?q=praxis")
    form = await owner.get(TEAM, f"{HOME}/new?provider=praxis")
    made = await owner.post(TEAM, f"{HOME}/new", _wish())
    here = await _connected(database, tenant)
    page = await owner.get(TEAM, here)
    listed = await owner.get(TEAM, HOME)

    assert "Praxis Cashier" in choice.text
    assert 'name="merchant_secret"' in form.text
    assert (made.status_code, made.headers["location"]) == (303, here)
    assert "/hooks/payments/" in page.text
    assert "Test-Integration-Merchant" in page.text
    assert ">L0<" in page.text
    assert "Cashier" in listed.text
    assert not any(SECRET in one.text for one in (page, listed, form))
    async with database.tenant_read(tenant) as session:
        row = await queries.connection_by_name(session, "Cashier")
        assert row is not None
        opened = connections.credentials_of(session, row, vault=vault)
        assert opened["merchant_secret"] == SECRET
        assert SECRET.encode() not in row.credentials_sealed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"merchant_secret": ""}, "Fill in: Merchant secret"),
        ({"merchant_id": "a\u200bb"}, "hidden character"),
        ({"name": ""}, "Write the name"),
        ({"currency": "shells"}, "Write a currency"),
        ({"smallest": "ten"}, "Write an amount"),
        ({"smallest": "6,000"}, "Enter a smallest and a largest amount in USD"),
        ({"environment": "moon"}, "Choose one of the provider"),
    ],
)
async def test_a_form_with_a_fault_says_so_beside_the_field_and_keeps_the_rest(
    owner: Browser, superuser: asyncpg.Connection, change: dict[str, str], says: str
) -> None:
    """Nothing is stored; what was typed stays, but a secret is typed anew."""
    answer = await owner.post(TEAM, f"{HOME}/new", _wish(**change))

    assert answer.status_code == 422
    assert says in answer.text
    assert SECRET not in answer.text
    if "name" not in change:
        assert 'value="Cashier"' in answer.text
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.psp_connection") == 0


async def test_what_no_one_may_connect_has_no_form(owner: Browser) -> None:
    """A dialect without a brand's address, a formula from memory, an unknown file."""
    for provider in ("payneteasy", "nobody"):
        assert (await owner.get(TEAM, f"{HOME}/new?provider={provider}")).status_code == 404
        answer = await owner.post(TEAM, f"{HOME}/new", _wish(provider=provider))
        assert answer.status_code == 404


async def test_a_secret_is_replaced_beside_the_old_one_until_that_is_retired(
    owner: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """An empty field changes nothing; the newest signs; retiring leaves one."""
    await owner.post(TEAM, f"{HOME}/new", _wish())
    here = await _connected(database, tenant)
    kept = {"merchant_id": "m", "application_key": "a"}

    async def secrets() -> list[str]:
        async with database.tenant_read(tenant) as session:
            row = await queries.connection_by_name(session, "Cashier")
            assert row is not None
            opened = connections.credentials_of(session, row, vault=vault)
        return opened["merchant_secret"].splitlines()

    await owner.post(TEAM, f"{here}/credentials", kept | {"merchant_secret": ""})
    assert await secrets() == [SECRET]
    await owner.post(TEAM, f"{here}/credentials", kept | {"merchant_secret": "new"})
    assert await secrets() == ["new", SECRET]
    assert "older secret is still accepted" in (await owner.get(TEAM, here)).text
    await owner.post(TEAM, f"{here}/retire")
    assert await secrets() == ["new"]
    refused = await owner.post(TEAM, f"{here}/credentials", {"merchant_id": ""})
    assert (refused.status_code, "Fill in: Merchant ID" in refused.text) == (422, True)


async def test_limits_fees_methods_and_settings_are_rows(
    owner: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Each is set and taken away; what is wrong is said beside its field."""
    await owner.post(TEAM, f"{HOME}/new", _wish())
    here = await _connected(database, tenant)
    euro = {"currency": "EUR", "smallest": "20", "largest": "900", "fee_percent": "2.9"}

    set_ = await owner.post(TEAM, f"{here}/currencies", euro | {"fee_payer": "client"})
    dear = await owner.post(TEAM, f"{here}/currencies", euro | {"fee_fixed": "30"})
    gone = await owner.post(TEAM, f"{here}/currencies", {"remove": "USD"})
    last = await owner.post(TEAM, f"{here}/currencies", {"remove": "EUR"})
    way = await owner.post(
        TEAM,
        f"{here}/methods",
        {
            "method": "cashier",
            "title": "Cards",
            "countries": "de, fr",
            "kyc_level": "1",
            "enabled": "yes",
        },
    )
    odd = await owner.post(
        TEAM, f"{here}/methods", {"method": "cashier", "title": "Cards", "countries": "Germany"}
    )
    closed = await owner.post(
        TEAM, f"{here}/settings", {"name": "Cashier", "state": "disabled", "weight": "7"}
    )
    heavy = await owner.post(
        TEAM, f"{here}/settings", {"name": "Cashier", "state": "active", "weight": "-1"}
    )
    row = await superuser.fetchrow(
        "SELECT c.state, c.weight, p.currency, p.fee_percent, p.fee_payer, m.title, m.countries"
        " FROM t_alpha.psp_connection c JOIN t_alpha.psp_currency p ON p.connection_id = c.id"
        " JOIN t_alpha.psp_method m ON m.connection_id = c.id"
    )

    assert [one.status_code for one in (set_, gone, way, closed)] == [303] * 4
    assert [one.status_code for one in (dear, last, odd, heavy)] == [422] * 4
    assert "eats up the smallest amount" in dear.text
    assert "two letters" in odd.text
    assert (row["state"], row["weight"], row["currency"]) == ("disabled", 7, "EUR")
    assert (str(row["fee_percent"]), row["fee_payer"]) == ("2.90000000", "client")
    assert (row["title"], row["countries"]) == ("Cards", '["DE", "FR"]')


async def test_a_sandbox_is_tried_out_and_shows_what_came(
    owner: Browser,
    *,
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    simulator: PspSimulator,
    superuser: asyncpg.Connection,
) -> None:
    """The test's payment opens at the provider and stands in no client's deposits nor the book."""
    key = (await asyncio.to_thread(simulator.create_account))["secret_key"]
    async with database.tenant(tenant) as session:
        made = await connections.create(
            session,
            provider="stripe",
            name="Cashier",
            credentials={"secret_key": key, "api_base": simulator.url},
            limits={"USD": (Decimal(10), Decimal(100))},
            vault=vault,
        )
    here = f"{HOME}/{made.id}"
    wish = {"trial_amount": "12.50", "trial_currency": "USD", "trial_method": "checkout"}

    wrong = await owner.post(TEAM, f"{here}/trial", wish | {"trial_currency": "EUR"})
    tried = await owner.post(TEAM, f"{here}/trial", wish)
    page = await owner.get(TEAM, here)
    trial_id = await superuser.fetchval("SELECT id FROM t_alpha.psp_trial")
    asked = await owner.post(TEAM, f"{HOME}/trials/{trial_id}/ask")
    told = await owner.get(TEAM, here)
    registered = await owner.post(TEAM, f"{here}/register")
    after = await owner.get(TEAM, here)

    assert (wrong.status_code, "Choose a currency that it takes" in wrong.text) == (422, True)
    assert (tried.status_code, asked.status_code, registered.status_code) == (303, 303, 303)
    assert "The credentials work; the payer sees: redirect." in page.text
    assert f'href="{simulator.url}/pay/' in page.text
    assert re.search(r"TST-\w+", page.text)
    assert "The provider says: pending" in told.text
    assert "The provider knows it" in after.text
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.deposit") == 0
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.entry") == 0


async def test_a_wrong_key_and_a_live_account_are_told_and_not_tried(
    owner: Browser, database: Database, tenant: TenantRef, simulator: PspSimulator, vault: Vault
) -> None:
    """The person reads what to do; the key is not repeated."""
    for name, environment in (("Wrong", "sandbox"), ("Live", "live")):
        async with database.tenant(tenant) as session:
            made = await connections.create(
                session,
                provider="stripe",
                name=name,
                credentials={"secret_key": "sk_test_wrong", "api_base": simulator.url},
                limits={"USD": (Decimal(10), Decimal(100))},
                vault=vault,
                environment=environment,
            )
        here = f"{HOME}/{made.id}"
        wish = {"trial_amount": "12.50", "trial_currency": "USD", "trial_method": "checkout"}
        await owner.post(TEAM, f"{here}/trial", wish)
        page = await owner.get(TEAM, here)
        said = "secret key is not accepted" if name == "Wrong" else "sandboxes only"
        assert said in page.text
        assert "sk_test_wrong" not in page.text


async def test_finance_reads_and_support_does_not(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Reading shows no form; changing and trying are the owner's and the administrator's."""
    await _enter(browser, database, tenant, "finance_head")
    listed = await browser.get(TEAM, HOME)
    assert (listed.status_code, f"{HOME}/new" in listed.text) == (200, False)
    assert (await browser.get(TEAM, f"{HOME}/new")).status_code in (403, 404)
    assert (await browser.post(TEAM, f"{HOME}/new", _wish())).status_code in (403, 404)
    await browser.post(TEAM, "/logout")
    await _enter(browser, database, tenant, "support")
    assert (await browser.get(TEAM, HOME)).status_code in (403, 404)


async def test_limits_and_routes_are_added_and_removed(
    owner: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """What is wrong stays typed and is said beside its field."""
    await owner.post(TEAM, f"{HOME}/new", _wish())
    connection = (await _connected(database, tenant)).rsplit("/", 1)[1]
    limit = {"currency": "USD", "window_hours": "24", "amount_max": "2,000", "kyc_level": "1"}
    rule = {"connection_ids": connection, "countries": "de", "amount_max": "500", "avoid": "yes"}

    added = await owner.post(TEAM, "/backoffice/deposit-limits", limit)
    nothing = await owner.post(TEAM, "/backoffice/deposit-limits", limit | {"amount_max": ""})
    routed = await owner.post(TEAM, "/backoffice/payment-routes", rule)
    nowhere = await owner.post(
        TEAM, "/backoffice/payment-routes", rule | {"connection_ids": "", "countries": "Germany"}
    )
    limits = await owner.get(TEAM, "/backoffice/deposit-limits")
    routes = await owner.get(TEAM, "/backoffice/payment-routes")
    ids = [
        await superuser.fetchval(f"SELECT id FROM t_alpha.{table}")
        for table in ("deposit_limit", "psp_rule")
    ]
    await owner.post(TEAM, f"/backoffice/deposit-limits/{ids[0]}/remove")
    await owner.post(TEAM, f"/backoffice/payment-routes/{ids[1]}/remove")

    assert (added.status_code, routed.status_code) == (303, 303)
    assert (nothing.status_code, nowhere.status_code) == (422, 422)
    assert "how much, how often" in nothing.text
    assert 'value="Germany"' in nowhere.text
    assert "2,000.00" in limits.text
    assert "Cashier" in routes.text
    for table in ("deposit_limit", "psp_rule"):
        assert await superuser.fetchval(f"SELECT count(*) FROM t_alpha.{table}") == 0


async def test_a_held_deposit_is_decided_on_its_page(
    owner: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """What came is credited once and with a reason; what nobody can read is typed."""
    desk: Desk = await open_desk(database, tenant, vault)
    other = await desk.start("100.00")
    await desk.say(other, "completed", currency="EUR")
    here = f"/backoffice/deposits/{other.id}"

    page = await owner.get(TEAM, here)
    silent = await owner.post(TEAM, f"{here}/decide", {"what": "credit", "reason": ""})
    blank = await owner.post(TEAM, f"{here}/decide", {"what": "credit", "reason": "Bank"})
    done = await owner.post(
        TEAM, f"{here}/decide", {"what": "credit", "reason": "Bank", "amount": "92.10"}
    )
    again = await owner.post(TEAM, f"{here}/decide", {"what": "close", "reason": "No"})

    assert "Paid in EUR, ordered in USD." in page.text
    assert (silent.status_code, "Say why" in silent.text) == (422, True)
    assert (blank.status_code, "Enter what came in USD" in blank.text) == (422, True)
    assert (done.status_code, again.status_code) == (303, 409)
    assert str((await desk.wallet()).available) == "92.10000000"
    assert await desk.entries() == 1
