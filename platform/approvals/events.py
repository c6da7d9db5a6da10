"""What becomes of requests, for the rooms that asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class ApprovalWaiting(Event):
    """A step of a request waits for other eyes: for somebody with its permission."""

    topic: ClassVar[str] = "approvals.waiting"
    approval_id: UUID
    approval_kind: str
    subject_kind: str
    subject_id: UUID
    step: int


@dataclass(frozen=True)
class ApprovalGranted(Event):
    """Everybody who had to has agreed; whoever asked may go on, with exactly this content."""

    topic: ClassVar[str] = "approvals.granted"
    approval_id: UUID
    approval_kind: str
    subject_kind: str
    subject_id: UUID


@dataclass(frozen=True)
class ApprovalRejected(Event):
    """Somebody has said no, and why."""

    topic: ClassVar[str] = "approvals.rejected"
    approval_id: UUID
    approval_kind: str
    subject_kind: str
    subject_id: UUID
    reason: str
