"""How many leads there are of each stage, country and owner. Hot path.

Triggers write what each statement changes; the sum of the rows is the number of leads in every
snapshot. Only those filters of the list of leads that the tally knows can be answered from it.
"""

from __future__ import annotations

from sqlalchemy import text

from crm.models import LeadTally
from kernel.database import TenantSession

COLUMNS = frozenset({"stage", "country", "owner"})
TABLE = LeadTally.__tablename__
# One statement: whoever reads meanwhile sees the rows of before or the sums, never both.
_ADD_UP = text(
    "WITH gone AS (DELETE FROM lead_tally RETURNING stage, country, owner_id, number)"
    " INSERT INTO lead_tally (stage, country, owner_id, number)"
    " SELECT stage, country, owner_id, sum(number) FROM gone"
    " GROUP BY stage, country, owner_id HAVING sum(number) <> 0"
)


async def add_up(session: TenantSession) -> None:
    """Put a sum in the place of the rows that make it; two at once add each row up once."""
    await session.execute(_ADD_UP)
