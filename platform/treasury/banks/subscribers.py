"""What banks do when somebody has decided what they asked."""

from __future__ import annotations

from approvals.events import ApprovalGranted, ApprovalRejected
from kernel.subscriptions import Subscriptions
from treasury.banks import releases


def subscribe(made: Subscriptions) -> None:
    """Bind the subscribers of banks."""
    made.on(ApprovalGranted, "treasury.release", releases.on_granted, lane="money")
    made.on(ApprovalRejected, "treasury.release_refused", releases.on_rejected)
