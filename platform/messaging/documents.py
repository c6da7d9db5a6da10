"""Documents that are handed out: set in the brand, written down, and checkable by anybody.

The table holds no file and nothing about a person: the same content under the same code and
moment makes the same bytes, so that a document asked for again is the same document.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from identity import audit
from kernel.clock import now
from kernel.database import ReadSession, TenantSession
from kernel.ids import uuid7
from kernel.money import Money
from messaging import queries
from messaging.models import IssuedDocument
from themes import documents
from themes.documents import Document, Logo, Seal
from themes.page import Brand

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 16
NOTE_MAX = 2_000


@dataclass(frozen=True)
class Letterhead:
    """What a document is written on: the brand, its logo, a language and where it is checked."""

    brand: Brand
    logo: Logo | None
    language: str
    site: str

    def address(self, code: str) -> str:
        """Return where a document of this brand is checked."""
        return f"{self.site}/verify/{code}"


@dataclass(frozen=True)
class Issued:
    """A document with its file."""

    record: IssuedDocument
    data: bytes = field(repr=False)


async def issue(
    session: TenantSession,
    *,
    document: Document,
    subject: tuple[str, UUID],
    amount: Money | None,
    letterhead: Letterhead,
    note: str = "",
) -> Issued:
    """Make a document's PDF and write down that it was issued; the download is on record.

    `note` is plain text of the tenant's own for its block. What says the same as an issued
    document is that document again. Raises DocumentNotMade.
    """
    if note:
        document = replace(document, note=note[:NOTE_MAX])
    brand, logo, language = letterhead.brand, letterhead.logo, letterhead.language
    content = documents.fingerprint(brand, document, language=language, logo=logo)
    record = await queries.issued_document(
        session, kind=document.kind, subject_id=subject[1], content_sha256=content
    )
    made = record is None
    if record is None:
        record = IssuedDocument(
            id=uuid7(),
            code="".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH)),
            kind=document.kind,
            subject_kind=subject[0],
            subject_id=subject[1],
            content_sha256=content,
            amount_class=amount_class(amount) if amount else "",
            issued_at=now(),
        )
    seal = Seal(record.code, record.issued_at, letterhead.address(record.code))
    data = await documents.typeset(brand, document, language=language, seal=seal, logo=logo)
    digest = hashlib.sha256(data).hexdigest()
    if made:
        record.file_sha256 = digest
        session.add(record)
    action = "messaging.document.issue" if made else "messaging.document.download"
    audit.record(
        session, action, subject=subject, after={"document": str(record.id), "kind": record.kind}
    )
    return Issued(record, data)


async def find(session: TenantSession | ReadSession, code: str) -> IssuedDocument | None:
    """Return the document of a code as people type it: any case, blanks and dashes left out."""
    wanted = "".join(letter for letter in code.upper() if letter in _ALPHABET)
    if len(wanted) != _CODE_LENGTH or len(code) > 2 * _CODE_LENGTH:
        return None
    return await queries.document_by_code(session, wanted)


def is_file(record: IssuedDocument, data: bytes) -> bool:
    """Say whether a file is, byte for byte, the one that was issued."""
    return secrets.compare_digest(hashlib.sha256(data).hexdigest(), record.file_sha256)


def amount_class(amount: Money) -> str:
    """Return the powers of ten that an amount lies between, as `100|1000|USD`; 0 below one."""
    size = abs(amount.amount)
    if size < 1:
        return f"0|1|{amount.currency}"
    low = Decimal(10) ** size.adjusted()
    return f"{low:f}|{low * 10:f}|{amount.currency}"


def class_bounds(text: str) -> tuple[Money, Money] | None:
    """Return the bounds of an amount class; None for a document without an amount."""
    low, _, rest = text.partition("|")
    high, _, currency = rest.partition("|")
    return (Money(Decimal(low), currency), Money(Decimal(high), currency)) if currency else None
