"""What the pages of a sign-in and the security page share: pictures, ceremonies, answers."""

from __future__ import annotations

import hashlib
import io
from typing import Any
from uuid import UUID

import segno
from litestar import Request, Response
from markupsafe import Markup

from identity import authenticators, entrance, passkeys, second_factor, totp
from identity.models import UserAccount, VendorAccount
from kernel.database import ControlSession, TenantSession
from kernel.errors import InvalidInput
from kernel.language import gettext
from kernel.viewer import Viewer
from kernel.web.pages import csrf_token, page

AnyRequest = Request[Any, Any, Any]


def ceremony(request: AnyRequest, purpose: str) -> passkeys.Ceremony:
    """Return a question to a passkey, bound to this host and to the browser that asks."""
    scheme = "https" if request.app.state.settings.https else "http"
    return passkeys.Ceremony(
        purpose=purpose,
        host=request.scope["state"]["host"],
        origin=f"{scheme}://{request.headers.get('host', '').lower()}",
        bound_to=(entrance.cookie_of(request) or csrf_token(request)).encode(),
    )


async def refusal(
    request: AnyRequest,
    session: TenantSession | ControlSession,
    *,
    user_id: UUID,
    values: dict[str, str],
    purpose: str,
) -> str | None:
    """Return why the code or the passkey's answer of a form is not right, or None."""
    if values.get("credential"):
        try:
            await passkeys.verify(
                session,
                ceremony(request, purpose),
                user_id=user_id,
                answer=values["credential"],
            )
        except passkeys.PasskeyRefused as error:
            return error.text
        return None
    refused = await second_factor.accept(
        session,
        user_id=user_id,
        code=values.get("code", ""),
        vault=request.app.state.ports.vault,
    )
    return refused.text if refused is not None else None


async def creation_options(
    request: AnyRequest,
    session: TenantSession | ControlSession,
    *,
    user_id: UUID,
    email: str,
    name: str,
) -> str:
    """Return the JSON with which the browser makes a passkey for this person on this host."""
    return await passkeys.creation_options(
        session,
        ceremony(request, "enrol"),
        user_id=user_id,
        email=email,
        name=name,
        brand=issuer(request),
    )


async def added(
    request: AnyRequest,
    session: TenantSession | ControlSession,
    *,
    person: UserAccount | VendorAccount | Viewer,
    values: dict[str, str],
) -> str:
    """Put a new authenticator or passkey into use and return the change; raise InvalidInput."""
    if values.get("credential"):
        await passkeys.register(
            session,
            ceremony(request, "enrol"),
            user_id=person.id,
            answer=values["credential"],
            name=values.get("name") or gettext("Passkey"),
        )
        return "passkey_added"
    right = await authenticators.confirm(
        session,
        user_id=person.id,
        typed=values.get("code", ""),
        vault=request.app.state.ports.vault,
    )
    if not right:
        raise InvalidInput(
            {"code": gettext("This is not the app's present code. Check your phone's clock.")}
        )
    return "authenticator_added"


def picture(request: AnyRequest, secret: str, *, email: str) -> dict[str, Any]:
    """Return the QR code of a new authenticator as SVG, and its secret as text to type."""
    code = segno.make(totp.address(secret, account=email, issuer=issuer(request)), error="m")
    held = io.BytesIO()
    code.save(
        held, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=3, light="#fff",
        dark="#000", svgclass=None, lineclass=None,
    )  # fmt: skip
    drawn = Markup(held.getvalue().decode())  # noqa: S704 - drawn here from our own numbers
    return {"qr": drawn, "secret": secret, "secret_shown": totp.in_fours(secret)}


async def codes_page(
    request: AnyRequest, codes: list[str], *, layout: str, next_href: str
) -> Response[Any]:
    """Show recovery codes, the only time they are seen."""
    return await page(
        request,
        "auth/codes.html",
        title=gettext("Your recovery codes"),
        layout=layout,
        codes=codes,
        file_name=f"recovery-codes-{request.scope['state']['host']}.txt",
        next_href=next_href if next_href.startswith("/") else "/",
    )


def issuer(request: AnyRequest) -> str:
    """Return the name under which an authenticator app or a passkey keeps this place."""
    tenant = request.scope["state"]["tenant"]
    return tenant.name if tenant is not None else "Marque"


def session_name(id_hash: bytes) -> str:
    """Return the name by which a page's form tells which session to end; it opens nothing."""
    return hashlib.sha256(b"shown:" + id_hash).hexdigest()[:32]
