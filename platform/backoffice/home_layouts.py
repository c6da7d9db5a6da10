"""What each role finds at home, by the names under which rooms offer it.

Whoever holds several roles gets the page of the first of them here; whoever holds none of these
gets the common one. What a person may not see is left out by its own permission.
"""

from __future__ import annotations

from collections.abc import Collection

from identity.shell.home_cards import Layout

LAYOUTS: dict[str, Layout] = {
    "owner": Layout(
        ("revenue.earned:gross", "treasury.deposits:amount", "treasury.first:ftd", "crm.leads:came",
         "compliance.cases:in_review"),
        ("revenue.chart", "treasury.held"),
        ("tasks.mine", "trading.servers", "compliance.longest"),
    ),
    "admin": Layout(
        ("crm.leads:came", "crm.leads:unassigned", "clients.people:registered",
         "treasury.deposits:settled", "treasury.deposits:held"),
        ("crm.sources", "treasury.held", "audit.trail"),
        ("tasks.mine", "trading.servers"),
    ),
    "compliance_head": Layout(
        ("compliance.cases:in_review", "compliance.cases:collecting", "compliance.cases:decided",
         "treasury.deposits:held", "clients.people:registered"),
        ("compliance.longest", "treasury.held"),
        ("tasks.mine", "audit.trail"),
    ),
    "kyc_officer": Layout(
        ("compliance.cases:in_review", "compliance.cases:collecting", "compliance.cases:decided",
         "clients.people:registered"),
        ("compliance.longest",),
        ("tasks.mine", "treasury.held"),
    ),
    "finance_head": Layout(
        ("treasury.deposits:amount", "treasury.deposits:settled", "treasury.deposits:held",
         "revenue.earned:gross", "introducers.partners:earned"),
        ("treasury.chart", "revenue.chart"),
        ("treasury.held", "tasks.mine", "trading.servers"),
    ),
    "payments_officer": Layout(
        ("treasury.deposits:held", "treasury.deposits:pending", "treasury.deposits:settled",
         "treasury.deposits:failed"),
        ("treasury.held", "treasury.pending", "treasury.chart"),
        ("tasks.mine", "treasury.failed", "trading.servers"),
    ),
    "dealing": Layout(
        ("revenue.earned:lots", "revenue.earned:deals", "revenue.earned:gross",
         "treasury.deposits:pending"),
        ("revenue.chart", "revenue.symbols"),
        ("trading.servers", "tasks.mine"),
    ),
    "sales_head": Layout(
        ("crm.leads:came", "crm.leads:converted", "crm.leads:waiting", "crm.leads:unassigned",
         "treasury.first:ftd"),
        ("crm.team", "crm.sources"),
        ("tasks.mine", "crm.uncontacted"),
    ),
    "sales_agent": Layout(
        ("tasks.figures:open", "crm.leads:waiting", "crm.leads:came", "crm.leads:converted",
         "treasury.first:ftd"),
        ("crm.uncontacted", "crm.sources"),
        ("tasks.mine", "treasury.failed"),
    ),
    "retention_agent": Layout(
        ("tasks.figures:open", "clients.people:active", "clients.people:registered",
         "treasury.deposits:settled", "treasury.deposits:amount"),
        ("treasury.quiet", "treasury.chart"),
        ("tasks.mine", "treasury.failed"),
    ),
    "marketing": Layout(
        ("crm.leads:came", "crm.leads:converted", "crm.leads:waiting", "clients.people:all"),
        ("crm.campaigns", "crm.sources"),
        ("tasks.mine",),
    ),
    "support": Layout(
        ("tasks.figures:open", "treasury.deposits:failed", "treasury.deposits:pending",
         "treasury.deposits:held", "clients.people:registered"),
        ("treasury.failed", "treasury.pending"),
        ("tasks.mine",),
    ),
    "partner_manager": Layout(
        ("introducers.partners:active", "introducers.partners:applied",
         "introducers.partners:earned", "crm.leads:came"),
        ("introducers.best", "crm.sources"),
        ("introducers.applied", "tasks.mine"),
    ),
    "auditor": Layout(
        ("revenue.earned:gross", "treasury.deposits:settled", "treasury.deposits:held",
         "compliance.cases:in_review", "introducers.partners:active"),
        ("audit.actors", "audit.trail"),
        ("trading.servers", "treasury.held"),
    ),
}  # fmt: skip
COMMON = Layout(
    ("tasks.figures:open", "crm.leads:came", "treasury.deposits:settled", "revenue.earned:gross",
     "clients.people:all"),
    ("revenue.chart", "crm.sources", "treasury.pending"),
    ("tasks.mine", "trading.servers"),
)  # fmt: skip


def layout(roles: Collection[str]) -> Layout:
    """Return what somebody with these roles finds at home."""
    return next((found for role, found in LAYOUTS.items() if role in roles), COMMON)
