"""Payees that clients save: in their own name only; what identifies the account is sealed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from uuid import UUID

import msgspec

from clients.models import Client
from identity import audit
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import ReadSession, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.language import gettext, marked
from treasury.withdrawals import queries, rules
from treasury.withdrawals.models import WithdrawalDestination

_PURPOSE = "treasury.destination"
_MOST = 10


class TooManyDestinations(Conflict):
    """A client has as many payees as anybody may save."""

    code = "too_many_destinations"
    message = marked("You have ten saved payees. Remove one first.")


async def save(
    session: TenantSession,
    *,
    client: Client,
    kind: str,
    holder: str,
    details: Mapping[str, str],
    vault: Vault,
    connection_id: UUID | None = None,
) -> WithdrawalDestination:
    """Save a bank account (details: iban, bic, bank) or a wallet's address (address, tag).

    Raises InvalidInput beside each field, also for somebody else's name, and
    TooManyDestinations. The same account saved again is confirmed anew.
    """
    problems: dict[str, str] = {}
    kept = {name: " ".join(value.split()) for name, value in details.items() if value.strip()}
    if kind == "bank":
        kept["iban"] = kept.get("iban", "").replace(" ", "").upper()
        if not is_iban(kept["iban"]):
            problems["iban"] = gettext(
                "This is no valid IBAN. Check it against your bank's papers."
            )
        kept["bic"] = kept.get("bic", "").replace(" ", "").upper()
        if kept["bic"] and not re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", kept["bic"]):
            problems["bic"] = gettext("A BIC has 8 or 11 letters and digits.")
    elif not re.fullmatch(r"[A-Za-z0-9:]{20,120}", kept.get("address", "")):
        problems["address"] = gettext("Enter the address exactly as your wallet shows it.")
    if not rules.same_person(holder, client.name):
        problems["holder"] = (
            gettext("The account must be in your own name, %s. We pay nobody else.") % client.name
        )
    if problems:
        raise InvalidInput(problems)
    fingerprint = _fingerprint(kind, kept)
    saved = await queries.destinations(session, client.id)
    for one in saved:
        if one.fingerprint == fingerprint:
            one.confirmed_at = now()
            return one
    if len(saved) >= _MOST:
        raise TooManyDestinations
    number = kept["iban"] if kind == "bank" else kept["address"]
    made = WithdrawalDestination(
        id=uuid7(),
        client_id=client.id,
        kind=kind,
        connection_id=connection_id,
        label=(kept.get("bank") or (gettext("Bank account") if kind == "bank" else "Crypto"))[:80],
        holder=" ".join(holder.split())[:120],
        hint=f"{number[:4]} … {number[-4:]}",
        details_sealed=vault.seal(
            session.info["tenant"].id, msgspec.json.encode(kept), purpose=_PURPOSE
        ),
        fingerprint=fingerprint,
        confirmed_at=now(),
        created_at=now(),
    )
    session.add(made)
    # Parts refer to the row.
    await session.flush()
    audit.record(
        session,
        "treasury.payee_saved",
        subject=("client", client.id),
        after={"payee": str(made.id), "kind": kind},
    )
    return made


async def remove(session: TenantSession, *, client_id: UUID, destination_id: UUID) -> None:
    """Forget a payee; what was paid to it stays in the trail. Raises NotFound."""
    found = await queries.destination(session, destination_id)
    if found is None or found.client_id != client_id or found.removed_at is not None:
        raise NotFound
    found.removed_at = now()
    audit.record(
        session,
        "treasury.payee_removed",
        subject=("client", client_id),
        after={"payee": str(destination_id)},
    )


def details(
    session: TenantSession | ReadSession, found: WithdrawalDestination, *, vault: Vault
) -> dict[str, str]:
    """Open what identifies a payee's account."""
    owner = session.info["tenant"].id
    return msgspec.json.decode(
        vault.open(owner, found.details_sealed, purpose=_PURPOSE), type=dict[str, str]
    )


def is_iban(text: str) -> bool:
    """Say whether a text is an IBAN: ISO 13616, its check digits by ISO 7064 MOD 97-10."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", text):
        return False
    digits = "".join(str(int(one, 36)) for one in text[4:] + text[:4])
    return int(digits) % 97 == 1


def _fingerprint(kind: str, kept: Mapping[str, str]) -> str:
    number = kept.get("iban") or f"{kept.get('address')}|{kept.get('tag', '')}"
    return hashlib.sha256(f"{kind}|{number}".encode()).hexdigest()
