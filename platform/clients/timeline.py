"""The timeline: facts in words on the pages of leads, clients and partners."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from clients.models import TimelineEntry
from kernel.actor import SYSTEM, Actor
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import uuid7

SubjectKind = Literal["lead", "client", "partner"]
Subject = tuple[SubjectKind, UUID]


def add(
    session: TenantSession,
    *,
    subject: Subject,
    kind: str,
    fact: str,
    detail: str = "",
    icon: str = "activity",
) -> None:
    """Write one entry under the name of whoever acts; too long a text is cut.

    `kind` groups entries (note, message, money, trading, compliance, sales); `icon` is one of
    the icons that themes know.
    """
    actor: Actor = session.info.get("actor", SYSTEM)
    session.add(
        TimelineEntry(
            id=uuid7(),
            subject_kind=subject[0],
            subject_id=subject[1],
            at=now(),
            kind=kind,
            icon=icon,
            fact=fact[:160],
            detail=detail[:1000],
            actor_label=actor.label[:120],
        )
    )
