"""The `marque` command."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime
from pathlib import Path

import click

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=lambda: Path(os.environ.get("MARQUE_DATA", ".marque")),
    help="Folder of this copy's data (MARQUE_DATA).",
)


@click.group()
def main() -> None:
    """Run and look after Marque, the white-label brokerage platform."""


@main.command()
@DATA
@click.option("--port", type=int, default=lambda: int(os.environ.get("MARQUE_PORT", "8000")))
@click.option("--domain", default=lambda: os.environ.get("MARQUE_DOMAIN", "localhost"))
@click.option("--detach", is_flag=True, help="Return when everything is ready.")
@click.option("--live/--no-live", default=False, help="Let the simulated traders trade.")
@click.option("--scale", default="0.05", help="Demo volume; 1 is the whole sample brokerage.")
@click.option("--demo/--no-demo", default=True, help="Provision the demo brokerages.")
def up(
    *, data: Path, port: int, domain: str, detach: bool, live: bool, scale: str, demo: bool
) -> None:
    """Start the whole product on its embedded services."""
    from infra.embedded import stack

    def before(environment: dict[str, str]) -> None:
        # Loaded while the services start, not before them: it takes two seconds.
        from entrypoints import environment as kept
        from entrypoints import prepare

        kept.save(Path(environment["MARQUE_DATA"]), environment)
        asyncio.run(prepare.everything(environment, scale=scale, demo=demo))

    sys.exit(
        stack.up(
            data=data,
            port=port,
            domain=domain,
            detach=detach,
            live=live,
            prepare=before,
            table=_table,
        )
    )


def _table(environment: dict[str, str]) -> str:
    from entrypoints import table

    return table.text(environment)


@main.command()
@DATA
def down(*, data: Path) -> None:
    """Stop everything that `up` started from this data folder, and nothing else."""
    from infra.embedded import stack

    sys.exit(stack.down(data))


@main.command()
@DATA
def status(*, data: Path) -> None:
    """Say what runs; exit 0 when all of it is up."""
    from infra.embedded import stack

    sys.exit(stack.status(data))


@main.command()
@DATA
def doctor(*, data: Path) -> None:
    """Say what this machine lacks, and how to get it."""
    from infra.embedded import stack

    sys.exit(stack.doctor(data))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def walk(arguments: tuple[str, ...]) -> None:
    """Let a synthetic person walk the running product from lead to commission."""
    from infra.walk.__main__ import main as walk_main

    sys.exit(walk_main(list(arguments)))


@main.group()
def tenants() -> None:
    """Make and list brokerages."""


@tenants.command("provision")
@DATA
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--main-colour", default="#1B2A4A")
@click.option("--accent-colour", default="#3E63DD")
@click.option("--demo", is_flag=True, help="With people and trades to look at.")
@click.option("--scale", default="0.05")
def provision_tenant(
    *,
    data: Path,
    slug: str,
    name: str,
    main_colour: str,
    accent_colour: str,
    demo: bool,
    scale: str,
) -> None:
    """Provision a brokerage, or resume its unfinished run."""
    from entrypoints import operations

    brand = {"main": main_colour, "accent": accent_colour}
    sys.exit(operations.provision(data, slug=slug, name=name, brand=brand, demo=demo, scale=scale))


@tenants.command("list")
@DATA
def list_tenants(*, data: Path) -> None:
    """List brokerages with their state."""
    from entrypoints import operations

    sys.exit(operations.list_tenants(data))


@main.group()
def ledger() -> None:
    """Look after the books."""


@ledger.command("verify")
@DATA
@click.option("--tenant", "slug", default="", help="One brokerage; all without it.")
def verify_ledger(*, data: Path, slug: str) -> None:
    """Prove that every book balances; exit 1 when one does not."""
    from entrypoints import operations

    sys.exit(operations.verify_ledgers(data, slug))


@ledger.command("rebuild")
@DATA
@click.option("--tenant", "slug", required=True)
@click.option("--reason", required=True, help="Why; it is kept with what was mended.")
def rebuild_ledger(*, data: Path, slug: str, reason: str) -> None:
    """Make balances anew from their lines where they differ, and say which."""
    from entrypoints import operations

    sys.exit(operations.rebuild_ledger(data, slug, reason))


@ledger.command("reconcile")
@DATA
@click.option("--tenant", "slug", required=True)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="A day in UTC.")
@click.option("--ledger", "book", type=_FILE, help="CSV: id, amount, currency, time, status, fee.")
@click.option("--platform", "server", type=_FILE, help="The trading server's operations, CSV.")
@click.option("--psp", type=_FILE, help="The provider's or bank's statement, CSV.")
@click.option(
    "--window-hours",
    type=click.IntRange(0, 720),
    help="How long a counterpart may be on its way; 1 at the trading server, 4 at a provider.",
)
def reconcile_ledger(
    *,
    data: Path,
    slug: str,
    day: datetime,
    book: Path | None,
    server: Path | None,
    psp: Path | None,
    window_hours: int | None,
) -> None:
    """Compare book, trading server and providers as of the end of a day; exit 1 with breaks.

    Without files the brokerage's own books are compared, and what is found is kept.
    """
    from entrypoints import reconcile_commands
    from treasury.reconciliation.files import UnreadableFile

    if not (book or server or psp):
        from entrypoints import operations

        sys.exit(operations.reconcile(data, slug=slug, day=day.date(), hours=window_hours))
    if book is None or not (server or psp):
        sides = "Give --ledger and at least one of --platform and --psp, or none of them."
        raise click.UsageError(sides)
    try:
        text, good = reconcile_commands.of_files(
            book, server, psp, day=day.date(), hours=window_hours
        )
    except UnreadableFile as error:
        click.echo(error.text, err=True)
        sys.exit(2)
    click.echo(f"{slug} {day:%Y-%m-%d}: {text}")
    sys.exit(0 if good else 1)


@main.group()
def rates() -> None:
    """Look after exchange rates."""


@rates.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@DATA
@click.option("--tenant", "slug", required=True)
def import_rates(*, path: Path, data: Path, slug: str) -> None:
    """Import a file of ECB reference rates (eurofxref, XML or CSV)."""
    from entrypoints import operations

    sys.exit(operations.import_rates(data, slug, path))


@main.group()
def bank() -> None:
    """Look after banks' statements."""


@bank.command("import")
@DATA
@click.option("--tenant", "slug", required=True)
@click.option("--connection", default="", help="A provider's list of payments, as CSV.")
@click.argument("file", type=_FILE)
def import_statement(*, data: Path, slug: str, connection: str, file: Path) -> None:
    """Import a camt.053 or MT940 statement once, and match its lines."""
    from entrypoints import operations

    sys.exit(operations.import_statement(data, slug=slug, file=file, connection=connection))


@main.group()
def platforms() -> None:
    """Look after trading servers."""


@platforms.command("resync")
@DATA
@click.option("--tenant", "slug", required=True)
def resync(*, data: Path, slug: str) -> None:
    """Read groups and symbols from the trading servers again."""
    from entrypoints import operations

    sys.exit(operations.resync(data, slug))


@main.group()
def providers() -> None:
    """Look at payment providers, and check the engine with values of your own."""


@providers.command("list")
def list_providers() -> None:
    """Print provider files, brands, reachable methods and verification levels."""
    from entrypoints import provider_commands

    click.echo(provider_commands.table())


@providers.command("verify")
@click.argument("provider_id", metavar="[ID]", default="")
def verify_providers(*, provider_id: str) -> None:
    """Run the vectors of one provider file, or of all; exit 1 when one does not hold."""
    from entrypoints import provider_commands

    text, good = provider_commands.verify(provider_id)
    click.echo(text)
    sys.exit(0 if good else 1)


@providers.command("sign")
@click.argument("provider_id", metavar="ID")
@click.argument("operation")
@click.option("--input", "given", type=_FILE, required=True, help="The body to sign, as JSON.")
@click.option("--secrets", type=_FILE, required=True, help='JSON: {"credential": "value"}.')
def sign_operation(*, provider_id: str, operation: str, given: Path, secrets: Path) -> None:
    """Print the SHA-256 of the canonical string and the signature for any input.

    OPERATION is an operation (deposit, query, ...), the name of a recipe (request, reply, ...) or
    `callback`. The input is the body that the provider's file speaks of as `body`; or an object of
    "body" or "raw", "headers", "query", "method", "path" and "part" where more than the body is
    signed. What signs raw bytes signs the file's bytes exactly, a last line break included.
    """
    from entrypoints import provider_commands

    known = provider_commands.read_secrets(secrets.read_bytes())
    click.echo(provider_commands.signed(provider_id, operation, given.read_bytes(), known))


@providers.command("check-callback")
@click.argument("provider_id", metavar="ID")
@click.option("--headers", type=_FILE, required=True, help="JSON, or Name: value lines.")
@click.option("--body", type=_FILE, required=True, help="The raw bytes as they came.")
@click.option("--secrets", type=_FILE, required=True, help='JSON: {"credential": "value"}.')
@click.option("--query", default="", help="The query of the address that was called.")
@click.option("--method", default="POST")
@click.option("--at", default="", help="When it came: seconds or ISO 8601; now without it.")
@click.option("--certificate", type=_FILE, help="PEM, where the provider signs with RSA.")
def check_callback(
    *,
    provider_id: str,
    headers: Path,
    body: Path,
    secrets: Path,
    query: str,
    method: str,
    at: str,
    certificate: Path | None,
) -> None:
    """Say whether a callback is accepted and what it means, or why not; exit 0 or 1."""
    from connectors.payments.engine.port import Call
    from entrypoints import provider_commands

    named = provider_commands.read_headers(headers.read_bytes())
    text, good = provider_commands.checked(
        provider_id,
        Call(body.read_bytes(), named, query, method.upper()),
        provider_commands.read_secrets(secrets.read_bytes()),
        at=provider_commands.read_moment(at),
        certificates=provider_commands.certificates_of(provider_id, named, certificate),
    )
    click.echo(text)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
