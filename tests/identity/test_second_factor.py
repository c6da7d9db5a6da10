"""Codes are good once, wrong ones slow down, and half a sign-in opens nothing."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import asyncpg
import pytest

from identity import authenticators, queries, recovery_codes, second_factor, sessions, totp, users
from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database
from tests.fixtures.web import Browser, host

PASSWORD = "quiet-harbour-lantern"
STAFF, MY = "team.alpha.localhost", "my.alpha.localhost"
_CODE = re.compile(r"<code>([0-9a-z-]{19})</code>")


async def _person(database: Database, tenant: TenantRef, kind: str, name: str) -> UUID:
    async with database.tenant(tenant) as session:
        user = await users.create(
            session, kind=kind, email=f"{name}@alpha.example", name=name, password=PASSWORD
        )
        return user.id


async def _enrolled(
    database: Database, tenant: TenantRef, vault: Vault, kind: str = "client", name: str = "mira"
) -> tuple[UUID, str]:
    """Make somebody with an authenticator; return their id and its secret."""
    user_id = await _person(database, tenant, kind, name)
    secret = totp.new_secret()
    async with database.tenant(tenant) as session:
        await authenticators.plant(session, user_id=user_id, secret=secret, vault=vault)
    return user_id, secret


async def _password(browser: Browser, place: str, email: str) -> str:
    """Give the password; return where the answer leads."""
    await browser.get(place, "/login")
    answer = await browser.post(place, "/login", {"email": email, "password": PASSWORD})
    assert answer.status_code == 303
    await browser.get(place, answer.headers["location"])
    return answer.headers["location"]


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238 appendix B, SHA-1, cut to six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # 12345678901234567890 in base32

    assert totp.code_of(secret, 59 // 30) == "287082"
    assert totp.code_of(secret, 1111111109 // 30) == "081804"
    assert totp.code_of(secret, 20000000000 // 30) == "353130"


@pytest.mark.parametrize(
    ("off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_off_by_one_step(off: int, *, taken: bool) -> None:
    """A code of the step before or after is taken, none further away."""
    moment = now()
    step = totp.step_at(moment) + off
    found = totp.matching_step(secret := totp.new_secret(), totp.code_of(secret, step), moment)

    assert (found == step) is taken


async def test_a_code_is_accepted_once(database: Database, tenant: TenantRef, vault: Vault) -> None:
    """The same code again is refused, and so is the one of the step before it."""
    user_id, secret = await _enrolled(database, tenant, vault)
    step = totp.step_at(now())
    accepted = []
    for one in (step, step, step - 1, step + 1):
        async with database.tenant(tenant) as session:
            refused = await second_factor.accept(
                session, user_id=user_id, code=totp.code_of(secret, one), vault=vault
            )
        accepted.append(refused is None)

    assert accepted == [True, False, False, True]


async def test_of_two_at_once_one_code_lets_one_in(
    database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """The authenticator's row decides, without any other lock."""
    user_id, secret = await _enrolled(database, tenant, vault)
    code = totp.code_of(secret, totp.step_at(now()))

    async def enter() -> bool:
        async with database.tenant(tenant) as session:
            return await authenticators.accept(session, user_id=user_id, typed=code, vault=vault)

    assert sum(await asyncio.gather(*(enter() for _ in range(6)))) == 1


async def test_a_recovery_code_is_good_once(
    database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Also of six at once; typed with other signs it is the same; new codes end the old ones."""
    user_id, _ = await _enrolled(database, tenant, vault)
    async with database.tenant(tenant) as session:
        codes = await recovery_codes.issue(session, user_id=user_id)
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) * 5 >= 80 for code in codes)

    async def enter(code: str) -> bool:
        async with database.tenant(tenant) as session:
            return await recovery_codes.accept(session, user_id=user_id, typed=code)

    assert sum(await asyncio.gather(*(enter(codes[0]) for _ in range(6)))) == 1
    assert await enter(codes[1].upper().replace("-", " ").replace("0", "o"))
    assert not await enter(codes[1])
    async with database.tenant(tenant) as session:
        assert await queries.recovery_codes_left(session, user_id) == 8
        await recovery_codes.issue(session, user_id=user_id)
    assert not await enter(codes[2])


async def test_secrets_and_codes_are_not_in_the_database(
    database: Database, tenant: TenantRef, vault: Vault, superuser: asyncpg.Connection
) -> None:
    """The secret is sealed, for this person only; a recovery code is a hash."""
    user_id, secret = await _enrolled(database, tenant, vault)
    other_id, _ = await _enrolled(database, tenant, vault, name="nadia")
    async with database.tenant(tenant) as session:
        codes = await recovery_codes.issue(session, user_id=user_id)
    sealed = await superuser.fetchval(
        "SELECT secret_sealed FROM t_alpha.authenticator WHERE user_id = $1", user_id
    )
    hashes = await superuser.fetch("SELECT code_hash FROM t_alpha.recovery_code")
    await superuser.execute(
        "UPDATE t_alpha.authenticator SET secret_sealed = $2 WHERE user_id = $1", other_id, sealed
    )
    async with database.tenant(tenant) as session:
        moved = await authenticators.accept(
            session,
            user_id=other_id,
            typed=totp.code_of(secret, totp.step_at(now())),
            vault=vault,
        )

    assert secret.encode() not in bytes(sealed)
    assert not any(codes[0].encode() in bytes(row["code_hash"]) for row in hashes)
    assert not moved


async def test_wrong_codes_slow_the_account_down_and_never_lock_it(
    database: Database, tenant: TenantRef, vault: Vault, superuser: asyncpg.Connection
) -> None:
    """After five free ones the wait doubles up to an hour; then the right code is taken."""
    user_id, secret = await _enrolled(database, tenant, vault)

    async def attempt(code: str) -> users.Refusal | None:
        async with database.tenant(tenant) as session:
            return await second_factor.accept(session, user_id=user_id, code=code, vault=vault)

    waits = []
    for _ in range(16):
        refused = await attempt("not-a-code")
        assert refused is not None
        left = await superuser.fetchval(
            "SELECT extract(epoch FROM factor_blocked_until - now()) FROM t_alpha.user_account"
        )
        waits.append(max(0, round(float(left or 0) / 30) * 30))
        if waits[-1]:
            right = await attempt(totp.code_of(secret, totp.step_at(now())))
            assert right is not None
            assert "Too many attempts" in right.text
        await superuser.execute(
            "UPDATE t_alpha.user_account SET factor_blocked_until = now() - interval '1 second'"
        )

    assert waits[:5] == [0, 0, 0, 0, 0]
    assert waits[5:9] == [30, 60, 120, 240]
    assert waits[-1] == 3600
    assert await attempt(totp.code_of(secret, totp.step_at(now()))) is None
    assert await superuser.fetchval("SELECT factor_failures FROM t_alpha.user_account") == 0


async def test_half_a_sign_in_opens_nothing(
    browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """After the password alone every page sends back to the second step, and so do changes."""
    await _enrolled(database, tenant, vault, "staff", "amira")
    assert await _password(browser, STAFF, "amira@alpha.example") == "/login/second"

    for path in ("/", "/crm/leads", "/security", "/security/add", "/settings/brand"):
        answer = await browser.get(STAFF, path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login"), path
    changed = await browser.post(STAFF, "/security/sessions/end", {"session": "others"})
    assert changed.headers["location"].startswith("/login")
    assert (await browser.get(STAFF, "/login/enrol")).headers["location"] == "/login"


async def test_half_a_sign_in_ends_after_five_minutes(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    superuser: asyncpg.Connection,
) -> None:
    """Then even the right code is nothing."""
    _, secret = await _enrolled(database, tenant, vault)
    await _password(browser, MY, "mira@alpha.example")
    left = await superuser.fetchval(
        "SELECT extract(epoch FROM expires_at - now())::int FROM t_alpha.session"
    )
    await superuser.execute("UPDATE t_alpha.session SET expires_at = now() - interval '1 second'")
    code = totp.code_of(secret, totp.step_at(now()))
    answer = await browser.post(MY, "/login/second", {"code": code})

    assert 290 <= left <= 300
    assert answer.headers["location"] == "/login"
    assert (await browser.get(MY, "/security")).status_code == 303


async def test_the_session_is_new_at_both_steps(
    browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """A planted cookie is not taken over, and the half one is worthless after the second step."""
    _, secret = await _enrolled(database, tenant, vault)
    planted = {"cookie": "marque=planted-by-somebody-else"}
    await browser.get(MY, "/login", headers=planted)
    await _password(browser, MY, "mira@alpha.example")
    half = browser.cookie(MY)
    code = totp.code_of(secret, totp.step_at(now()))
    answer = await browser.post(MY, "/login/second", {"code": code})
    whole = browser.cookie(MY)

    assert answer.status_code == 303
    assert len({half, whole, "planted-by-somebody-else"}) == 3
    assert (await browser.get(MY, "/security")).status_code == 200
    for old in (half, "planted-by-somebody-else"):
        stranger = await browser.get(MY, "/security", headers={"cookie": f"marque={old}"})
        assert stranger.status_code == 303


async def test_a_session_of_one_host_is_nothing_on_another(
    browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Neither a whole one nor half of one, at the same brokerage or another."""
    _, secret = await _enrolled(database, tenant, vault)
    await _password(browser, MY, "mira@alpha.example")
    half = browser.cookie(MY)
    code = totp.code_of(secret, totp.step_at(now()))
    for place in (host("ib"), STAFF, host("my", "beta")):
        step = await browser.get(place, "/login/second", headers={"cookie": f"marque={half}"})
        assert step.headers["location"] == "/login", place
    await browser.post(MY, "/login/second", {"code": code})
    whole = browser.cookie(MY)
    for place in (host("ib"), STAFF, host("my", "beta")):
        page = await browser.get(place, "/security", headers={"cookie": f"marque={whole}"})
        assert page.status_code == 303, place


async def test_the_target_of_a_sign_in_survives_the_second_step(
    browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Whoever wanted a page comes there; another site is no target."""
    _, secret = await _enrolled(database, tenant, vault)
    step = totp.step_at(now())
    for number, (wanted, reached) in enumerate(
        [("/history", "/history"), ("//evil.example/", "/")]
    ):
        await browser.get(MY, "/login")
        form = {"email": "mira@alpha.example", "password": PASSWORD, "next": wanted}
        await browser.post(MY, "/login", form)
        await browser.get(MY, "/login/second")
        code = totp.code_of(secret, step + number)
        answer = await browser.post(MY, "/login/second", {"code": code})
        assert answer.headers["location"] == reached
        await browser.post(MY, "/logout")


async def test_the_second_step_tells_nobody_who_has_one(
    browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """A wrong password gets the same words with a second factor, without one, and for nobody."""
    await _enrolled(database, tenant, vault)
    await _person(database, tenant, "client", "nora")
    answers = [
        await browser.log_in(MY, f"{name}@alpha.example", "wrong and wrong again")
        for name in ("mira", "nora", "nobody")
    ]
    words = "This address and password do not match. Check both and try again."

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert all(words in answer.text for answer in answers)


async def test_a_new_password_does_not_bypass_the_second_factor(
    browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Set by a mailed link, it leads to the second step like the old one."""
    user_id, _ = await _enrolled(database, tenant, vault)
    async with database.tenant(tenant) as session:
        user = await session.get(UserAccount, user_id)
        assert user is not None
        await users.set_password(session, user=user, password=PASSWORD)

    assert await _password(browser, MY, "mira@alpha.example") == "/login/second"


async def test_staff_make_a_factor_before_anything_else(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Until then only the page for it opens; afterwards codes are shown once and home opens."""
    await _person(database, tenant, "staff", "amira")
    assert await _password(browser, STAFF, "amira@alpha.example") == "/login/enrol"
    for path in ("/", "/crm/leads", "/security"):
        assert (await browser.get(STAFF, path)).headers["location"].startswith("/login")
    page = await browser.get(STAFF, "/login/enrol")
    secret = re.search(r'data-copy="([A-Z2-7]{32})"', page.text)
    assert secret is not None
    assert "<svg" in page.text
    wrong = await browser.post(STAFF, "/login/enrol", {"code": "000000"})
    assert wrong.status_code == 422
    assert secret.group(1) in wrong.text
    code = totp.code_of(secret.group(1), totp.step_at(now()))
    done = await browser.post(STAFF, "/login/enrol", {"code": code})
    actions = await superuser.fetch("SELECT action FROM t_alpha.audit_entry")

    assert len(_CODE.findall(done.text)) == 10
    assert done.headers["cache-control"] == "no-store"
    assert (await browser.get(STAFF, "/security")).status_code == 200
    assert {"identity.authenticator.add", "identity.recovery_codes.issue"} <= {
        row["action"] for row in actions
    }


async def test_a_recovery_code_of_the_page_signs_in_once(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Typed at the second step in place of the app's code."""
    await _person(database, tenant, "staff", "amira")
    shown = await browser.log_in(STAFF, "amira@alpha.example", PASSWORD)
    code = _CODE.findall(shown.text)[0]
    outcomes = []
    for _ in range(2):
        await browser.post(STAFF, "/logout")
        await _password(browser, STAFF, "amira@alpha.example")
        answer = await browser.post(STAFF, "/login/second", {"code": code})
        outcomes.append(answer.status_code)

    assert outcomes == [303, 422]


async def test_the_vendors_people_need_a_second_factor_too(
    browser: Browser, database: Database
) -> None:
    """The console opens after it, not before."""
    async with database.control() as session:
        await users.create_vendor(
            session, email="vera@marque.example", name="Vera", password=PASSWORD
        )
    console = "console.localhost"
    assert await _password(browser, console, "vera@marque.example") == "/login/enrol"
    assert (await browser.get(console, "/tenants")).status_code == 303
    await browser.log_in(console, "vera@marque.example", PASSWORD)
    assert (await browser.get(console, "/tenants")).status_code == 200
    await browser.post(console, "/logout")
    again = await browser.log_in(console, "vera@marque.example", PASSWORD)

    assert again.status_code == 303
    assert (await browser.get(console, "/security")).status_code == 200


async def test_clients_may_go_without_and_are_let_in_at_once(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """For them the second factor is an offer on their own page."""
    await _person(database, tenant, "client", "mira")
    answer = await browser.log_in(MY, "mira@alpha.example", PASSWORD)
    page = await browser.get(MY, "/security")

    assert answer.headers["location"] == "/"
    assert "Add a second factor" in page.text


async def test_a_session_started_elsewhere_is_full_only_when_it_says_so(
    database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """The look-up of every request does not see a session at another stage."""
    user_id, _ = await _enrolled(database, tenant, vault)
    seen = {}
    for stage in ("full", "second", "enrol"):
        async with database.tenant(tenant) as session:
            value = await sessions.start(
                session, user_id=user_id, kind="client", surface="trader", host=MY, stage=stage
            )
        async with database.tenant(tenant) as session:
            seen[stage] = await sessions.viewer(session, value=value, host=MY, surface="trader")

    assert seen["full"] is not None
    assert seen["second"] is None
    assert seen["enrol"] is None
