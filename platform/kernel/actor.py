"""Who acts, and for which brokerage: carried by every session, message and log line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

ActorKind = Literal["staff", "client", "partner", "vendor", "api", "system", "visitor"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a program that changes state."""

    kind: ActorKind
    id: UUID | None
    label: str


SYSTEM = Actor("system", None, "Marque")
VISITOR = Actor("visitor", None, "Visitor")


@dataclass(frozen=True, slots=True)
class TenantRef:
    """A brokerage as requests, messages and jobs name it.

    `schema` is `t_<slug>`; `generation` rises when a tenant's schema is replaced, and a
    message of an older generation is refused. `wording` is the version of its own texts, 0
    before the first.
    """

    id: UUID
    slug: str
    name: str
    schema: str
    base_currency: str
    timezone: str
    language: str
    generation: int
    wording: int = field(default=0, compare=False)
