"""What is decided about who clients are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class KycSubmitted(Event):
    """A client has sent every document and waits for the review."""

    topic: ClassVar[str] = "compliance.kyc_submitted"
    client_id: UUID
    case_id: UUID


@dataclass(frozen=True)
class KycApproved(Event):
    """The client is who they say; `account_type_code` is what they chose to open."""

    topic: ClassVar[str] = "compliance.kyc_approved"
    client_id: UUID
    case_id: UUID
    level: int
    account_type_code: str


@dataclass(frozen=True)
class KycRejected(Event):
    """The client has to send something again; the reason is theirs to read."""

    topic: ClassVar[str] = "compliance.kyc_rejected"
    client_id: UUID
    case_id: UUID
    reason: str
