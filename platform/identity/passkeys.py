"""Passkeys (WebAuthn): good on exactly one host, each challenge for one browser and used once.

The relying party is the host itself, so that a neighbour under the same domain is another one.
A challenge is a row that is deleted when it comes back, whatever the answer is worth.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, or_, update
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from identity import audit, owners, queries
from identity.models import (
    Passkey,
    PasskeyChallenge,
    VendorPasskey,
    VendorPasskeyChallenge,
)
from kernel.clock import now
from kernel.database import ControlSession, TenantSession
from kernel.errors import Conflict, ProductError
from kernel.language import marked

MOST = 10
NAME_MAX = 60
_MINUTES = 5
_ANSWER_MAX = 20_000


class PasskeyRefused(ProductError):
    """The passkey's answer is not one to our question, or was given before."""

    code = "passkey_refused"
    status = 422
    message = marked("The passkey was not accepted. Try again.")


class TooManyPasskeys(Conflict):
    """The person has as many passkeys as anybody may have."""

    code = "too_many_passkeys"
    message = marked("You have ten passkeys already. Remove one first.")


@dataclass(frozen=True)
class Ceremony:
    """One question to a passkey: for what, on which host and origin, to which browser."""

    purpose: str
    host: str
    origin: str
    bound_to: bytes


async def creation_options(
    session: TenantSession | ControlSession,
    ceremony: Ceremony,
    *,
    user_id: UUID,
    email: str,
    name: str,
    brand: str,
) -> str:
    """Return the JSON with which a browser makes a passkey; raise TooManyPasskeys."""
    known = await queries.passkeys(session, user_id)
    if len(known) >= MOST:
        raise TooManyPasskeys
    options = generate_registration_options(
        rp_id=ceremony.host,
        rp_name=brand,
        user_id=user_id.bytes,
        user_name=email,
        user_display_name=name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=one.credential_id)
            for one in known
            if one.host == ceremony.host
        ],
    )
    await _remember(session, ceremony, options.challenge)
    return options_to_json(options)


async def register(
    session: TenantSession | ControlSession,
    ceremony: Ceremony,
    *,
    user_id: UUID,
    answer: str,
    name: str,
) -> None:
    """Keep the passkey that a browser made for our question; raise PasskeyRefused."""
    try:
        credential = parse_registration_credential_json(_read(answer))
        challenge = await _take(session, ceremony, credential.response.client_data_json)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=ceremony.host,
            expected_origin=ceremony.origin,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        raise PasskeyRefused from None
    known = await queries.passkey_by_credential(
        session, credential_id=verified.credential_id, host=ceremony.host
    )
    if known is not None or len(await queries.passkeys(session, user_id)) >= MOST:
        raise PasskeyRefused
    model = owners.table(session, Passkey, VendorPasskey)
    session.add(
        model(
            user_id=user_id,
            host=ceremony.host,
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=" ".join(name.replace("\x00", "").split())[:NAME_MAX] or "Passkey",
        )
    )
    await session.flush()  # the credential's uniqueness decides between two at once
    audit.record(session, "identity.passkey.add", subject=("user", user_id))


async def request_options(
    session: TenantSession | ControlSession, ceremony: Ceremony, *, user_id: UUID | None
) -> str:
    """Return the JSON with which a browser asks for a passkey; empty when the person has none here.

    Without a person any passkey of the host may answer, and must have verified who uses it.
    """
    known = await queries.passkeys(session, user_id) if user_id is not None else []
    here = [one.credential_id for one in known if one.host == ceremony.host]
    if user_id is not None and not here:
        return ""
    options = generate_authentication_options(
        rp_id=ceremony.host,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in here],
        user_verification=UserVerificationRequirement.PREFERRED
        if here
        else UserVerificationRequirement.REQUIRED,
    )
    await _remember(session, ceremony, options.challenge)
    return options_to_json(options)


async def verify(
    session: TenantSession | ControlSession,
    ceremony: Ceremony,
    *,
    user_id: UUID | None,
    answer: str,
) -> UUID:
    """Return whose passkey has answered our question; raise PasskeyRefused.

    With a person it must be theirs. Without one the passkey is the only proof, so it must have
    verified its user by a finger, a face or a PIN.
    """
    try:
        credential = parse_authentication_credential_json(_read(answer))
        challenge = await _take(session, ceremony, credential.response.client_data_json)
        row = await queries.passkey_by_credential(
            session, credential_id=credential.raw_id, host=ceremony.host
        )
        if row is None or (user_id is not None and row.user_id != user_id):
            raise PasskeyRefused
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=ceremony.host,
            expected_origin=ceremony.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=user_id is None,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        raise PasskeyRefused from None
    await _count(session, row, verified.new_sign_count)
    return row.user_id


async def remove(
    session: TenantSession | ControlSession, *, user_id: UUID, passkey_id: UUID
) -> bool:
    """Remove one of the person's passkeys; say whether there was one."""
    model = owners.table(session, Passkey, VendorPasskey)
    gone = await session.scalar(
        delete(model).where(model.id == passkey_id, model.user_id == user_id).returning(model.id)
    )
    if gone is not None:
        audit.record(session, "identity.passkey.remove", subject=("user", user_id))
    return gone is not None


async def _count(session: TenantSession | ControlSession, row: Passkey, count: int) -> None:
    """Move the counter on; one that stands still or goes back tells of a copied passkey."""
    model = owners.table(session, Passkey, VendorPasskey)
    moved = await session.scalar(
        update(model)
        .where(model.id == row.id, or_(model.sign_count < count, model.sign_count == 0))
        .values(sign_count=count, used_at=now())
        .returning(model.id)
    )
    if moved is None:
        raise PasskeyRefused


async def _remember(
    session: TenantSession | ControlSession, ceremony: Ceremony, challenge: bytes
) -> None:
    model = owners.table(session, PasskeyChallenge, VendorPasskeyChallenge)
    await session.execute(delete(model).where(model.expires_at < now()))
    session.add(
        model(
            challenge=challenge,
            purpose=ceremony.purpose,
            host=ceremony.host,
            bound_to=hashlib.sha256(ceremony.bound_to).digest(),
            expires_at=now() + timedelta(minutes=_MINUTES),
        )
    )


async def _take(
    session: TenantSession | ControlSession, ceremony: Ceremony, client_data: bytes
) -> bytes:
    """Use up the challenge that an answer names; raise PasskeyRefused when it was not for it."""
    challenge = parse_client_data_json(client_data).challenge
    model = owners.table(session, PasskeyChallenge, VendorPasskeyChallenge)
    taken = await session.scalar(
        delete(model)
        .where(
            model.challenge == challenge,
            model.purpose == ceremony.purpose,
            model.host == ceremony.host,
            model.bound_to == hashlib.sha256(ceremony.bound_to).digest(),
            model.expires_at > now(),
        )
        .returning(model.challenge)
    )
    if taken is None:
        raise PasskeyRefused
    return bytes(taken)


def _read(answer: str) -> dict[str, object]:
    if len(answer) > _ANSWER_MAX:
        raise PasskeyRefused
    read = json.loads(answer)
    if not isinstance(read, dict):
        raise PasskeyRefused
    return read
