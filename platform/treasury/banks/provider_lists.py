"""Takes a provider's own list of payments in, as CSV: the third side beside its signed events."""

from __future__ import annotations

import hashlib
from collections import Counter
from uuid import UUID

from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from treasury.banks import queries
from treasury.banks.documents import clean
from treasury.banks.imports import FileImportedBefore, Imported
from treasury.banks.models import ProviderLine, StatementFile
from treasury.reconciliation import files
from treasury.reconciliation.records import Record


async def take(session: TenantSession, *, connection_id: UUID, data: bytes, name: str) -> Imported:
    """Import a list: id, amount, currency, time, status, fee; `id` is our payment reference.

    Raises UnreadableFile naming every line that is wrong, FileImportedBefore, and InvalidInput for
    a connection that there is not.
    """
    if connection_id not in {found for found, _ in await queries.connections(session)}:
        raise InvalidInput({"connection": "Choose the provider."})
    digest = hashlib.sha256(connection_id.bytes + data).digest()
    if await queries.file_of(session, digest) is not None:
        raise FileImportedBefore
    records = files.read(data, side="psp", name=name)
    keyed = _keyed(records)
    known = await queries.known_provider_lines(
        session, connection_id=connection_id, keys=[key for key, _ in keyed]
    )
    fresh = [(key, one) for key, one in keyed if key not in known]
    file = StatementFile(
        id=uuid7(),
        digest=digest,
        format="psp",
        name=clean(name, 120),
        size_bytes=len(data),
        lines=len(keyed),
        lines_new=len(fresh),
        actor=session.info["actor"].label[:120],
    )
    session.add(file)
    await session.flush()
    session.add_all(
        ProviderLine(
            id=uuid7(),
            file_id=file.id,
            connection_id=connection_id,
            line_key=key,
            payment=one.id,
            amount=one.amount.amount,
            currency=one.amount.currency,
            at=one.at,
            standing=one.standing,
            fee=one.fee,
            place=one.place,
        )
        for key, one in fresh
    )
    audit.record(
        session,
        "treasury.provider_list_imported",
        subject=("statement_file", file.id),
        after={"connection_id": str(connection_id), "lines": len(keyed), "new": len(fresh)},
    )
    await session.flush()
    return Imported(file.id, "psp", 1, len(keyed), len(fresh), 0)


def _keyed(records: list[Record]) -> list[tuple[bytes, Record]]:
    """Give each line the name it is known by; lines that say the same are numbered."""
    seen: Counter[str] = Counter()
    keyed = []
    for one in records:
        amount = format(one.amount.amount.normalize(), "f")
        fee = "" if one.fee is None else format(one.fee.normalize(), "f")
        money = f"{amount} {one.amount.currency} {fee}"
        said = f"{one.id}\x1f{money}\x1f{one.at.isoformat()}\x1f{one.standing}"
        seen[said] += 1
        keyed.append((hashlib.sha256(f"{said}\x1f{seen[said]}".encode()).digest(), one))
    return keyed
