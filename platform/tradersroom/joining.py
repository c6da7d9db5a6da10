"""How somebody becomes a client: registers, proves their address, or accepts an invitation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlalchemy.exc import IntegrityError

from clients import profiles
from clients import queries as client_queries
from clients.events import ClientRegistered
from clients.models import Client
from compliance import cases
from identity import audit, email_tokens, passwords, users
from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.events import record
from kernel.language import current as current_language
from kernel.language import gettext, marked
from messaging import mails
from tradersroom import countries

# What a client agrees to, with the version shown to them.
AGREEMENTS = {
    "terms": "client agreement 7, order execution 3, privacy 5",
    "risk": "risk disclosure 4",
}
_CONSENT_MISSING = {
    "terms": marked("Read and accept the agreements to open an account."),
    "risk": marked("Confirm that you understand the risk."),
}
_CODE = re.compile(r"^[A-Za-z0-9_-]{2,40}$")
_VISITOR = re.compile(r"^[A-Za-z0-9_-]{8,64}$")
# Turns the secret of a mailed link into its address on the client's own host.
LinkTo = Callable[[str], str]


async def register(
    session: TenantSession,
    *,
    values: Mapping[str, str],
    password: str,
    vault: Vault,
    link_to: LinkTo,
) -> Client:
    """Create the person, the profile and the case of a new client, and mail the link.

    Raises InvalidInput with every field that needs another look, users.EmailTaken among them.
    """
    tenant: TenantRef = session.info["tenant"]
    fields = _checked(tenant, values, password)
    try:
        user = await users.create(
            session,
            kind="client",
            email=fields["email"],
            name=f"{fields['first_name']} {fields['last_name']}"[:120],
            password=password,
            language=fields["language"],
        )
    except IntegrityError:
        raise users.EmailTaken from None
    client = await profiles.create(
        session,
        user_id=user.id,
        first_name=fields["first_name"],
        last_name=fields["last_name"],
        email=fields["email"],
        phone=fields["phone"],
        country=fields["country"],
        language=fields["language"],
    )
    await cases.open_for(session, client_id=client.id)
    _agree(session, client)
    code, visitor = values.get("ref", ""), values.get("visitor", "")
    record(
        session,
        ClientRegistered(
            client_id=client.id,
            email=client.email,
            phone=client.phone,
            referral_code=code if _CODE.match(code) else None,
            visitor=visitor if _VISITOR.match(visitor) else None,
        ),
    )
    await send_link(session, user=user, vault=vault, link_to=link_to)
    return client


async def send_link(
    session: TenantSession, *, user: UserAccount, vault: Vault, link_to: LinkTo
) -> None:
    """Mail a link that proves the address; nothing to somebody who has proved it."""
    if user.email_verified_at is not None:
        return
    secret = await email_tokens.issue(session, user_id=user.id, purpose="verify")
    await mails.queue(
        session,
        to=user.email,
        template="verify_email",
        context={"name": user.name, "link": link_to(secret)},
        vault=vault,
        reader=user.id,
        language=current_language(),
    )


async def accept_invitation(
    session: TenantSession, *, secret: str, values: Mapping[str, str], password: str
) -> UserAccount:
    """Use an invitation up: set the password, agree, and return who it is.

    Raises LinkExpired, and InvalidInput for the password and what was not accepted.
    """
    user = await email_tokens.holder(session, secret=secret, purpose="invite")
    errors = _consents(values)
    try:
        _check_password(session.info["tenant"], user.email, password)
    except InvalidInput as error:
        errors.update(error.fields)
    if errors:
        raise InvalidInput(errors)
    user = await email_tokens.redeem(session, secret=secret, purpose="invite")
    await users.set_password(session, user=user, password=password)
    client = await client_queries.client_of_user(session, user.id)
    if client is not None:
        await cases.open_for(session, client_id=client.id)
        _agree(session, client)
    return user


def _checked(tenant: TenantRef, values: Mapping[str, str], password: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    fields: dict[str, str] = {}
    email = values.get("email", "")
    try:
        fields = profiles.checked(
            first_name=values.get("first_name", ""),
            last_name=values.get("last_name", ""),
            email=email,
            phone=values.get("phone", ""),
            country=values.get("country", ""),
            language=current_language(),
        )
    except InvalidInput as error:
        errors.update(error.fields)
    if fields and not countries.known(fields["country"]):
        errors["country"] = gettext("Choose your country.")
    try:
        _check_password(tenant, email, password)
    except InvalidInput as error:
        errors.update(error.fields)
    errors.update(_consents(values))
    if errors:
        raise InvalidInput(errors)
    return fields


def _check_password(tenant: TenantRef, email: str, password: str) -> None:
    passwords.check(password, forbidden=(email.partition("@")[0], tenant.name))


def _consents(values: Mapping[str, str]) -> dict[str, str]:
    return {name: gettext(text) for name, text in _CONSENT_MISSING.items() if not values.get(name)}


def _agree(session: TenantSession, client: Client) -> None:
    audit.record(
        session,
        "tradersroom.agreements.accept",
        subject=("client", client.id),
        after={"agreements": AGREEMENTS},
    )
