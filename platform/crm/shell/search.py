"""Leads for the search of all rooms."""

from __future__ import annotations

from clients.shell.search import People, source
from crm.lead_list import STAGE_WORDS
from crm.models import Lead
from identity.shell.subjects import begins

_LEADS = People(
    kind="lead",
    table=Lead,
    state=Lead.stage,
    word=STAGE_WORDS.__getitem__,
    number=lambda digits: begins(Lead.phone_digits, digits),
    read="crm.lead.read",
    contact="crm.contact.read",
)
SOURCE = source(_LEADS, "Leads", "user-plus", more="/crm/leads")
