"""A brokerage's own routing rules: which connections payments of a kind go to, or never."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from treasury.models import PspRule
from treasury.offers import queries


async def add(session: TenantSession, *, values: Mapping[str, Any]) -> PspRule:
    """Add a rule behind the others; raise InvalidInput for one that names no connection."""
    known = {str(one.id) for one in await queries.connections(session)}
    if not values["connection_ids"] or not set(values["connection_ids"]) <= known:
        raise InvalidInput({"connection_ids": "Choose the connections that it is about."})
    places = [one.place for one in await queries.rules(session)]
    made = PspRule(id=uuid7(), place=max(places, default=0) + 1, **values)
    session.add(made)
    await session.flush()
    audit.record(
        session,
        "treasury.route_added",
        subject=("psp_rule", made.id),
        after={name: str(value) for name, value in values.items() if value},
    )
    return made


async def remove(session: TenantSession, *, rule_id: UUID) -> None:
    """Take a rule away."""
    found = await queries.rule(session, rule_id)
    if found is None:
        raise NotFound
    await session.delete(found)
    audit.record(
        session,
        "treasury.route_removed",
        subject=("psp_rule", rule_id),
        before={"connections": found.connection_ids, "avoid": found.avoid},
    )
