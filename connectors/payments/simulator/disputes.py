"""The API's requests on disputes, and how they end.

Source: docs.stripe.com/testing#disputes: evidence whose uncategorized text is `winning_evidence`
or `losing_evidence` decides a test dispute; closing one loses it.
"""

from typing import Any

from connectors.payments.simulator import events, forms, objects
from connectors.payments.simulator.errors import ApiError
from connectors.payments.simulator.store import JsonObject, Store

OPEN = ("needs_response", "warning_needs_response", "under_review")
ENDS = {"winning_evidence": "won", "losing_evidence": "lost"}


def update(
    store: Store, account: str, dispute: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Take evidence; with `submit` the bank decides, at once for the two test texts."""
    forms.allow_only(parameters, {"evidence", "metadata", "submit"})
    _require_open(dispute)
    evidence = forms.mapping(parameters, "evidence")
    dispute["evidence"] |= evidence
    dispute["metadata"] |= forms.metadata(parameters)
    if evidence:
        dispute["evidence_details"]["has_evidence"] = True
    store.put(account, dispute)
    if forms.boolean(parameters, "submit") is False:
        return dispute
    dispute["evidence_details"]["submission_count"] += 1
    dispute["status"] = "under_review"
    store.put(account, dispute)
    events.record(store, account, "charge.dispute.updated", dispute)
    end = ENDS.get(str(dispute["evidence"].get("uncategorized_text")))
    return finish(store, account, dispute, end) if end else dispute


def close(
    store: Store, account: str, dispute: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Accept a dispute: it is lost."""
    forms.allow_only(parameters, set())
    _require_open(dispute)
    return finish(store, account, dispute, "lost")


def _require_open(dispute: JsonObject) -> None:
    if dispute["status"] not in OPEN:
        raise ApiError(
            400,
            f"This dispute is already {dispute['status']} and cannot be updated.",
            executed=True,
        )


def finish(store: Store, account: str, dispute: JsonObject, status: str) -> JsonObject:
    """End a dispute; a won one brings the charge's amount back, the fee stays."""
    dispute["status"] = status
    if status == "won":
        back = objects.balance_transaction(
            amount=dispute["amount"],
            fee=0,
            currency=dispute["currency"],
            source=dispute["id"],
            kind="adjustment",
            category="dispute_reversal",
        )
        dispute["balance_transactions"].append(back)
        store.put(account, back)
        charge = store.get(account, dispute["charge"])
        if charge is not None:
            charge["disputed"] = False
            store.put(account, charge)
    store.put(account, dispute)
    events.record(store, account, "charge.dispute.closed", dispute)
    if status == "won":
        events.record(store, account, "charge.dispute.funds_reinstated", dispute)
    return dispute
