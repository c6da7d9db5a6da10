"""What the brand studio shows beside its form: previews of what was not even saved, and pictures.

The form of the studio is kept for an hour under a token of its own, so that each preview is an
ordinary page with an address; nothing of it is a version before somebody saves it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice import queries
from backoffice.settings import brand_files, brand_form, brand_previews, brand_versions, looks
from kernel.actor import TenantRef
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.images import Picture
from kernel.keys import redis_key
from kernel.language import LANGUAGES
from kernel.web.inject import Session, Tenant
from kernel.web.pages import form_values, page
from tenants.inject import Outside
from tenants.ports import Ports
from themes import documents
from themes.documents import Logo
from themes.tokens import ThemeValueRefused

MAY = "backoffice.brand.change"
HERE = "/settings/brand"
_SECONDS = 3_600
_NOT_KEPT = {"cache-control": "private, no-store"}


def worn(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return the brand that the host wears now."""
    return request.scope["state"]["place"].brand or {}


def contrast(main: str, accent: str) -> dict[str, Any]:
    """Measure two colours, or say why one of them is none."""
    try:
        return {"findings": looks.findings(main, accent), "unreadable": ""}
    except ThemeValueRefused as error:
        return {"findings": (), "unreadable": str(error)}


@get(f"{HERE}/check", permission=MAY)
async def check(request: Request[Any, Any, Any]) -> Response[Any]:
    """Measure two colours while they are being chosen."""
    main, accent = (request.query_params.get(name, "") for name in ("main", "accent"))
    return await page(
        request, "backoffice/brand_check.html", title="Contrast", **contrast(main, accent)
    )


@post(f"{HERE}/preview", permission=MAY, status_code=200)
async def keep(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[Any]:
    """Keep the form as it stands for the previews; what does not pass is left as it was.

    Answers the token, the style sheet, and a fingerprint of what a style sheet can't change.
    """
    form = await request.form()
    before = await brand_versions.current_look(session, worn=worn(request))
    look = looks.passable(brand_form.typed(form_values(form), before), before)
    look["files"] = dict(before["files"])
    for kind in brand_files.PARTS:
        if form.get(f"remove_{kind}"):
            look["files"] = brand_files.without(look["files"], kind)
        look["files"] |= await carried_by(session, form_values(form), kind)
    token = secrets.token_hex(16)
    await ports.redis.set(redis_key(tenant, "brand_look", token), json.dumps(look), ex=_SECONDS)
    brand = brand_previews.dressed(tenant, look, language="en", pictures="", query="")
    quick = {"main", "accent", "radius", "density"}
    slow = json.dumps({name: look[name] for name in look if name not in quick}, sort_keys=True)
    return Response(
        {
            "look": token,
            "css": brand_previews.sheet(brand),
            "frame": hashlib.sha256(slow.encode()).hexdigest()[:16],
        },
        headers=_NOT_KEPT,
    )


@get(f"{HERE}/preview/{{part:str}}", permission=MAY)
async def preview(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    ports: Outside,
    part: FromPath[str],
) -> Response[Any]:
    """Show one surface in the look of a token, else in the draft; `lang` and `mode` turn it."""
    if part not in brand_previews.PARTS:
        raise NotFound
    asked = request.query_params
    token = asked.get("look", "")
    look = await _look(request, session, tenant, ports, token)
    language = asked.get("lang", "ar" if asked.get("dir") == "rtl" else "en")
    brand = brand_previews.dressed(
        tenant,
        look,
        language=language,
        pictures=f"{HERE}/pictures",
        query=f"look={token}&" if token else "",
    )
    if part == "pdf":
        logo = await _logo(look["files"], tenant, ports)
        language = language if language in LANGUAGES else "en"
        data = await documents.specimen(brand, language, logo=logo, kind="png")
        return Response(data, media_type="image/png", headers=_NOT_KEPT)
    shown = brand_previews.html(
        brand, part, dark=asked.get("mode") == "dark", places=request.app.state.places
    )
    return Response(shown, media_type="text/html", headers=_NOT_KEPT)


@get(f"{HERE}/pictures/{{part:str}}", permission=MAY)
async def picture(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    ports: Outside,
    part: FromPath[str],
) -> Response[bytes]:
    """Serve a logo, an icon or the background of the look of a token, else of the draft."""
    token = request.query_params.get("look", "")
    look = await _look(request, session, tenant, ports, token)
    return await _shown(look["files"], part, tenant, ports)


@get(f"{HERE}/versions/{{version_id:uuid}}/{{part:str}}", permission=MAY)
async def version_picture(
    session: Session,
    tenant: Tenant,
    ports: Outside,
    version_id: FromPath[UUID],
    part: FromPath[str],
) -> Response[bytes]:
    """Serve a logo or an icon of one version, worn or not."""
    version = await queries.version(session, version_id)
    if version is None:
        raise NotFound
    return await _shown(version.look.get("files") or {}, part, tenant, ports)


@post(f"{HERE}/uploads/{{kind:str}}", permission=MAY, status_code=200)
async def take(
    request: Request[Any, Any, Any], session: Session, ports: Outside, kind: FromPath[str]
) -> Response[Any]:
    """Take one picture in before the form is sent, so that no error of the form loses it."""
    form = await request.form()
    sent = form.get("file")
    data = await sent.read() if isinstance(sent, UploadFile) else b""
    look = await brand_versions.current_look(session, worn=worn(request))
    upload_id = uuid7()
    try:
        await brand_files.upload(
            session,
            upload_id=upload_id,
            kind=kind,
            data=data,
            store=ports.store,
            background=str(look["main"]),
        )
    except InvalidInput as error:
        return Response({"error": next(iter(error.fields.values()))}, status_code=422)
    return Response({"upload": str(upload_id)}, headers=_NOT_KEPT)


async def carried_by(
    session: TenantSession, values: Mapping[str, str], kind: str
) -> dict[str, Any]:
    """Return the pictures that a form took along by an upload's id; raise InvalidInput."""
    text = values.get(f"upload_{kind}", "")
    if not text:
        return {}
    try:
        upload_id = UUID(text)
    except ValueError:
        raise InvalidInput({f"logo_{kind}": "Choose this file again."}) from None
    return await brand_files.carried(session, kind=kind, upload_id=upload_id)


async def _look(
    request: Request[Any, Any, Any],
    session: TenantSession,
    tenant: TenantRef,
    ports: Ports,
    token: str,
) -> dict[str, Any]:
    if token.isalnum() and token.islower() and len(token) == 32:
        kept = await ports.redis.get(redis_key(tenant, "brand_look", token))
        if kept:
            look: dict[str, Any] = json.loads(kept)
            return {**worn(request), **look}
    draft = await brand_versions.current_look(session, worn=worn(request))
    return {**worn(request), **draft}


async def _shown(
    files: Mapping[str, Any], part: str, tenant: TenantRef, ports: Ports
) -> Response[bytes]:
    entry = files.get(part)
    if entry is None:
        raise NotFound
    data = await ports.store.get(tenant, entry["key"])
    shown = Picture(data, entry["media_type"], entry["extension"])
    return Response(data, media_type=shown.media_type, headers={**shown.headers, **_NOT_KEPT})


async def _logo(files: Mapping[str, Any], tenant: TenantRef, ports: Ports) -> Logo | None:
    """Return the logo of a letterhead, for light paper."""
    entry = files.get("light") or files.get("square")
    if entry is None:
        return None
    return Logo(await ports.store.get(tenant, entry["key"]), entry["media_type"])


ROUTES: list[HTTPRouteHandler] = [check, keep, preview, picture, version_picture, take]
