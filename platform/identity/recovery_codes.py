"""Recovery codes: ten at a time, 80 random bits each, kept as hashes, used once."""

from __future__ import annotations

import hashlib
import os
import re
from uuid import UUID

from sqlalchemy import delete, update

from identity import audit, owners
from identity.models import RecoveryCode, VendorRecoveryCode
from kernel.clock import now
from kernel.database import ControlSession, TenantSession

COUNT = 10
# Crockford's base32 without the letters that look like others: 16 of them are 80 bits.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ALIKE = str.maketrans("oil", "011")


async def issue(session: TenantSession | ControlSession, *, user_id: UUID) -> list[str]:
    """Return new codes, the only time they are seen; all older ones are worthless."""
    await forget(session, user_id=user_id)
    model = owners.table(session, RecoveryCode, VendorRecoveryCode)
    codes = [_new() for _ in range(COUNT)]
    session.add_all(model(user_id=user_id, code_hash=_hash(code)) for code in codes)
    audit.record(session, "identity.recovery_codes.issue", subject=("user", user_id))
    return codes


async def accept(session: TenantSession | ControlSession, *, user_id: UUID, typed: str) -> bool:
    """Use a code up; say whether it was one of the person's and unused."""
    model = owners.table(session, RecoveryCode, VendorRecoveryCode)
    used = await session.scalar(
        update(model)
        .where(model.user_id == user_id, model.code_hash == _hash(typed), model.used_at.is_(None))
        .values(used_at=now())
        .returning(model.user_id)
    )
    if used is not None:
        audit.record(session, "identity.recovery_code.use", subject=("user", user_id))
    return used is not None


async def forget(session: TenantSession | ControlSession, *, user_id: UUID) -> None:
    """Remove all codes of a person."""
    model = owners.table(session, RecoveryCode, VendorRecoveryCode)
    await session.execute(delete(model).where(model.user_id == user_id))


def _new() -> str:
    bits = int.from_bytes(os.urandom(10))
    letters = "".join(_ALPHABET[bits >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def _hash(code: str) -> bytes:
    plain = re.sub(r"[\s-]", "", code).lower().translate(_ALIKE)
    return hashlib.sha256(plain.encode()).digest()
