"""The adapters of a process, chosen by its settings.

The other lists that know every room stand beside this one: catalogue (permissions), routes,
subscriptions, schedule and steps. Whoever adds a room adds its lines there.
"""

from __future__ import annotations

from pathlib import Path

import redis.asyncio

from connectors.dns.resolver import DnsResolver
from connectors.fx_rates.file_feed import FileFeed
from connectors.fx_rates.http_feed import HttpFeed
from connectors.fx_rates.port import RateFeed
from connectors.mail.smtp import Smtp, SmtpServers
from connectors.push.web import WebPush
from connectors.sms.twilio import Twilio
from connectors.storage.filesystem import FilesystemStore
from entrypoints.connections import Gateways, ServerConnections
from kernel.crypto import Vault
from kernel.database import Database
from kernel.doorbell import RedisDoorbell
from kernel.settings import Settings
from kernel.storage import ObjectStore
from tenants.ports import Ports


def ports(settings: Settings, *, pool_size: int = 10) -> Ports:
    """Choose the adapters of this process by its settings; nothing connects yet."""
    database = Database.from_settings(settings, pool_size=pool_size)
    client = redis.asyncio.Redis.from_url(settings.redis_url)
    database.ring(RedisDoorbell(client))
    vault = Vault(settings.secret_key)
    return Ports(
        settings=settings,
        database=database,
        redis=client,
        store=_store(settings),
        vault=vault,
        trading=ServerConnections(database, vault, allow=settings.egress_allow),
        gateways=Gateways(allow=settings.egress_allow),
        mailer=Smtp(settings.smtp_url),
        mail_servers=SmtpServers(allow=settings.egress_allow),
        dns=DnsResolver(settings.dns),
        pusher=WebPush(allow=settings.egress_allow),
        sms=_sms(settings),
        rates=_rates(settings),
    )


async def close(ports: Ports) -> None:
    """Give back what the ports hold."""
    await ports.database.close()
    await ports.redis.aclose()
    if isinstance(ports.trading, ServerConnections):
        await ports.trading.close()


def _sms(settings: Settings) -> Twilio | None:
    if not settings.sms_url:
        return None
    return Twilio(settings.sms_url, egress_allow=settings.egress_allow)


def _rates(settings: Settings) -> RateFeed | None:
    if not settings.rates_url:
        return None
    if settings.rates_url.startswith("/"):
        return FileFeed(Path(settings.rates_url))
    return HttpFeed(settings.rates_url, allow=settings.egress_allow)


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
