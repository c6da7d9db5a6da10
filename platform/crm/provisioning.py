"""What a new brokerage's sales start with."""

from __future__ import annotations

from crm import queries, routing
from tenants.provisioning import Context, Step


async def sales_desk(context: Context) -> str:
    """Add the rule that gives every lead to the sales agents in turn; repeated, it keeps it."""
    async with context.ports.database.tenant(context.tenant) as session:
        known = await queries.routing_rules(session)
        if known:
            return f"routing rules that are there: {len(known)}"
        await routing.add_rule(session, name="Sales desk", countries=[], languages=[], pool=[])
    return "every lead goes to the sales agents in turn"


STEPS = [Step("sales desk", sales_desk)]
