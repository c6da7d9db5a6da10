"""Demo partners: a master with a tree of three levels, a lone star, and somebody who cheats."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from clients.models import Client
from crm import queries as crm_queries
from entrypoints.demo_money import verified
from identity import audit, logins, users
from identity import queries as identity_queries
from introducers import attributions, partners
from introducers import queries as partner_queries
from introducers.models import Partner
from kernel.clock import now
from kernel.database import TenantSession
from tenants.provisioning import Context

_SINCE = timedelta(days=100)
_MASTER, _LONE = "Atlas FX Education", "Sari Trader"
_SUBS = (
    ("Cairo Trading Circle", "EG"),
    ("Levant Markets Club", "AE"),
    ("Iberia Pips", "ES"),
    ("Rhein Signals", "DE"),
    ("Lagos Chart School", "NG"),
    ("Kolkata FX Desk", "IN"),
)
_BELOW = (
    ("Nile Candles", "EG", 0),
    ("Delta Scalpers", "EG", 0),
    ("Marina Traders", "AE", 1),
    ("Costa Charts", "ES", 2),
    ("Neckar Trading", "DE", 3),
    ("Main Street Pips", "DE", 3),
    ("Eko Forex", "NG", 4),
    ("Ganges Gold", "IN", 5),
)
_SUSPENDED = "Eko Forex"
# How many of a hundred clients come through partners, and how many of those through the lone one.
_SHARES = {"meridian": 45, "noor": 70}
_LONE_SHARE = 35


async def tree(context: Context) -> str:
    """Write the partners and attribute clients to them; nothing when they are there already."""
    if not context.options.get("demo"):
        return "no demo"
    slug = context.tenant.slug
    kept = logins.keep(
        context.ports.settings.data,
        slug,
        [("ib", _MASTER, f"ib@{slug}.example"), ("ib", _LONE, f"sari@{slug}.example")],
    )
    passwords = {login.name: login.password for login in kept}
    dice = Random(f"{slug}:partners")  # noqa: S311 - invented data, no secret
    since = now() - _SINCE
    async with context.ports.database.tenant(context.tenant) as session:
        if await identity_queries.user_by_email(session, kind="partner", email=kept[0].email):
            return "there already"
        made = await _plant(session, slug, since, passwords)
        attributed = await _attribute(session, context, dice, made)
        await _suspend(session, made)
        audit.record(session, "demo.partners", subject=("tenant", context.tenant.id))
    return f"{len(made)} partners on three levels, {attributed} clients through them"


async def _plant(
    session: TenantSession, slug: str, since: datetime, passwords: dict[str, str]
) -> dict[str, Partner]:
    master = await _partner(
        session,
        (_MASTER, "AE"),
        f"ib@{slug}.example",
        parent=None,
        plan_code="MASTER",
        since=since,
        password=passwords[_MASTER],
    )
    lone = await _partner(
        session,
        (_LONE, "ID"),
        f"sari@{slug}.example",
        parent=None,
        plan_code="SILVER",
        since=since,
        password=passwords[_LONE],
    )
    made = {_MASTER: master, _LONE: lone}
    for name, country in _SUBS:
        email = f"{_word(name)}@partners.example"
        made[name] = await _partner(session, (name, country), email, parent=master, since=since)
    for name, country, above in _BELOW:
        email = f"{_word(name)}@partners.example"
        parent = made[_SUBS[above][0]]
        made[name] = await _partner(session, (name, country), email, parent=parent, since=since)
    return made


async def _partner(
    session: TenantSession,
    who: tuple[str, str],
    email: str,
    *,
    parent: Partner | None,
    since: datetime,
    plan_code: str = "SILVER",
    password: str | None = None,
) -> Partner:
    name, country = who
    user = await users.create(session, kind="partner", email=email, name=name, password=password)
    user.email_verified_at = since
    plan = await partner_queries.plan_at(session, plan_code, since)
    assert plan is not None
    partner = await partners.enrol(
        session,
        user_id=user.id,
        name=name,
        email=email,
        country=country,
        parent=parent,
        plan=plan,
        at=since,
    )
    return await partners.approve(session, partner_id=partner.id, at=since)


async def _attribute(
    session: TenantSession, context: Context, dice: Random, made: dict[str, Partner]
) -> int:
    """Give each client by lot to a partner or to nobody; their lead tells the same story."""
    everyone = await verified(session, context)
    share = _SHARES.get(context.tenant.slug, 45)
    others = [partner for name, partner in made.items() if name != _LONE]
    count = 0
    for client in everyone:
        if client.user_id is not None or dice.randrange(100) >= share:
            continue
        partner = made[_LONE] if dice.randrange(100) < _LONE_SHARE else dice.choice(others)
        if await attributions.attribute(
            session, client_id=client.id, partner=partner, source="link", at=client.created_at
        ):
            count += 1
            await _tell_lead(session, client, partner)
    await _cheat(session, everyone[-1])
    return count


async def _tell_lead(session: TenantSession, client: Client, partner: Partner) -> None:
    if client.lead_id is None:
        return
    lead = await crm_queries.lead(session, client.lead_id)
    if lead is not None:
        lead.source, lead.campaign, lead.utm = "referral", None, {}
        lead.referral_code, lead.partner_id = partner.code, partner.id


async def _cheat(session: TenantSession, client: Client) -> None:
    """The story of an affiliate who refers themselves: the client stays nobody's."""
    since = now() - timedelta(days=40)
    mirror = await _partner(
        session, (f"{client.name} Media", client.country), client.email, parent=None, since=since
    )
    await attributions.attribute(session, client_id=client.id, partner=mirror, source="link")


async def _suspend(session: TenantSession, made: dict[str, Partner]) -> None:
    await partners.suspend(
        session,
        partner_id=made[_SUSPENDED].id,
        reason="Promised returns in an advertisement; under review.",
    )


def _word(name: str) -> str:
    return name.lower().replace(" ", "-")
