"""What happens in this room that others, or its own worker, care about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class BulkStarted(Event):
    """A change to many rows was confirmed and waits to be run."""

    topic: ClassVar[str] = "identity.bulk_started"
    run_id: UUID


@dataclass(frozen=True)
class SecurityChanged(Event):
    """Something about how a person signs in has changed; `change` is one of `CHANGES`."""

    topic: ClassVar[str] = "identity.security_changed"
    user_id: UUID
    change: str


CHANGES = (
    *("password", "authenticator_added", "authenticator_removed", "passkey_added"),
    *("passkey_removed", "recovery_codes_renewed", "recovery_code_used", "second_factor_reset"),
)
