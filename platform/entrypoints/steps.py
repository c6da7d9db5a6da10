"""The ordered steps that make a brokerage, and the vendor's own first login."""

from __future__ import annotations

from crm import provisioning as crm_steps
from entrypoints import catalogue, demo, money_steps
from identity import authenticators, logins, users
from identity import provisioning as identity_steps
from identity import queries as identity_queries
from introducers import provisioning as introducers_steps
from tenants import queries, registry
from tenants.ports import Ports
from tenants.provisioning import Context, Step
from tenants.schemas import runner


def steps() -> list[Step]:
    """Return every step in order."""
    return [
        Step("schema", _schema),
        *identity_steps.steps(catalogue.grants()),
        Step("hosts", _hosts),
        *money_steps.STEPS,
        *crm_steps.STEPS,
        *introducers_steps.STEPS,
        *demo.STEPS,
    ]


async def _schema(context: Context) -> str:
    settings = context.ports.settings
    await runner.create_schema(settings, context.tenant.schema)
    head = await runner.migrate_tenant(settings, context.tenant.schema)
    await registry.note_head(context.ports.database, tenant_id=context.tenant.id, head=head)
    return f"{context.tenant.schema} at {head}"


async def _hosts(context: Context) -> str:
    async with context.ports.database.control() as session:
        tenant = await queries.tenant_by_id(session, context.tenant.id)
        assert tenant is not None
        hosts = await registry.give_hosts(
            session, tenant=tenant, domain=context.ports.settings.domain
        )
    return ", ".join(hosts)


async def vendor_login(ports: Ports) -> logins.Login:
    """Make the console's first person, whose password is kept beside the data."""
    people = [("vendor", "Vera Console", "vera@marque.example")]
    [login] = logins.keep(ports.settings.data, "console", people, authenticator=True)
    async with ports.database.control() as session:
        if await identity_queries.vendor_by_email(session, email=login.email) is None:
            vera = await users.create_vendor(
                session, email=login.email, name=login.name, password=login.password
            )
            await session.flush()
            await authenticators.plant(
                session, user_id=vera.id, secret=login.authenticator, vault=ports.vault
            )
    return login
