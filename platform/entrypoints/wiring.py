"""The one place that knows every room: adapters, subscribers, steps, permissions, routes.

Whoever adds a room adds its lines here; nothing elsewhere imports upwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import redis.asyncio

from connectors.mail.smtp import Smtp
from connectors.storage.filesystem import FilesystemStore
from entrypoints.connections import ProviderAdapters, ServerConnections
from identity.roles import Grants
from kernel.crypto import Vault
from kernel.database import Database
from kernel.relay import doorbell
from kernel.settings import Settings
from kernel.storage import ObjectStore
from tenants.ports import Ports

# Every room that registers permissions.
_PERMISSION_ROOMS = (
    *("identity", "clients", "ledger", "trading", "treasury", "compliance", "revenue"),
    *("introducers", "crm", "backoffice", "tradersroom", "partners"),
)


def ports(settings: Settings, *, pool_size: int = 10) -> Ports:
    """Choose the adapters of this process by its settings; nothing connects yet."""
    database = Database.from_settings(settings, pool_size=pool_size)
    client = redis.asyncio.Redis.from_url(settings.redis_url)
    database.ring(doorbell(client))
    vault = Vault(settings.secret_key)
    return Ports(
        settings=settings,
        database=database,
        redis=client,
        store=_store(settings),
        vault=vault,
        trading=ServerConnections(database, vault, allow=settings.egress_allow),
        payments=ProviderAdapters(allow=settings.egress_allow),
        mailer=Smtp(settings.smtp_url),
    )


async def close(ports: Ports) -> None:
    """Give back what the ports hold."""
    await ports.database.close()
    await ports.redis.aclose()
    if isinstance(ports.trading, ServerConnections):
        await ports.trading.close()


def permissions() -> Mapping[str, str]:
    """Return every permission with what it lets a person do."""
    found: dict[str, str] = {}
    for room in _rooms():
        found.update(import_module(f"{room}.permissions").PERMISSIONS)
    return found


def grants() -> Grants:
    """Return what each staff role is granted when a brokerage is made."""
    found: dict[str, Any] = {}
    for room in _rooms():
        found.update(import_module(f"{room}.permissions").GRANTS)
    return found


def _rooms() -> list[str]:
    return [r for r in _PERMISSION_ROOMS if find_spec(r) and find_spec(f"{r}.permissions")]


def _store(settings: Settings) -> ObjectStore:
    if not settings.storage.endpoint:
        return FilesystemStore(settings.data / "objects")
    from connectors.storage.s3 import S3Store

    return S3Store(
        endpoint_url=settings.storage.endpoint,
        bucket=settings.storage.bucket,
        access_key=settings.storage.access_key,
        secret_key=settings.storage.secret_key,
        region=settings.storage.region,
    )
