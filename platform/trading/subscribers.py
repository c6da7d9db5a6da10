"""What this room does when events come."""

from __future__ import annotations

from connectors.trading.port import TradingConnections
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from trading import operations
from trading.events import PlatformOperationReady


async def on_platform_operation_ready(
    database: Database,
    tenant: TenantRef,
    event: PlatformOperationReady,
    *,
    connections: TradingConnections,
    vault: Vault,
    quiet_seconds: float = operations.QUIET_SECONDS,
) -> None:
    """Send the operation; a job, because it calls the network, and harmless when repeated."""
    await operations.execute(
        database,
        tenant,
        operation_id=event.operation_id,
        connections=connections,
        vault=vault,
        quiet_seconds=quiet_seconds,
    )
