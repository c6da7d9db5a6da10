"""What staff may do with the texts that the brokerage sends and shows."""

from __future__ import annotations

PERMISSIONS = {
    "messaging.template.read": "See templates of mails, SMS, documents and the public site",
    "messaging.template.change": "Write drafts of templates and send tests to oneself",
    "messaging.template.publish": "Publish templates and take them back",
}
_READERS = ("owner", "admin", "compliance_head", "auditor", "support")
_WRITERS = ("owner", "admin")
GRANTS = {
    "messaging.template.read": dict.fromkeys(_READERS, "all"),
    "messaging.template.change": dict.fromkeys(_WRITERS, "all"),
    "messaging.template.publish": dict.fromkeys(_WRITERS, "all"),
}
