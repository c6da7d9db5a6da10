"""The step-up code: a proof for one withdrawal, its amount, currency and payees, used once.

A mailed code, or one of the person's authenticator. Each is asked for with a binding; a proof of
another binding is worth nothing, so that changing the amount or the payee takes a new code.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from identity import audit, second_factor
from identity import queries as identity_queries
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import TooManyRequests
from kernel.ids import uuid7
from kernel.language import gettext
from treasury.withdrawals import queries
from treasury.withdrawals.models import WithdrawalCode

LIFE = timedelta(minutes=10)
_FAILURES_MAX = 5
_ASKED_MAX = 10
_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A code that was asked for: `code` is mailed and kept nowhere; empty for authenticators."""

    id: UUID
    way: str
    code: str


@dataclass(frozen=True, slots=True)
class Proof:
    """That a person has just proved they want exactly what the binding says."""

    id: UUID
    user_id: UUID
    binding: str


async def ask(session: TenantSession, *, user_id: UUID, binding: str) -> Asked:
    """Ask for a proof of one binding; whatever was asked for before is worthless from now on.

    Raises TooManyRequests after ten codes in an hour.
    """
    moment = now()
    if await queries.codes_since(session, user_id, moment - _WINDOW) >= _ASKED_MAX:
        raise TooManyRequests(int(_WINDOW.total_seconds()))
    way = "authenticator" if await identity_queries.authenticators(session, user_id) else "mail"
    code = f"{secrets.randbelow(1_000_000):06d}" if way == "mail" else ""
    row_id = uuid7()
    session.add(
        WithdrawalCode(
            id=row_id,
            user_id=user_id,
            binding=binding,
            way=way,
            code_hash=_hash(row_id, code),
            failures=0,
            created_at=moment,
            expires_at=moment + LIFE,
        )
    )
    # The newest row is the one that counts, for whoever asks next.
    await session.flush()
    audit.record(session, "treasury.withdrawal_code_asked", subject=("user", user_id))
    return Asked(row_id, way, code)


async def accept(
    session: TenantSession, *, user_id: UUID, binding: str, typed: str, vault: Vault
) -> Proof | str:
    """Use a code up; return the proof, or in words why it is none.

    The caller commits either way, so that wrong codes are counted.
    """
    row = await queries.newest_code(session, user_id)
    wrong = gettext("This code is wrong. Check it and try again.")
    if row is None or row.used_at is not None or row.expires_at < now():
        return gettext("This code has expired or was used. Ask for a new one.")
    if row.failures >= _FAILURES_MAX:
        return gettext("Too many wrong codes. Ask for a new one.")
    if not hmac.compare_digest(row.binding, binding):
        # What was confirmed is not what is asked for now, so the code is worthless.
        row.used_at = now()
        return gettext("The amount or the payee has changed. Ask for a new code.")
    word = "".join(typed.split())
    if row.way == "authenticator":
        refused = await second_factor.accept(session, user_id=user_id, code=word, vault=vault)
        right = refused is None
        wrong = refused.text if refused is not None else ""
    else:
        right = hmac.compare_digest(row.code_hash, _hash(row.id, word))
    if not right:
        row.failures += 1
        audit.record(session, "treasury.withdrawal_code_refused", subject=("user", user_id))
        return wrong
    row.used_at = now()
    return Proof(row.id, user_id, binding)


def _hash(row_id: UUID, code: str) -> str:
    # 20 bits are guessed in no time from a hash, so it is bound to five tries and ten minutes.
    return hashlib.sha256(f"{row_id}|{code}".encode()).hexdigest()
