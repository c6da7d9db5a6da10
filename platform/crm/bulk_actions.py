"""What sales change on many leads or clients at once, by the verbs of a single one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from clients import profiles
from clients import queries as clients_queries
from crm import leads, queries, rules
from crm.lead_list import STAGE_WORDS
from crm.models import STAGES, Lead
from identity.listings.actions import Action, Facts, Field, Load, Record, Values
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.viewer import Viewer

_CONVERTED = "A client already: go on on the client's page"


async def _owners(session: TenantSession, values: Values) -> list[Field]:
    people = await queries.sales_people(session)
    options = [(str(one.id), one.name) for one in sorted(people, key=lambda one: one.name)]
    return [Field("owner_id", "New owner", options=[("", "Choose somebody"), *options])]


async def _check_owner(session: TenantSession, values: Values) -> None:
    people = {str(one.id) for one in await queries.sales_people(session)}
    if values.get("owner_id", "") not in people:
        raise InvalidInput({"owner_id": "Choose somebody of the sales desk."})


def _owner(values: Values) -> Facts:
    return {"owner_id": values["owner_id"]}


def _leads(permission: str, fact: str) -> Load:
    """Return what loads leads with one fact, within the scope of a permission."""

    async def load(
        session: TenantSession, viewer: Viewer, ids: Sequence[UUID], *, lock: bool
    ) -> list[Record]:
        owned_by = viewer.owner(permission)
        found = await queries.leads_by_id(session, ids, owned_by=owned_by, lock=lock)
        return [_record(lead, fact) for lead in found]

    return load


def _record(lead: Lead, fact: str) -> Record:
    value = getattr(lead, fact)
    facts = {fact: str(value) if value is not None else None}
    return Record(lead.id, lead.reference, facts, _CONVERTED if lead.client_id else "")


def _identity(facts: Facts) -> UUID | None:
    return UUID(facts["owner_id"]) if facts["owner_id"] else None


async def _assign(session: TenantSession, lead_id: UUID, values: Values) -> None:
    await leads.assign(session, lead_id=lead_id, owner_id=UUID(values["owner_id"]))


async def _give_back(session: TenantSession, lead_id: UUID, facts: Facts) -> None:
    await leads.give_back(session, lead_id=lead_id, owner_id=_identity(facts))


ASSIGN_LEADS = Action(
    name="assign",
    label="Assign owner",
    icon="user-check",
    permission="crm.owner.change",
    fields=_owners,
    check=_check_owner,
    load=_leads("crm.owner.change", "owner_id"),
    target=_owner,
    apply=_assign,
    undo=_give_back,
)


async def _stages(session: TenantSession, values: Values) -> list[Field]:
    options = [(stage, STAGE_WORDS[stage]) for stage in STAGES if stage != "converted"]
    words = "Needed when the leads are lost."
    return [
        Field("stage", "New stage", options=[("", "Choose a stage"), *options]),
        Field("reason", "Reason", "text", help=words, optional=True),
    ]


async def _check_stage(session: TenantSession, values: Values) -> None:
    stage = values.get("stage", "")
    if stage not in STAGES or stage == "converted":
        raise InvalidInput({"stage": "Choose one of the stages."})
    if stage == "lost" and not values.get("reason", "").strip():
        raise InvalidInput({"reason": "Say why the leads are lost."})


async def _set_stage(session: TenantSession, lead_id: UUID, values: Values) -> None:
    reason = values.get("reason", "")[:200]
    await leads.set_stage(session, lead_id=lead_id, stage=values["stage"], reason=reason)


async def _reset_stage(session: TenantSession, lead_id: UUID, facts: Facts) -> None:
    await leads.set_stage(session, lead_id=lead_id, stage=facts["stage"], reason="Set back.")


SET_STAGE = Action(
    name="stage",
    label="Set stage",
    icon="progress",
    permission="crm.lead.change",
    fields=_stages,
    check=_check_stage,
    load=_leads("crm.lead.change", "stage"),
    target=lambda values: {"stage": values["stage"]},
    apply=_set_stage,
    undo=_reset_stage,
)


async def _campaigns(session: TenantSession, values: Values) -> list[Field]:
    words = "Leave it empty to count the leads to no campaign."
    return [Field("campaign", "Campaign", "text", help=words, optional=True)]


async def _check_campaign(session: TenantSession, values: Values) -> None:
    rules.campaign(values.get("campaign"))


async def _set_campaign(session: TenantSession, lead_id: UUID, values: Values) -> None:
    await leads.set_campaign(session, lead_id=lead_id, campaign=values.get("campaign"))


async def _reset_campaign(session: TenantSession, lead_id: UUID, facts: Facts) -> None:
    await leads.set_campaign(session, lead_id=lead_id, campaign=facts["campaign"])


SET_CAMPAIGN = Action(
    name="campaign",
    label="Set campaign",
    icon="flag",
    permission="crm.lead.change",
    fields=_campaigns,
    check=_check_campaign,
    load=_leads("crm.lead.change", "campaign"),
    target=lambda values: {"campaign": rules.campaign(values.get("campaign"))},
    apply=_set_campaign,
    undo=_reset_campaign,
)


async def _load_clients(
    session: TenantSession, viewer: Viewer, ids: Sequence[UUID], *, lock: bool
) -> list[Record]:
    owned_by = viewer.owner("clients.owner.change")
    found = await clients_queries.clients_by_id(session, ids, owned_by=owned_by, lock=lock)
    return [
        Record(one.id, one.reference, {"owner_id": str(one.owner_id) if one.owner_id else None})
        for one in found
    ]


async def _assign_client(session: TenantSession, client_id: UUID, values: Values) -> None:
    await profiles.set_owner(session, client_id=client_id, owner_id=UUID(values["owner_id"]))


async def _give_client_back(session: TenantSession, client_id: UUID, facts: Facts) -> None:
    await profiles.set_owner(session, client_id=client_id, owner_id=_identity(facts))


ASSIGN_CLIENTS = Action(
    name="assign",
    label="Assign owner",
    icon="user-check",
    permission="clients.owner.change",
    fields=_owners,
    check=_check_owner,
    load=_load_clients,
    target=_owner,
    apply=_assign_client,
    undo=_give_client_back,
)
