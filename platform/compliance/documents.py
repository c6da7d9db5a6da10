"""Clients' documents: checked, sealed, stored, and opened only with a trace."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from clients import timeline
from compliance import cases, files, queries, rules
from compliance.models import DOCUMENT_KINDS, DocumentView, KycDocument
from identity import audit
from kernel.actor import Actor, TenantRef
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.language import gettext
from kernel.storage import ObjectStore

_PURPOSE = "kyc-document"
_KIND = "kyc"


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """A document's bytes, for one person who may see them."""

    data: bytes = field(repr=False)
    media_type: str
    filename: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers for showing it: kept nowhere, sniffed by nobody, able to do nothing."""
        return {
            "cache-control": "private, no-store",
            "content-disposition": f'inline; filename="{self.filename}"',
            "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
            "cross-origin-resource-policy": "same-origin",
        }


async def add(
    session: TenantSession,
    *,
    client_id: UUID,
    kind: str,
    data: bytes,
    store: ObjectStore,
    vault: Vault,
    expires_on: date | None = None,
) -> KycDocument:
    """Take a document in, in place of an earlier one of its kind.

    The file is cleaned and sealed, then put into the store, then written down: a failure in
    between leaves an object that nobody refers to, never a row without its object. The name a
    client's machine gave the file is not kept. Raises InvalidInput for the fields `kind` and
    `file`, and CaseNotOpen while a review is under way.
    """
    if kind not in DOCUMENT_KINDS:
        raise InvalidInput({"kind": gettext("Choose what kind of document this is.")})
    case = await cases.require_open(session, client_id=client_id)
    known = await queries.current_document(session, case_id=case.id, kind=kind)
    if known is not None and known.state == "accepted":
        raise InvalidInput({"file": gettext("This document is accepted already. Nothing to send.")})
    clean = await asyncio.to_thread(files.clean, data)
    tenant: TenantRef = session.info["tenant"]
    sealed = vault.seal(tenant.id, clean.data, purpose=_PURPOSE)
    key = await store.put(tenant, _KIND, sealed, media_type="application/octet-stream")
    if known is not None:
        known.state = "replaced"
        # The partial unique index must see the old one go before the new one comes.
        await session.flush()
    document = KycDocument(
        id=uuid7(),
        case_id=case.id,
        client_id=client_id,
        kind=kind,
        object_key=key,
        filename=f"{case.reference}-{kind}.{clean.extension}",
        media_type=clean.media_type,
        size_bytes=len(clean.data),
        sha256=hashlib.sha256(data).hexdigest(),
        state="received",
        reason="",
        expires_on=expires_on,
    )
    session.add(document)
    await session.flush()
    audit.record(
        session,
        "compliance.document.add",
        subject=("kyc_document", document.id),
        after={"kind": kind, "media_type": clean.media_type, "size_bytes": len(clean.data)},
    )
    timeline.add(
        session,
        subject=("client", client_id),
        kind="compliance",
        fact=f"{rules.KINDS[kind]} received",
        detail=case.reference,
        icon="file-check",
    )
    return document


async def view(
    session: TenantSession, *, document_id: UUID, store: ObjectStore, vault: Vault
) -> OpenedDocument:
    """Open a document for the member of staff who acts, and write down that they did."""
    document = await queries.document(session, document_id)
    actor: Actor = session.info["actor"]
    if document is None or actor.id is None:
        raise NotFound
    session.add(
        DocumentView(
            id=uuid7(),
            document_id=document.id,
            viewer_id=actor.id,
            viewer_label=actor.label[:120],
        )
    )
    audit.record(
        session,
        "compliance.document.view",
        subject=("kyc_document", document.id),
        after={"kind": document.kind},
    )
    return await _opened(session, document, store=store, vault=vault)


async def own(
    session: TenantSession,
    *,
    client_id: UUID,
    document_id: UUID,
    store: ObjectStore,
    vault: Vault,
) -> OpenedDocument:
    """Open a client's own document for them; raise NotFound for anybody else's."""
    document = await queries.document(session, document_id)
    if document is None or document.client_id != client_id:
        raise NotFound
    return await _opened(session, document, store=store, vault=vault)


async def _opened(
    session: TenantSession, document: KycDocument, *, store: ObjectStore, vault: Vault
) -> OpenedDocument:
    tenant: TenantRef = session.info["tenant"]
    sealed = await store.get(tenant, document.object_key)
    data = await asyncio.to_thread(vault.open, tenant.id, sealed, purpose=_PURPOSE)
    return OpenedDocument(data, document.media_type, document.filename)
