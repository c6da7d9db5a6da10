"""What the outside world looks like to the rooms: chosen once, in entrypoints/wiring.py."""

from __future__ import annotations

from dataclasses import dataclass

import redis.asyncio

from connectors.dns.port import Dns
from connectors.fx_rates.port import RateFeed
from connectors.mail.port import Mailer, MailServers
from connectors.payments.engine.port import PaymentGateways
from connectors.push.port import Pusher
from connectors.sms.port import SmsGateway
from connectors.trading.port import TradingConnections
from kernel.crypto import Vault
from kernel.database import Database
from kernel.settings import Settings
from kernel.storage import ObjectStore


@dataclass(frozen=True)
class Ports:
    """Everything a process talks to; domain functions take only the one they need."""

    settings: Settings
    database: Database
    redis: redis.asyncio.Redis
    store: ObjectStore
    vault: Vault
    trading: TradingConnections
    gateways: PaymentGateways
    mailer: Mailer
    mail_servers: MailServers
    dns: Dns
    pusher: Pusher
    sms: SmsGateway | None = None  # without one, no SMS is queued
    rates: RateFeed | None = None  # without one, rates come by files alone
