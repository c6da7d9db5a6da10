"""Adapters chosen by what the database says: trading servers and payment providers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from connectors.payments.engine.failures import ProviderUnknown
from connectors.trading.mt5_rest import Mt5Rest
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import NotFound
from tenants import servers
from tenants.models import TradingServer

if TYPE_CHECKING:
    from connectors.payments.engine.port import DeclaredGateway
    from connectors.trading.port import TradingConnection


# How long a server's row is believed; every operation on a server asks for it twice.
_KEEP_SECONDS = 2.0


class ServerConnections:
    """One serial, authenticated connection to each trading server from this process."""

    def __init__(self, database: Database, vault: Vault, *, allow: frozenset[str]) -> None:
        """Remember where servers are written down; nothing connects yet."""
        self._database = database
        self._vault = vault
        self._allow = allow
        self._open: dict[UUID, tuple[tuple[str, bytes], TradingConnection]] = {}
        self._rows: dict[UUID, tuple[float, TradingServer]] = {}
        self._lock = asyncio.Lock()

    async def get(self, server_id: UUID) -> TradingConnection:
        """Return the server's connection; a changed address or secret gets a new one, soon."""
        server = await self._row(server_id)
        mark = (server.address, server.secret_sealed)
        async with self._lock:
            known = self._open.get(server_id)
            if known is not None and known[0] == mark:
                return known[1]
            if known is not None:
                await known[1].close()
            connection = self._connect(server)
            self._open[server_id] = (mark, connection)
            return connection

    async def _row(self, server_id: UUID) -> TradingServer:
        kept = self._rows.get(server_id)
        if kept is not None and time.monotonic() - kept[0] < _KEEP_SECONDS:
            return kept[1]
        async with self._database.control() as session:
            server = await session.get(TradingServer, server_id)
        if server is None:
            raise NotFound
        self._rows[server_id] = (time.monotonic(), server)
        return server

    def _connect(self, server: TradingServer) -> TradingConnection:
        # The adapter resolves, judges and connects to what it judged, and verifies the name.
        return Mt5Rest(
            server.address,
            login=int(server.manager_login),
            password=servers.password_of(server, self._vault),
            fingerprint=server.fingerprint or None,
            egress_allow=self._allow,
        )

    async def close(self) -> None:
        """Close every connection."""
        for _, connection in self._open.values():
            await connection.close()
        self._open.clear()


class Gateways:
    """Gateways of merchant accounts: declared ones by the engine, Stripe by its official SDK."""

    def __init__(self, *, allow: frozenset[str]) -> None:
        """Take the addresses outside the internet that the operator allows."""
        from connectors.payments.declared import GuardedTransport, Tokens

        self._allow = allow
        self._transport = GuardedTransport(allow=allow)
        self._tokens = Tokens()

    def get(
        self, provider_id: str, *, environment: str, credentials: Mapping[str, str]
    ) -> DeclaredGateway:
        """Return one merchant account's gateway; raise ProviderUnknown, CredentialsRefused."""
        from connectors.payments.declared import Declared
        from connectors.payments.engine import provider_files

        provider = provider_files.catalogue().get(provider_id)
        if provider is None:
            raise ProviderUnknown(f"There is no provider file {provider_id[:40]!r}.")
        if provider.adapter:
            from connectors.payments.stripe import Stripe

            return Stripe(provider, credentials, egress_allow=self._allow)
        return Declared(
            provider,
            credentials,
            environment=environment,
            transport=self._transport,
            tokens=self._tokens,
            egress_allow=self._allow,
        )
