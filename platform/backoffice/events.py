"""What the Back Office records for whoever cares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class BrandPublished(Event):
    """A version of the brand is to be worn by every surface from now on."""

    topic: ClassVar[str] = "backoffice.brand_published"
    version_id: UUID


@dataclass(frozen=True)
class TextsChanged(Event):
    """Texts of the brokerage's own were written or taken back."""

    topic: ClassVar[str] = "backoffice.texts_changed"
    count: int
