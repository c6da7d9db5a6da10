"""What the command line does to a running copy: its environment comes from the data folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import click

from connectors.fx_rates.file_feed import FileFeed
from entrypoints import environment, prepare, reconcile_commands, wiring
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.errors import InvalidInput, ProductError
from ledger import balances, verification
from tenants import queries
from tenants.ports import Ports
from trading import provisioning as trading_steps
from treasury.banks import imports, provider_lists
from treasury.banks import queries as bank_queries
from treasury.rates import references
from treasury.reconciliation import queries as reconciliation_queries
from treasury.reconciliation import runs


def provision(
    data: Path, *, slug: str, name: str, brand: dict[str, str], demo: bool, scale: str
) -> int:
    """Provision or resume a brokerage; return the exit code."""

    async def work(ports: Ports) -> int:
        options = {"demo": demo, "scale": scale}
        await prepare.provision(
            ports, slug=slug, name=name, brand=brand, options=options, say=click.echo
        )
        return 0

    return _with_ports(data, work)


def list_tenants(data: Path) -> int:
    """Print each brokerage with its state."""

    async def work(ports: Ports) -> int:
        async with ports.database.control() as session:
            for tenant in await queries.all_tenants(session):
                click.echo(f"{tenant.slug:<24}{tenant.state:<14}{tenant.name}")
        return 0

    return _with_ports(data, work)


def verify_ledgers(data: Path, slug: str) -> int:
    """Verify one book or all of them; return 1 when any is wrong."""

    async def work(ports: Ports) -> int:
        async with ports.database.control() as session:
            found = await queries.all_tenants(session)
        wrong = 0
        for tenant in found:
            if slug not in ("", tenant.slug) or tenant.state == "provisioning":
                continue
            async with ports.database.tenant_read(queries.ref(tenant)) as session:
                result = await verification.verify(session)
            wrong += not result.ok
            click.echo(f"{tenant.slug}: {'ok' if result.ok else 'WRONG'}  {result.summary}")
        return 1 if wrong else 0

    return _with_ports(data, work)


def rebuild_ledger(data: Path, slug: str, reason: str) -> int:
    """Make a brokerage's balances anew where they differ from its lines; print what was mended."""

    async def work(ports: Ports) -> int:
        async with ports.database.control() as session:
            tenant = await queries.tenant_by_slug(session, slug)
        if tenant is None:
            click.echo(f"There is no brokerage {slug!r}.", err=True)
            return 1
        async with ports.database.tenant(queries.ref(tenant)) as session:
            repairs = await balances.rebuild(session, reason=reason)
        for one in repairs:
            was = "none" if one.old_amount is None else f"{one.old_amount:f}"
            click.echo(
                f"{one.code} {one.owner_id} {one.currency}: {was} to {one.amount:f},"
                f" held {one.held:f}"
            )
        click.echo(f"{slug}: {len(repairs)} balances mended")
        return 0

    return _with_ports(data, work)


def import_rates(data: Path, slug: str, path: Path) -> int:
    """Import a file of ECB reference rates into a brokerage; print what was new."""

    async def work(ports: Ports) -> int:
        async with ports.database.control() as session:
            tenant = await queries.tenant_by_slug(session, slug)
        if tenant is None:
            click.echo(f"There is no brokerage {slug!r}.", err=True)
            return 1
        content = await FileFeed(path).latest()
        async with ports.database.tenant(queries.ref(tenant)) as session:
            found = await references.import_file(session, content)
        click.echo(
            f"{slug}: {found.rates} rates in the file, {found.new} new,"
            f" the newest of {found.newest:%Y-%m-%d}"
        )
        return 0

    return _with_ports(data, work)


def reconcile(data: Path, *, slug: str, day: date, hours: int | None) -> int:
    """Compare a brokerage's own books as of the end of a day; return 1 with open breaks."""
    windows = reconcile_commands.windows_of(hours)

    async def work(ports: Ports) -> int:
        tenant = await _tenant(ports, slug)
        if tenant is None:
            return 1
        async with ports.database.tenant(tenant) as session:
            done = await runs.reconcile(session, day=day, windows=windows)
            cut, found = done.run.cut, done.breaks
            text = reconcile_commands.printed(done.run.matched, found, cut=cut)
            accounts = f"{done.run.accounts} accounts, {done.run.accounts_differing} differ"
            click.echo(f"{slug} {day:%Y-%m-%d}: {text}")
            click.echo(f"equity: {accounts}")
            for one in await reconciliation_queries.money_days(session, since=day):
                if one.run_id == done.run.id:
                    click.echo(reconcile_commands.money_line(one))
        return 1 if done.open else 0

    return _with_ports(data, work)


def import_statement(data: Path, *, slug: str, file: Path, connection: str) -> int:
    """Import a bank's statement, or a provider's list of payments; print what it brought."""
    body = file.read_bytes()

    async def work(ports: Ports) -> int:
        tenant = await _tenant(ports, slug)
        if tenant is None:
            return 1
        async with ports.database.tenant(tenant) as session:
            if connection:
                known = {name: found for found, name in await bank_queries.connections(session)}
                if connection not in known:
                    click.echo(f"There is no connection {connection!r}.", err=True)
                    return 1
                made = await provider_lists.take(
                    session, connection_id=known[connection], data=body, name=file.name
                )
            else:
                made = await imports.take(session, data=body, name=file.name)
        click.echo(reconcile_commands.import_line(file.name, made))
        return 0

    return _with_ports(data, work)


async def _tenant(ports: Ports, slug: str) -> TenantRef | None:
    async with ports.database.control() as session:
        found = await queries.tenant_by_slug(session, slug)
    if found is None:
        click.echo(f"There is no brokerage {slug!r}.", err=True)
        return None
    return queries.ref(found)


def resync(data: Path, slug: str) -> int:
    """Read a brokerage's groups and symbols from its trading servers."""

    async def work(ports: Ports) -> int:
        async with ports.database.control() as session:
            tenant = await queries.tenant_by_slug(session, slug)
            if tenant is None:
                click.echo(f"There is no brokerage {slug!r}.", err=True)
                return 1
        found = await trading_steps.resync(
            ports.database, queries.ref(tenant), connections=ports.trading
        )
        for name, (groups, symbols) in found.items():
            click.echo(f"{name}: {groups} groups, {symbols} symbols")
        return 0

    return _with_ports(data, work)


def _with_ports(data: Path, work: Callable[[Ports], Awaitable[int]]) -> int:
    async def whole() -> int:
        ports = wiring.ports(kernel_settings.load(environment.load(data)), pool_size=6)
        try:
            return await work(ports)
        finally:
            await wiring.close(ports)

    try:
        return asyncio.run(whole())
    except InvalidInput as error:
        click.echo("\n".join(error.fields.values()) or error.text, err=True)
        return 1
    except (ProductError, kernel_settings.SettingsError) as error:
        click.echo(str(error), err=True)
        return 1
    except OSError as error:
        click.echo(f"The database does not answer; is the copy up? {error}", err=True)
        return 1
