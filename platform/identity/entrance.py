"""How a request becomes a session: its cookie, its host and device, its limits by address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import Cookie

from identity import devices, queries, second_factor, sessions
from identity.models import SignIn, UserAccount, VendorAccount
from kernel.actor import Actor
from kernel.database import ControlSession, TenantSession
from kernel.throttle import spend
from kernel.web.pages import see_other

AnyRequest = Request[Any, Any, Any]
KINDS = {"trader": "client", "partner": "partner", "staff": "staff", "console": "vendor"}
STEPS = {"second": "/login/second", "enrol": "/login/enrol"}


def cookie_of(request: AnyRequest) -> str:
    """Return the value of the session's cookie, or nothing."""
    return request.cookies.get(sessions.cookie_name(https=request.app.state.settings.https), "")


async def let_in(
    request: AnyRequest,
    session: TenantSession | ControlSession,
    *,
    user_id: UUID,
    kind: str,
    target: str = "/",
    whole: bool = False,
) -> Response[Any]:
    """Open a session under a new id and send the person on: to a second step, or home.

    `whole` says that everything was proved. Without it somebody with a second factor is asked
    for it, and somebody who must have one and has none makes one first.
    """
    stage = "full"
    if not whole:
        stage = await second_factor.stage_of(session, user_id=user_id, kind=kind)
    response = see_other(STEPS.get(stage, target))
    await give_cookie(
        request, session, response, user_id=user_id, kind=kind, stage=stage, target=target
    )
    return response


async def give_cookie(
    request: AnyRequest,
    session: TenantSession | ControlSession,
    response: Response[Any],
    *,
    user_id: UUID,
    kind: str,
    stage: str = "full",
    target: str = "/",
) -> None:
    """Open a session, put its cookie into the answer and end the one the request came with."""
    state = request.scope["state"]
    https = request.app.state.settings.https
    await sessions.end(session, value=cookie_of(request))
    value = await sessions.start(
        session,
        user_id=user_id,
        kind=kind,
        surface=state["surface"],
        host=state["host"],
        device=devices.device(request.headers.get("user-agent", "")),
        address=devices.short_address(request.client.host if request.client else ""),
        stage=stage,
        target=target,
        confirmed=stage == "full",
    )
    response.set_cookie(
        Cookie(
            key=sessions.cookie_name(https=https),
            value=value,
            httponly=True,
            samesite="lax",
            path="/",
            secure=https,
        )
    )


async def waiting(
    request: AnyRequest, session: TenantSession | ControlSession, stage: str
) -> tuple[SignIn, UserAccount | VendorAccount] | None:
    """Return the sign-in that stands at a stage and its person, who acts from here on; or None."""
    state = request.scope["state"]
    value = cookie_of(request)
    if not value:
        return None
    row = await sessions.unfinished(
        session, value=value, host=state["host"], surface=state["surface"]
    )
    if row is None or row.stage != stage:
        return None
    user = await queries.person_for_update(session, row.user_id)
    if user is None or user.state != "active" or user.kind != KINDS[state["surface"]]:
        return None
    session.info["actor"] = Actor(KINDS[state["surface"]], user.id, user.name)  # type: ignore[arg-type]
    return row, user


async def brake(request: AnyRequest, what: str = "login") -> None:
    """Limit attempts from one address before anything is computed; raise TooManyRequests."""
    if request.client is not None:
        await spend(
            request.app.state.ports.redis,
            request.scope["state"]["tenant"],
            what=what,
            caller=request.client.host,
            limit=request.app.state.logins_per_minute,
            seconds=60,
        )
