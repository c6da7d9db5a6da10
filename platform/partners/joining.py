"""How somebody becomes a partner: registers, proves their address, and is approved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.exc import IntegrityError

from clients import rules as client_rules
from identity import audit, email_tokens, passwords, users
from identity.models import UserAccount
from introducers import letters, partners, queries
from introducers.models import Partner
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.language import current as current_language
from kernel.language import gettext
from kernel.settings import Settings
from messaging import mails

AGREEMENT = "introducing broker agreement 6"
LinkTo = Callable[[str], str]


async def register(
    session: TenantSession,
    *,
    values: Mapping[str, str],
    password: str,
    sponsor_code: str | None,
    vault: Vault,
    link_to: LinkTo,
) -> Partner:
    """Create the person and the partner, below a sponsor's code, and mail the link.

    Raises InvalidInput with every field that needs another look, and users.EmailTaken.
    """
    fields = _checked(session.info["tenant"], values, password)
    try:
        user = await users.create(
            session,
            kind="partner",
            email=fields["email"],
            name=fields["name"],
            password=password,
            language=current_language(),
        )
    except IntegrityError:
        raise users.EmailTaken from None
    partner = await partners.register(
        session,
        user_id=user.id,
        name=fields["name"],
        email=fields["email"],
        country=fields["country"],
        sponsor_code=sponsor_code,
    )
    audit.record(
        session,
        "partners.agreement.accept",
        subject=("partner", partner.id),
        after={"agreement": AGREEMENT},
    )
    await send_link(session, user=user, vault=vault, link_to=link_to)
    return partner


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


async def verify(
    session: TenantSession, *, secret: str, vault: Vault, settings: Settings
) -> UserAccount:
    """Take the link of the first mail; where the plan needs nobody's approval, that is all.

    Raises email_tokens.LinkExpired.
    """
    user = await email_tokens.redeem(session, secret=secret, purpose="verify")
    partner = await queries.partner_of_user(session, user.id)
    if partner is None or partner.state != "applied":
        return user
    plan = await queries.plan_at(session, partner.plan_code, now())
    if plan is not None and plan.auto_approve:
        await partners.approve(session, partner_id=partner.id)
        await letters.welcome(session, partner=partner, vault=vault, settings=settings)
    return user


def _checked(tenant: TenantRef, values: Mapping[str, str], password: str) -> dict[str, str]:
    email = values.get("email", "")
    checks: dict[str, Callable[[], str]] = {
        "name": lambda: client_rules.line(
            values.get("name", ""), field="name", label="name", limit=120
        ),
        "email": lambda: users.checked_email(email),
        "country": lambda: client_rules.country(values.get("country", "")),
        "password": lambda: _password(tenant, email, password),
        "terms": lambda: _agreed(values),
    }
    made: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, check in checks.items():
        try:
            made[name] = check()
        except InvalidInput as error:
            errors.update(error.fields)
    if errors:
        raise InvalidInput(errors)
    return made


def _password(tenant: TenantRef, email: str, password: str) -> str:
    own = [word for word in (email.split("@", maxsplit=1)[0], tenant.slug) if word]
    passwords.check(password, forbidden=tuple(own))
    return ""


def _agreed(values: Mapping[str, str]) -> str:
    if not values.get("terms"):
        raise InvalidInput({"terms": gettext("Read and accept the partner agreement to go on.")})
    return ""
