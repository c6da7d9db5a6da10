"""The steps that fill a demo brokerage with people, papers, money and trades."""

from __future__ import annotations

from entrypoints import (
    demo_banks,
    demo_clients,
    demo_events,
    demo_leads,
    demo_money,
    demo_partners,
    demo_trades,
    demo_transfers,
    demo_withdrawals,
    payment_steps,
)
from tenants.provisioning import Step

STEPS = [
    Step("demo trader", demo_clients.trader),
    Step("demo leads", demo_leads.leads),
    Step("demo clients", demo_clients.clients),
    Step("demo partners", demo_partners.tree),
    *payment_steps.STEPS,
    Step("demo accounts", demo_money.open_accounts),
    Step("demo deposits", demo_money.fund),
    Step("demo transfers", demo_transfers.transfers_and_more),
    Step("demo trades", demo_trades.trades),
    Step("demo banks", demo_banks.banks),
    Step("demo withdrawals", demo_withdrawals.withdraw),
    Step("demo events", demo_events.settle),
]
