"""From a Host header to a brokerage and a surface: an exact match, or nothing."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio

from kernel.actor import TenantRef
from kernel.database import Database
from tenants import queries

_HOST = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$")
_KEEP_SECONDS = 5.0
_KEEP_MAX = 4096
# Whoever changes what a host wears says so here; the message is the tenant's id.
CHANNEL = "marque:places"


@dataclass(frozen=True)
class Place:
    """Where a request has arrived. `tenant` is None on the vendor's own hosts.

    `worn` keeps what was made from the brand, for as long as this place is remembered.
    """

    host: str
    surface: str
    tenant: TenantRef | None
    state: str = "active"
    brand: dict[str, Any] | None = None
    worn: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


def canonical(header: str, *, port: int) -> str | None:
    """Return the host in lower case without its port, or None for anything unusual.

    A port is accepted only when it is ours or a scheme's default, so that no second spelling
    of a host exists.
    """
    text = header.strip().lower()
    name, colon, number = text.partition(":")
    if colon and number not in {str(port), "80", "443"}:
        return None
    name = name.removesuffix(".")
    return name if len(name) <= 253 and _HOST.match(name) else None


class Resolver:
    """Looks hosts up in control, and remembers each for a few seconds."""

    def __init__(self, database: Database, *, domain: str) -> None:
        """Take the database and the vendor's own domain."""
        self._database = database
        self._domain = domain
        self._kept: dict[str, tuple[float, Place | None]] = {}
        self._changes = 0

    async def place(self, host: str) -> Place | None:
        """Return where the host leads, or None when it is nobody's."""
        if host == self._domain:
            return Place(host, "vendor", None)
        if host == f"console.{self._domain}":
            return Place(host, "console", None)
        if host in ("127.0.0.1", "localhost"):
            return Place(host, "ops", None)
        kept = self._kept.get(host)
        if kept is not None and time.monotonic() - kept[0] < _KEEP_SECONDS:
            return kept[1]
        changes = self._changes
        found = await self._look_up(host)
        if changes != self._changes:
            # What was read may be older than the change that was announced meanwhile.
            return await self._look_up(host)
        if len(self._kept) >= _KEEP_MAX:
            self._kept.clear()
        if kept is not None and kept[1] == found:
            found = kept[1]  # with what it wears
        self._kept[host] = (time.monotonic(), found)
        return found

    def forget(self) -> None:
        """Look every host up again."""
        self._kept.clear()
        self._changes += 1

    async def listen(self, client: redis.asyncio.Redis) -> None:
        """Forget whenever a change is announced, until cancelled; without Redis, wait for it."""
        while True:
            try:
                async with client.pubsub() as heard:
                    await heard.subscribe(CHANNEL)
                    async for message in heard.listen():
                        if message["type"] in ("subscribe", "message"):
                            self.forget()
            except (redis.exceptions.RedisError, OSError):
                await asyncio.sleep(1)

    async def _look_up(self, host: str) -> Place | None:
        async with self._database.control() as session:
            row = await queries.domain_with_tenant(session, host)
            if row is None:
                return None
            domain, tenant = row
            ref = queries.ref(tenant)
            return Place(host, domain.surface, ref, tenant.state, dict(tenant.brand))
