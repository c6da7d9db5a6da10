"""Whoever looks over it all: the auditor reads the trail, the vendor sees a healthy tenant."""

from __future__ import annotations

from infra.walk.markup import Missing
from infra.walk.surroundings import Walk


def read_trail(walk: Walk) -> str:
    """The auditor finds the walk's own steps in the trail, by the records they changed."""
    browser = walk.colleague("grace")
    wanted = {
        walk.lead_page.rsplit("/", 1)[-1]: ("crm.lead.capture", "crm.lead.convert"),
        walk.case_page.rsplit("/", 1)[-1]: ("compliance.case.submit", "compliance.case.approved"),
        walk.account_page.rsplit("/", 1)[-1]: ("trading.account.requested",),
        walk.deposit_page.rsplit("/", 1)[-1]: (
            "treasury.deposit_created",
            "treasury.deposit_settled",
            "treasury.deposit_credited",
        ),
    }
    count = 0
    for record, actions in wanted.items():
        page = browser.open(walk.at("team", f"/backoffice/audit?q={record}"))
        for action in actions:
            page.row(action, record[-8:])  # the list shows the end of an id
            count += 1
    return f"{count} entries of {len(wanted)} records"


def look_at_console(walk: Walk) -> str:
    """The vendor sees the tenant live, with a book that balances."""
    browser = walk.vendor()
    row = browser.open(walk.console("/tenants")).row(walk.slug)
    page = browser.open(walk.console(f"/tenants/{walk.slug}")).expect("Ledger", "Balances")
    if "Does not balance" in page.words:
        raise Missing(f"expected a book that balances on {page.where()}")
    return row.words[:90]
