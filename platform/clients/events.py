"""What happens to clients, for whoever cares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class ClientCreated(Event):
    """Somebody has a client profile; `lead_id` names the lead they were."""

    topic: ClassVar[str] = "clients.client_created"
    client_id: UUID
    lead_id: UUID | None


@dataclass(frozen=True)
class ClientStatusChanged(Event):
    """A client's status or level of verification has changed."""

    topic: ClassVar[str] = "clients.client_status_changed"
    client_id: UUID
    status: str
    kyc_level: int


@dataclass(frozen=True)
class ClientRegistered(Event):
    """Somebody has registered by themselves, perhaps by a partner's link.

    Recorded by the Trader's Room; it stands here for its neighbours and the rooms below it.
    """

    topic: ClassVar[str] = "clients.client_registered"
    client_id: UUID
    email: str
    phone: str
    referral_code: str | None
    visitor: str | None


@dataclass(frozen=True)
class LeadCaptured(Event):
    """Somebody has become a lead. Recorded by the crm; it stands here for the rooms below it."""

    topic: ClassVar[str] = "crm.lead_captured"
    lead_id: UUID
    referral_code: str | None


@dataclass(frozen=True)
class LeadConverted(Event):
    """A lead has become a client, and the code of the partner who brought them goes along.

    Recorded by the crm; it stands here for the rooms below it.
    """

    topic: ClassVar[str] = "crm.lead_converted"
    lead_id: UUID
    client_id: UUID
    referral_code: str | None


@dataclass(frozen=True)
class ReferralVisited(Event):
    """A visitor has followed a partner's link; `visitor` is a random name kept in a cookie.

    Recorded by the public site; it stands here for the rooms below it.
    """

    topic: ClassVar[str] = "crm.referral_visited"
    code: str
    visitor: str
