"""What reconciliation does when somebody has decided what it asked."""

from __future__ import annotations

from approvals.events import ApprovalGranted, ApprovalRejected
from kernel.subscriptions import Subscriptions
from treasury.reconciliation import breaks, client_money


def subscribe(made: Subscriptions) -> None:
    """Bind the subscribers of reconciliation."""
    made.on(ApprovalGranted, "treasury.write_off", breaks.on_granted, lane="money")
    made.on(ApprovalGranted, "treasury.top_up", client_money.on_granted, lane="money")
    made.on(ApprovalRejected, "treasury.write_off_refused", breaks.on_rejected)
