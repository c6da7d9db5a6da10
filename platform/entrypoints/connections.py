"""Adapters chosen by what the database says: trading servers and payment providers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from connectors.trading.mt5_rest import Mt5Rest
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import NotFound
from kernel.http import EgressRefused, resolve
from tenants import servers
from tenants.models import TradingServer

if TYPE_CHECKING:
    from connectors.payments.port import PaymentProvider
    from connectors.trading.port import TradingConnection


class ServerConnections:
    """One serial, authenticated connection to each trading server from this process."""

    def __init__(self, database: Database, vault: Vault, *, allow: frozenset[str]) -> None:
        """Remember where servers are written down; nothing connects yet."""
        self._database = database
        self._vault = vault
        self._allow = allow
        self._open: dict[UUID, tuple[tuple[str, bytes], TradingConnection]] = {}
        self._lock = asyncio.Lock()

    async def get(self, server_id: UUID) -> TradingConnection:
        """Return the server's connection; a changed address or secret gets a new one."""
        async with self._database.control() as session:
            server = await session.get(TradingServer, server_id)
        if server is None:
            raise NotFound
        mark = (server.address, server.secret_sealed)
        async with self._lock:
            known = self._open.get(server_id)
            if known is not None and known[0] == mark:
                return known[1]
            if known is not None:
                await known[1].close()
            connection = await self._connect(server)
            self._open[server_id] = (mark, connection)
            return connection

    async def _connect(self, server: TradingServer) -> TradingConnection:
        parts = urlsplit(f"//{server.address}")
        host, port = parts.hostname or "", parts.port or 443
        # The name is resolved and judged here; the adapter connects to what was judged.
        address = await resolve(host, port, allow=self._allow)
        return Mt5Rest(
            f"{address}:{port}",
            login=int(server.manager_login),
            password=servers.password_of(server, self._vault),
            fingerprint=server.fingerprint or None,
        )

    async def close(self) -> None:
        """Close every connection."""
        for _, connection in self._open.values():
            await connection.close()
        self._open.clear()


class ProviderAdapters:
    """Payment providers by name, each with a tenant's own credentials."""

    def __init__(self, *, allow: frozenset[str]) -> None:
        """Take the addresses outside the internet that the operator allows."""
        self._allow = allow

    def get(self, provider: str, credentials: Mapping[str, str]) -> PaymentProvider:
        """Return the adapter of a provider; raise NotFound for an unknown name."""
        if provider != "stripe":
            raise NotFound("This payment provider is not known.")
        from connectors.payments.stripe import Stripe

        base = credentials.get("api_base")
        if base:
            parts = urlsplit(base)
            if f"{parts.hostname}:{parts.port}" not in self._allow:
                raise EgressRefused
        return Stripe(credentials)
