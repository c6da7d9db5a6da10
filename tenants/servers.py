"""Trading servers: registered once in control, shared by tenants under disjoint masks."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, update

from kernel.crypto import Vault
from kernel.database import ControlSession
from kernel.errors import ProductError
from kernel.ids import uuid7
from tenants import queries
from tenants.models import ServerTenant, TradingServer

SECRET_PURPOSE = "trading-server"  # noqa: S105 - a purpose, not a secret


class MaskOverlaps(ProductError):
    """Another tenant of the server already owns groups under this mask."""

    code = "mask_overlaps"
    status = 409
    message = "These groups overlap another brokerage's on the same server."


async def register(
    session: ControlSession,
    *,
    name: str,
    kind: str,
    address: str,
    manager_login: str,
    password: str,
    fingerprint: str,
    vault: Vault,
) -> TradingServer:
    """Create the server's row, or bring an existing one's address and secret up to date."""
    server = await queries.server_by_name(session, name)
    if server is None:
        server = TradingServer(id=uuid7(), name=name, kind=kind)
        session.add(server)
    server.kind = kind
    server.address = address
    server.manager_login = manager_login
    server.fingerprint = fingerprint
    server.secret_sealed = vault.seal(server.id, password.encode(), purpose=SECRET_PURPOSE)
    await session.flush()
    return server


def password_of(server: TradingServer, vault: Vault) -> str:
    """Return the manager's API password in clear; it goes to the connector and nowhere else."""
    return vault.open(server.id, server.secret_sealed, purpose=SECRET_PURPOSE).decode()


async def assign(
    session: ControlSession, *, server_id: UUID, tenant_id: UUID, group_mask: str
) -> None:
    """Give a tenant the groups under a mask; raise MaskOverlaps when another holds any."""
    # The lock makes two assignments at once see each other.
    await session.execute(
        update(TradingServer).where(TradingServer.id == server_id).values(state=TradingServer.state)
    )
    prefix = _prefix(group_mask)
    for row, _ in await queries.tenants_of_server(session, server_id):
        if row.tenant_id == tenant_id:
            row.group_mask = group_mask
            return
        other = _prefix(row.group_mask)
        if other.startswith(prefix) or prefix.startswith(other):
            raise MaskOverlaps
    session.add(ServerTenant(server_id=server_id, tenant_id=tenant_id, group_mask=group_mask))
    await session.flush()


async def claim(session: ControlSession, *, server_id: UUID, holder: str, seconds: float) -> bool:
    """Take or renew the lease of a server's puller; say whether it is ours now."""
    statement = (
        update(TradingServer)
        .where(
            TradingServer.id == server_id,
            or_(
                TradingServer.lease_until.is_(None),
                TradingServer.lease_until < func.clock_timestamp(),
                TradingServer.lease_holder == holder,
            ),
        )
        .values(
            lease_holder=holder,
            lease_until=func.clock_timestamp() + timedelta(seconds=seconds),
        )
        .returning(TradingServer.id)
    )
    return await session.scalar(statement) is not None


async def release(session: ControlSession, *, holder: str) -> None:
    """Give back every lease of a puller that stops."""
    await session.execute(
        update(TradingServer)
        .where(TradingServer.lease_holder == holder)
        .values(lease_holder="", lease_until=None)
    )


def _prefix(mask: str) -> str:
    """Return what stands before the star: masks are a path prefix and one star at the end."""
    return mask.rstrip("*").lower()
