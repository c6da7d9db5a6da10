"""Status codes of the product mapped to the kind, icon and word of their badge."""

from typing import Final

from kernel.language import marked

Badge = tuple[str, str | None, str]
"""Kind (positive, info, progress, warning, negative or neutral), icon or None for a dot, word."""

_WORDS: Final[dict[str, dict[str, str]]] = {
    "positive": {
        "live": "circle-check",
        "active": "circle-check",
        "verified": "shield-check",
        "approved": "circle-check",
        "paid": "circle-check",
        "settled": "circle-check",
        "matched": "circle-check",
        "done": "circle-check",
        "completed": "circle-check",
        "succeeded": "circle-check",
        "credited": "circle-check",
        "ok": "circle-check",
        "ready": "circle-check",
        "healthy": "circle-check",
        "posted": "circle-check",
        "converted": "circle-check",
        "qualified": "circle-check",
        "registered": "circle-check",
        "accepted": "circle-check",
        "resolved": "circle-check",
        "connected": "plug-connected",
        "closed_day": "lock",
        "on_time": "clock-check",
        "won": "trophy",
        "balanced": "scale",
        "low": "shield-check",
        "enabled": "circle-check",
        "published": "circle-check",
    },
    "info": {
        "new": "activity",
        "in_review": "activity",
        "submitted": "activity",
        "received": "activity",
        "requested": "activity",
        "open": "activity",
        "second_check": "users",
        "provisioning": "rocket",
        "draft": "pencil",
        "invited": "mail",
        "trial": "hourglass",
        "demo": "flask",
        "scheduled": "calendar",
    },
    "progress": {
        "contacted": "",
        "processing": "",
        "sent": "",
        "pending": "",
        "queued": "",
        "running": "",
        "started": "",
        "in_progress": "",
        "sending": "",
        "awaiting_payment": "",
        "awaiting_approval": "",
        "approving": "",
        "registering": "",
        "held": "",
        "moving": "",
        "crediting": "",
    },
    "warning": {
        "needs_you": "alert-triangle",
        "attention": "alert-triangle",
        "unknown": "alert-triangle",
        "expiring": "clock",
        "expires": "clock",
        "overdue": "clock",
        "past_due": "clock",
        "late": "clock",
        "restated": "history",
        "disputed": "message-report",
        "unmatched": "alert-triangle",
        "partial": "alert-triangle",
        "returned": "arrow-back-up",
        "on_hold": "player-pause",
        "paused": "player-pause",
        "medium": "alert-triangle",
        "resubmit": "refresh",
        "stale": "clock",
        "degraded": "alert-triangle",
        "unverified": "shield",
        "incomplete": "alert-triangle",
    },
    "negative": {
        "rejected": "x",
        "failed": "alert-triangle",
        "suspended": "lock",
        "blocked": "lock",
        "locked": "lock",
        "declined": "x",
        "error": "alert-triangle",
        "refused": "x",
        "lost": "x",
        "not_yours": "lock",
        "high": "alert-triangle",
        "down": "alert-triangle",
        "charged_back": "alert-triangle",
        "sanctioned": "ban",
        "margin_call": "alert-triangle",
    },
    "neutral": {
        "nurture": "",
        "archived": "archive",
        "cancelled": "",
        "closed": "lock",
        "inactive": "",
        "expired": "",
        "disabled": "",
        "none": "",
        "withdrawn": "",
        "voided": "",
        "reversed": "",
        "deleted": "archive",
        "not_started": "",
        "not_required": "",
        "superseded": "",
    },
}
_BADGES: Final[dict[str, Badge]] = {
    status: (kind, icon or None, status.replace("_", " ").capitalize())
    for kind, statuses in _WORDS.items()
    for status, icon in statuses.items()
} | {"closed_day": ("positive", "lock", "Closed")}

# The states that clients and partners meet, which are said in their language.
_SAID_ABROAD: Final = (
    *(marked("Received"), marked("Accepted"), marked("Rejected"), marked("Closed")),
    *(marked("Created"), marked("Pending"), marked("Settled"), marked("Credited")),
    *(marked("Held"), marked("Failed"), marked("Cancelled"), marked("Registered")),
    *(marked("Verified"), marked("Active"), marked("Suspended"), marked("Applied")),
    *(marked("Refused"), marked("Provisioning"), marked("Moving"), marked("Crediting")),
    marked("Returned"),
)


def badge_kind(status: object) -> Badge:
    """Kind, icon and word of a status code; an unlisted one is neutral with its own words."""
    code = str(getattr(status, "value", status)).strip()
    known = _BADGES.get(code.lower().replace(" ", "_").replace("-", "_"))
    return known or ("neutral", None, code.replace("_", " ").capitalize())
