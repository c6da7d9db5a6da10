"""What identity gives a new brokerage: role grants, its first owner, and demo staff."""

from __future__ import annotations

from identity import authenticators, logins, queries, roles, users
from identity.roles import Grants
from kernel.clock import now
from tenants.provisioning import Context, Step

# Demo staff: role, name. The owner stands first and exists in every brokerage.
PEOPLE = (
    ("owner", "Olivia Berg"),
    ("sales_agent", "Aisha Rahman"),
    ("sales_agent", "Jonas Keller"),
    ("sales_agent", "Lucia Moreno"),
    ("compliance_head", "Petra Novak"),
    ("finance_head", "Stefan Lindqvist"),
    ("auditor", "Grace Mbeki"),
    ("admin", "Adam Fischer"),
)


def wanted(slug: str, *, demo: bool) -> list[tuple[str, str, str]]:
    """Return (role, name, e-mail) of the people a brokerage starts with."""
    people = PEOPLE if demo else PEOPLE[:1]
    return [(role, name, f"{name.split()[0].lower()}@{slug}.example") for role, name in people]


def steps(grants: Grants) -> list[Step]:
    """Return identity's steps; wiring hands over every room's grants."""

    async def seed_roles(context: Context) -> str:
        async with context.ports.database.tenant(context.tenant) as session:
            count = await roles.seed(session, grants)
        return f"{len(roles.ROLES)} roles, {count} grants"

    return [Step("staff roles", seed_roles), Step("first people", _people)]


async def _people(context: Context) -> str:
    data = context.ports.settings.data
    demo = bool(context.options.get("demo"))
    people = wanted(context.tenant.slug, demo=demo)
    # In a real brokerage they make a second factor of their own at the first sign-in.
    kept = logins.keep(data, context.tenant.slug, people, authenticator=demo)
    async with context.ports.database.tenant(context.tenant) as session:
        for login in kept:
            user = await queries.user_by_email(session, kind="staff", email=login.email)
            if user is None:
                user = await users.create(
                    session,
                    kind="staff",
                    email=login.email,
                    name=login.name,
                    password=login.password,
                )
                user.email_verified_at = now()
                if login.authenticator:
                    await authenticators.plant(
                        session,
                        user_id=user.id,
                        secret=login.authenticator,
                        vault=context.ports.vault,
                    )
            await users.grant_role(session, user=user, role=login.role)
    return f"{len(people)} people"
