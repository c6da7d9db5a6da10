"""Every select on cases and documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from clients.models import Client
from compliance.models import DocumentView, KycCase, KycDocument
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as the queue shows it."""

    id: UUID
    reference: str
    client_id: UUID
    client_reference: str
    client_name: str
    country: str
    owner_id: UUID | None
    state: str
    level: int
    documents: int
    submitted_at: datetime | None
    decided_at: datetime | None
    created_at: datetime


async def case(session: Session, case_id: UUID) -> KycCase | None:
    """Return a case."""
    return await session.get(KycCase, case_id)


async def locked_case(session: TenantSession, case_id: UUID) -> KycCase | None:
    """Return a case as it is now, locked until the transaction ends."""
    return await session.get(KycCase, case_id, with_for_update=True, populate_existing=True)


async def case_of_client(session: Session, client_id: UUID) -> KycCase | None:
    """Return a client's case."""
    return await session.scalar(select(KycCase).where(KycCase.client_id == client_id))


async def locked_case_of_client(session: TenantSession, client_id: UUID) -> KycCase | None:
    """Return a client's case as it is now, locked until the transaction ends."""
    statement = select(KycCase).where(KycCase.client_id == client_id).with_for_update()
    return await session.scalar(statement.execution_options(populate_existing=True))


async def documents_of(session: Session, case_id: UUID) -> Sequence[KycDocument]:
    """Return a case's current documents, in the order they came."""
    statement = (
        select(KycDocument)
        .where(KycDocument.case_id == case_id, KycDocument.state != "replaced")
        .order_by(KycDocument.created_at, KycDocument.id)
    )
    return (await session.scalars(statement)).all()


async def document(session: Session, document_id: UUID) -> KycDocument | None:
    """Return a document's row."""
    return await session.get(KycDocument, document_id)


async def current_document(
    session: TenantSession, *, case_id: UUID, kind: str
) -> KycDocument | None:
    """Return the document of a kind that counts now, locked."""
    statement = select(KycDocument).where(
        KycDocument.case_id == case_id, KycDocument.kind == kind, KycDocument.state != "replaced"
    )
    return await session.scalar(statement.with_for_update())


async def replaced_count(session: Session, case_id: UUID) -> int:
    """Return how many of a case's documents were replaced by later ones."""
    statement = select(func.count()).where(
        KycDocument.case_id == case_id, KycDocument.state == "replaced"
    )
    return int(await session.scalar(statement) or 0)


async def same_file(session: Session, *, sha256: str, client_id: UUID) -> UUID | None:
    """Return another client who sent the very same file, if there is one."""
    statement = select(KycDocument.client_id).where(
        KycDocument.sha256 == sha256, KycDocument.client_id != client_id
    )
    return await session.scalar(statement.limit(1))


async def views_of(session: Session, case_id: UUID, *, limit: int = 20) -> Sequence[Any]:
    """Return who opened a case's documents, newest first: (view, kind)."""
    statement = (
        select(DocumentView, KycDocument.kind)
        .join(KycDocument, KycDocument.id == DocumentView.document_id)
        .where(KycDocument.case_id == case_id)
        .order_by(DocumentView.id.desc())
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def case_page(session: Session, state: State) -> Window[CaseRow]:
    """Return a page of cases."""
    return await slices.page(session, _rows(), state, _SOURCE, make=CaseRow)


async def case_rows(session: Session, state: State, *, limit: int) -> list[CaseRow]:
    """Return the first cases of a whole list."""
    return await slices.rows(session, _rows(), state, _SOURCE, make=CaseRow, limit=limit)


async def case_facets(session: Session, state: State) -> slices.Facets:
    """Count a list of cases by state and country."""
    counting = select(func.count()).select_from(KycCase)
    counting = counting.join(Client, Client.id == KycCase.client_id)
    return await slices.facets(session, counting, state, _SOURCE, ("state", "country"))


async def count_by_state(session: Session) -> dict[str, int]:
    """Return how many cases stand in each state."""
    statement = select(KycCase.state, func.count()).group_by(KycCase.state)
    return {state: count for state, count in await session.execute(statement)}  # noqa: C416


async def waiting_before(session: Session, *, moment: datetime, case_id: UUID) -> int:
    """Return how many cases in review have waited longer than this one."""
    statement = select(func.count()).where(
        KycCase.state == "in_review",
        tuple_(KycCase.submitted_at, KycCase.id) < (moment, case_id),
    )
    return int(await session.scalar(statement) or 0)


async def neighbours(session: Session, found: KycCase) -> tuple[UUID | None, UUID | None]:
    """Return the cases in review that were submitted just before and just after this one."""
    mark = (found.submitted_at or found.created_at, found.id)
    key = tuple_(KycCase.submitted_at, KycCase.id)
    waiting = select(KycCase.id).where(KycCase.state == "in_review", KycCase.id != found.id)
    earlier = waiting.where(key < mark).order_by(KycCase.submitted_at.desc(), KycCase.id.desc())
    later = waiting.where(key > mark).order_by(KycCase.submitted_at, KycCase.id)
    return await session.scalar(earlier.limit(1)), await session.scalar(later.limit(1))


async def next_waiting(session: Session, *, but: UUID) -> UUID | None:
    """Return the case that has waited longest, other than one."""
    statement = (
        select(KycCase.id)
        .where(KycCase.state == "in_review", KycCase.id != but)
        .order_by(KycCase.submitted_at, KycCase.id)
        .limit(1)
    )
    return await session.scalar(statement)


def _rows() -> Select[*tuple[Any, ...]]:
    documents = (
        select(func.count())
        .where(KycDocument.case_id == KycCase.id, KycDocument.state != "replaced")
        .correlate(KycCase)
        .scalar_subquery()
    )
    return select(
        KycCase.id,
        KycCase.reference,
        KycCase.client_id,
        Client.reference,
        func.concat_ws(" ", Client.first_name, Client.last_name),
        Client.country,
        Client.owner_id,
        KycCase.state,
        KycCase.level,
        documents,
        KycCase.submitted_at,
        KycCase.decided_at,
        KycCase.created_at,
    ).join(Client, Client.id == KycCase.client_id)


_NAME = func.concat_ws(" ", Client.first_name, Client.last_name)


def _places(word: str) -> list[ColumnElement[bool]]:
    return [
        _NAME.icontains(word, autoescape=True),
        Client.email.istartswith(word, autoescape=True),
        KycCase.reference == word.upper(),
        Client.reference == word.upper(),
    ]


_SOURCE = slices.Source(
    columns={
        "client": func.lower(_NAME),
        "reference": KycCase.reference,
        "country": Client.country,
        "since": func.coalesce(KycCase.submitted_at, KycCase.created_at),
        "state": KycCase.state,
        "level": KycCase.level,
        "decided": KycCase.decided_at,
    },
    key=KycCase.id,
    search=_places,
)
