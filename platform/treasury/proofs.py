"""What payers show to prove a transfer made by hand: pictures and PDFs, sealed in the store."""

from __future__ import annotations

from uuid import UUID

from identity import audit
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.language import gettext
from kernel.storage import ObjectStore
from treasury import queries
from treasury.models import DepositProof
from treasury.offers import queries as offer_queries
from treasury.rules import OPEN

BYTES_MAX = 8 * 1024 * 1024
_COUNT_MAX = 5
_KIND = "deposit_proof"
_SEALED = "deposit.proof"
_KINDS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)


async def add(
    session: TenantSession,
    *,
    deposit_id: UUID,
    data: bytes,
    name: str,
    store: ObjectStore,
    vault: Vault,
) -> DepositProof:
    """Keep a file beside a deposit; raise InvalidInput for what is no picture or PDF."""
    deposit = await queries.deposit(session, deposit_id)
    if deposit is None:
        raise NotFound
    if deposit.state not in (*OPEN, "held"):
        raise InvalidInput({"file": gettext("This deposit is closed: it needs no proof.")})
    if not data:
        raise InvalidInput({"file": gettext("Choose a picture or a PDF of the transfer.")})
    if len(data) > BYTES_MAX:
        raise InvalidInput({"file": gettext("The file is larger than 8 MB. Send a smaller one.")})
    media_type = next((kind for start, kind in _KINDS if data.startswith(start)), "")
    if not media_type:
        raise InvalidInput({"file": gettext("Send a PNG, a JPEG or a PDF.")})
    if len(await offer_queries.proofs(session, deposit_id=deposit_id)) >= _COUNT_MAX:
        raise InvalidInput({"file": gettext("We have enough files of this deposit.")})
    tenant: TenantRef = session.info["tenant"]
    sealed = vault.seal(tenant.id, data, purpose=_SEALED)
    key = await store.put(tenant, _KIND, sealed, media_type="application/octet-stream")
    plain = "".join(letter for letter in name if letter.isprintable()) or "proof"
    proof = DepositProof(
        id=uuid7(),
        deposit_id=deposit_id,
        object_key=key,
        file_name=plain[-120:],
        media_type=media_type,
    )
    session.add(proof)
    audit.record(
        session,
        "treasury.deposit_proof_added",
        subject=("deposit", deposit_id),
        after={"media_type": media_type},
    )
    return proof


async def opened(
    session: offer_queries.Session, *, proof: DepositProof, store: ObjectStore, vault: Vault
) -> bytes:
    """Return a file as it was sent."""
    tenant: TenantRef = session.info["tenant"]
    return vault.open(tenant.id, await store.get(tenant, proof.object_key), purpose=_SEALED)
