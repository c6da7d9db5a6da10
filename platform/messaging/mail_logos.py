"""The logo of a mail: a small PNG that travels with it, so that readers show it without asking.

Readers hold back pictures of servers until they are told to fetch them, and most draw no SVG;
a part of the mail is shown at once, also years later, under the brand of its day.
"""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from PIL import Image

from connectors.mail.port import InlineImage
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.errors import ProductError
from kernel.log import logger
from kernel.storage import ObjectStore
from tenants import brands
from themes import documents

LogoOf = Callable[[TenantRef], Awaitable[InlineImage | None]]
# Twice the 36 pixels that the layout shows, for fine screens.
HEIGHT, _WIDTH_MAX, _KEPT_MAX = 72, 520, 200
_LOG = logger(__name__)


class Logos:
    """The logos of the brands that mail lately, drawn once each."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        """Take where brands and their pictures are."""
        self._database = database
        self._store = store
        self._kept: OrderedDict[str, InlineImage] = OrderedDict()

    async def of(self, tenant: TenantRef) -> InlineImage | None:
        """Return the picture of a tenant's mails; None without a logo or when it can't be read.

        A mail goes out without its picture rather than not at all.
        """
        entry = await brands.file_of(self._database, tenant, "light")
        if entry is None:
            return None
        name = f"{tenant.id}/{entry['sha']}"
        if name not in self._kept:
            try:
                data = await self._store.get(tenant, entry["key"])
                png = await _drawn(data, entry["media_type"])
            except (ProductError, OSError, ValueError) as error:
                _LOG.warning("a mail leaves without its logo", error=type(error).__name__)
                return None
            self._kept[name] = InlineImage(f"logo-{entry['sha']}@brand", png)
            if len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return self._kept[name]


async def _drawn(data: bytes, media_type: str) -> bytes:
    if media_type == "image/svg+xml":
        return await documents.picture_of(data, height=HEIGHT)
    return await asyncio.to_thread(_small, data)


def _small(data: bytes) -> bytes:
    """Return a picture of ours as PNG, at most as large as the layout shows it, twice."""
    with Image.open(io.BytesIO(data)) as picture:
        made = picture.convert("RGBA")
    made.thumbnail((_WIDTH_MAX, HEIGHT))
    out = io.BytesIO()
    made.save(out, "PNG", optimize=True)
    return out.getvalue()
