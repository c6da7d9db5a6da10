"""A client's case: opened with the profile, filled, submitted, decided by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clients import profiles, restrictions, timeline
from clients import queries as client_queries
from clients.models import Client
from compliance import queries, rules
from compliance.events import KycApproved, KycRejected, KycSubmitted
from compliance.models import KycCase, KycDocument
from identity import audit
from kernel.actor import Actor
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.events import record
from kernel.ids import reference, uuid7
from kernel.language import gettext, marked

# What a client may not do before somebody has looked at their documents.
UNTIL_VERIFIED = ("open_account", "withdraw")
_PAUSED = marked("Your identity is not verified yet. Send your documents first.")


class CaseNotOpen(Conflict):
    """The case is in review or decided, so nothing is added to it now."""

    code = "kyc_case_not_open"
    message = marked(
        "Your documents are being checked. You can send more when the answer is there."
    )


class CaseNotInReview(Conflict):
    """The case was decided in the meantime, or was never submitted."""

    code = "kyc_case_not_in_review"
    message = "This case is not waiting for a decision any more. Reload the page."


class ReviewerIsOwner(Forbidden):
    """Four eyes: whoever looks after a client does not decide about their documents."""

    code = "kyc_reviewer_is_owner"
    message = "You look after this client, so somebody else of compliance has to decide."


class CaseIncomplete(InvalidInput):
    """Something is still missing before the case can be reviewed."""

    code = "kyc_case_incomplete"
    message = marked("Something is still missing.")


async def open_for(session: TenantSession, *, client_id: UUID) -> KycCase:
    """Return the client's case, opened now when there was none.

    A new case pauses opening accounts and withdrawals until it is approved.
    """
    statement = (
        insert(KycCase)
        .values(id=uuid7(), reference=reference("KYC"), client_id=client_id)
        .on_conflict_do_nothing(index_elements=["client_id"])
        .returning(KycCase.id)
    )
    made = await session.scalar(statement)
    case = await queries.locked_case_of_client(session, client_id)
    assert case is not None
    if made is not None:
        for kind in UNTIL_VERIFIED:
            await restrictions.impose(session, client_id=client_id, kind=kind, reason=_PAUSED)
        audit.record(
            session, "compliance.case.open", subject=("kyc_case", made), after={"state": case.state}
        )
    return case


async def require_open(session: TenantSession, *, client_id: UUID) -> KycCase:
    """Return the client's case, locked, when documents may be added; raise CaseNotOpen."""
    return await _open_case(session, client_id)


async def choose_account_type(session: TenantSession, *, client_id: UUID, code: str) -> KycCase:
    """Keep which account type is to be opened after the approval."""
    case = await _of_client(session, client_id)
    if case.account_type_code != code:
        before, case.account_type_code = case.account_type_code, code[:20]
        audit.record(
            session,
            "compliance.case.choose_account_type",
            subject=("kyc_case", case.id),
            before={"account_type": before},
            after={"account_type": case.account_type_code},
        )
    return case


async def describe(
    session: TenantSession, *, client_id: UUID, born_on: str, address: str, document_number: str
) -> KycCase:
    """Keep what the client typed about themselves; raise InvalidInput with every wrong field."""
    case = await _open_case(session, client_id)
    errors: dict[str, str] = {}
    values: dict[str, object] = {}
    checks: dict[str, Callable[[], object]] = {
        "born_on": lambda: rules.born_on(born_on, today=now().date()),
        "address": lambda: rules.address(address),
        "document_number": lambda: rules.document_number(document_number),
    }
    for name, check in checks.items():
        try:
            values[name] = check()
        except InvalidInput as error:
            errors.update(error.fields)
    if errors:
        raise InvalidInput(errors)
    if any(getattr(case, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(case, name, value)
        audit.record(session, "compliance.case.describe", subject=("kyc_case", case.id))
    return case


async def submit(session: TenantSession, *, client_id: UUID) -> KycCase:
    """Hand the case in for review; raise CaseIncomplete with what is missing, or CaseNotOpen."""
    case = await _open_case(session, client_id)
    documents = await queries.documents_of(session, case.id)
    missing = rules.missing([row.kind for row in documents if row.state != "rejected"])
    if case.born_on is None or not case.address or not case.document_number:
        missing.insert(0, gettext("your date of birth, address and document number"))
    if missing:
        raise CaseIncomplete(
            {"documents": gettext("Still missing: %s.") % gettext(", ").join(missing)}
        )
    before = case.state
    case.state, case.submitted_at, case.reason = "in_review", now(), ""
    case.decided_at = case.decided_by = None
    audit.record(
        session,
        "compliance.case.submit",
        subject=("kyc_case", case.id),
        before={"state": before},
        after={"state": case.state},
    )
    _tell(session, client_id, "Documents submitted", case.reference, "id")
    record(session, KycSubmitted(client_id, case.id))
    return case


async def approve(session: TenantSession, *, case_id: UUID, level: int, reason: str) -> KycCase:
    """Verify the client to a level and lift what waited for it.

    Raises NotFound, CaseNotInReview, ReviewerIsOwner, and InvalidInput without a reason.
    """
    if level not in rules.LEVELS:
        raise InvalidInput({"level": "Choose a level."})
    words = rules.reason(reason)
    case, client, reviewer = await _under_review(session, case_id)
    for document in await queries.documents_of(session, case.id):
        _mark(session, document, "accepted", "")
    _decide(session, case, "approved", words, reviewer)
    case.level = level
    status = "verified" if client.status == "registered" else client.status
    await profiles.set_status(session, client_id=client.id, status=status, kyc_level=level)
    for kind in UNTIL_VERIFIED:
        await restrictions.lift(
            session, client_id=client.id, kind=kind, reason=f"Verified to level {level}."
        )
    _tell(session, client.id, f"Documents approved, level {level}", words, "shield-check")
    record(session, KycApproved(client.id, case.id, level, case.account_type_code))
    return case


async def reject(
    session: TenantSession, *, case_id: UUID, reason: str, documents: Mapping[UUID, str]
) -> KycCase:
    """Send the case back; `documents` names each that is needed again, and why.

    The documents not named count as accepted when at least one is named. Raises NotFound,
    CaseNotInReview, ReviewerIsOwner, and InvalidInput without a reason.
    """
    words = rules.reason(reason)
    case, client, reviewer = await _under_review(session, case_id)
    rows = await queries.documents_of(session, case.id)
    if set(documents) - {row.id for row in rows}:
        raise NotFound
    for row in rows:
        if row.id in documents:
            _mark(session, row, "rejected", " ".join(documents[row.id].split())[:200] or words)
        elif documents:
            _mark(session, row, "accepted", "")
    _decide(session, case, "rejected", words, reviewer)
    _tell(session, client.id, "Documents sent back", words, "file-x")
    record(session, KycRejected(client.id, case.id, words))
    return case


def require_other_eyes(actor: Actor, client: Client) -> None:
    """Raise ReviewerIsOwner when this person looks after the client."""
    if actor.id is not None and actor.id == client.owner_id:
        raise ReviewerIsOwner


async def _under_review(session: TenantSession, case_id: UUID) -> tuple[KycCase, Client, UUID]:
    case = await queries.locked_case(session, case_id)
    if case is None:
        raise NotFound
    client = await client_queries.client(session, case.client_id)
    actor: Actor = session.info["actor"]
    if client is None or actor.id is None:
        raise NotFound
    require_other_eyes(actor, client)
    if case.state != "in_review":
        raise CaseNotInReview
    return case, client, actor.id


def _decide(session: TenantSession, case: KycCase, state: str, reason: str, reviewer: UUID) -> None:
    audit.record(
        session,
        f"compliance.case.{state}",
        subject=("kyc_case", case.id),
        before={"state": case.state, "level": case.level},
        after={"state": state},
        reason=reason,
    )
    case.state, case.reason = state, reason
    case.decided_at, case.decided_by = now(), reviewer


def _mark(session: TenantSession, document: KycDocument, state: str, reason: str) -> None:
    if (document.state, document.reason) == (state, reason):
        return
    audit.record(
        session,
        f"compliance.document.{state}",
        subject=("kyc_document", document.id),
        before={"state": document.state},
        after={"state": state},
        reason=reason,
    )
    document.state, document.reason = state, reason


async def _of_client(session: TenantSession, client_id: UUID) -> KycCase:
    case = await queries.locked_case_of_client(session, client_id)
    return case if case is not None else await open_for(session, client_id=client_id)


async def _open_case(session: TenantSession, client_id: UUID) -> KycCase:
    case = await _of_client(session, client_id)
    if case.state not in ("collecting", "rejected"):
        raise CaseNotOpen
    return case


def _tell(session: TenantSession, client_id: UUID, fact: str, detail: str, icon: str) -> None:
    timeline.add(
        session,
        subject=("client", client_id),
        kind="compliance",
        fact=fact,
        detail=detail,
        icon=icon,
    )
