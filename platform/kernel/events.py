"""Domain events: a row in the outbox of the same transaction, handled afterwards.

A lower room never names a higher one: it records what happened, and whoever cares is
bound to the topic in entrypoints/wiring.py. PostgreSQL is the truth; Redis only rings.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

import msgspec
from sqlalchemy import Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key
from kernel.database import Base, ControlBase, ControlSession, TenantSession
from kernel.ids import uuid7
from kernel.journal import Journal


@dataclasses.dataclass(frozen=True)
class Event:
    """A fact that happened; subclasses are frozen dataclasses with a `topic`."""

    topic: ClassVar[str] = ""

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON values; decimals and ids become text."""
        built: dict[str, Any] = msgspec.to_builtins(
            {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        )
        return built

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Read the fields back in their declared types; unknown fields are left out."""
        known = {
            name: msgspec.convert(payload[name], kind, strict=False)
            for name, kind in _fields(cls).items()  # type: ignore[arg-type]
            if name in payload
        }
        return cls(**known)


@functools.cache
def _fields(kind: type[Event]) -> dict[str, Any]:
    """Return the declared type of each field; reading them costs as much as handling some."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


class _Outbox:
    id: Mapped[UUID] = uuid_key()
    topic: Mapped[str] = short(80)
    payload: Mapped[dict[str, Any]] = json_()
    actor: Mapped[str] = short(120, server_default=text("''"))
    recorded_at: Mapped[datetime] = timestamp()
    lease_until: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    done_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class OutboxEvent(_Outbox, Base):
    """An event of one tenant, kept until every subscriber has handled it."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "recorded_at", postgresql_where=text("done_at IS NULL")),
    )


class ControlOutboxEvent(_Outbox, ControlBase):
    """An event of the control schema."""

    __tablename__ = "outbox"


class OutboxDelivery(Base):
    """That one subscriber has handled one event: written in the handler's own transaction."""

    __tablename__ = "outbox_delivery"
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    subscriber: Mapped[str] = mapped_column(String(80), primary_key=True)
    done_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[str] = short(200, server_default=text("''"))


LEASE_SECONDS = 20
# An event that is kept by the process that records it is born under a lease.
_OUTBOX = Journal(
    "outbox",
    {
        "id": "uuid",
        "topic": "text",
        "payload": "jsonb",
        "actor": "text",
        "attempts": "int",
        "lease_until": "float8",
    },
    made={"lease_until": "clock_timestamp() + make_interval(secs => lease_until)"},
)


def record(session: TenantSession | ControlSession, event: Event) -> None:
    """Write the event into the outbox of this transaction; it is handled after the commit."""
    label = getattr(session.info.get("actor"), "label", "")
    event_id = uuid7()
    kept = event.topic in session.info.get("keeps", ())
    _OUTBOX.add(
        session,
        id=event_id,
        topic=event.topic,
        payload=event.payload(),
        actor=label[:120],
        attempts=int(kept),
        lease_until=float(LEASE_SECONDS) if kept else None,
    )
    if kept:
        session.info.setdefault("kept", []).append((event_id, event.topic))
    else:
        session.info["events"] = session.info.get("events", 0) + 1
