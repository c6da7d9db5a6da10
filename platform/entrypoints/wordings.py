"""The brokerages' own texts in this process: read once for each of their versions.

The version stands in what the process knows of the brokerage anyway, so that a request asks the
database for them only when it is a new one.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from backoffice.settings import own_texts
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.language import NONE, Own
from kernel.log import logger

_LOG = logger(__name__)
_KEEP_MAX = 512
_Key = tuple[UUID, int]


class Wordings:
    """Keeps the own texts of the brokerages that were served last."""

    def __init__(self, database: Database) -> None:
        """Start without any."""
        self._database = database
        self._kept: dict[_Key, tuple[int, Own]] = {}
        self._reading: dict[_Key, asyncio.Lock] = {}

    async def of(self, tenant: TenantRef | None) -> Own:
        """Return those of a brokerage, of the version that it is known to have, or newer.

        When they can't be read, those of before are spoken, else the product's.
        """
        if tenant is None or not tenant.wording:
            return NONE
        version = tenant.wording
        key = (tenant.id, tenant.generation)
        kept = self._kept.get(key)
        if kept is not None and kept[0] >= version:
            return kept[1]
        lock = self._reading.setdefault(key, asyncio.Lock())
        async with lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] < version:
                kept = await self._read(tenant, version) or kept
        self._reading.pop(key, None)
        return kept[1] if kept is not None else NONE

    async def _read(self, tenant: TenantRef, version: int) -> tuple[int, Own] | None:
        try:
            async with self._database.tenant(tenant) as session:
                found = await own_texts.overlay(session)
        except Exception as error:  # noqa: BLE001 - the product's words are better than none
            _LOG.warning("own texts could not be read", error=type(error).__name__)
            return None
        key = (tenant.id, tenant.generation)
        self._kept.pop(key, None)
        if len(self._kept) >= _KEEP_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (version, found)
        return self._kept[key]
