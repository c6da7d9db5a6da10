"""What staff may do with the texts that the brokerage sends and shows."""

from __future__ import annotations

PERMISSIONS = {
    "messaging.server.change": "Set up the mail server, test it and send a mail again",
    "messaging.log.read": "See what became of mails, and which addresses get none",
    "messaging.suppression.change": "Put addresses on the suppression list and take them off",
    "messaging.template.read": "See templates of mails, SMS, documents and the public site",
    "messaging.template.change": "Write drafts of templates and send tests to oneself",
    "messaging.template.publish": "Publish templates and take them back",
}
_READERS = ("owner", "admin", "compliance_head", "auditor", "support")
_WRITERS = ("owner", "admin")
GRANTS = {
    "messaging.server.change": dict.fromkeys(_WRITERS, "all"),
    "messaging.log.read": dict.fromkeys(_READERS, "all"),
    "messaging.suppression.change": dict.fromkeys((*_WRITERS, "support"), "all"),
    "messaging.template.read": dict.fromkeys(_READERS, "all"),
    "messaging.template.change": dict.fromkeys(_WRITERS, "all"),
    "messaging.template.publish": dict.fromkeys(_WRITERS, "all"),
}
