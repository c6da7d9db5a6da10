"""The brand studio: what an administrator tries on, sees, publishes and takes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice import queries
from backoffice.settings import (
    brand_files,
    brand_form,
    brand_previews,
    brand_versions,
    brand_views,
    looks,
    theme_files,
)
from backoffice.settings.brand_files import LOGOS, PARTS
from backoffice.settings.brand_views import HERE, MAY, worn
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput
from kernel.language import LANGUAGES
from kernel.web.inject import Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from tenants.inject import Outside
from themes.loader import described
from themes.tokens import BACKGROUNDS, DENSITIES, FONT_LABELS, RADII

_SHOWN = 12
_SAID = {
    "save": "Draft saved. Nobody sees it before it is published.",
    "fix": "Colours that failed were replaced in the draft.",
    "import": "The theme was read into the draft.",
}
_CORNERS = ("Square", "Soft", "Round")


@get(HERE, permission=MAY)
async def studio(request: Request[Any, Any, Any], session: Session) -> Response[Any]:
    """Show the draft, how it reads, and every surface in it."""
    return await _studio(request, session, form_state())


@post(HERE, permission=MAY, status_code=200)
async def change(
    request: Request[Any, Any, Any], session: Session, ports: Outside
) -> Response[Any]:
    """Save what was typed and sent as the draft; the pressed button says what follows.

    Pictures that pass stay in the draft even when a field beside them has to be typed again.
    """
    form = await request.form()
    values = form_values(form)
    action = values.pop("action", "save")
    look = await brand_versions.current_look(session, worn=worn(request))
    typed = brand_form.typed(values, look)
    await brand_versions.begin(session, worn=worn(request))
    files, errors = await _files(session, form, look, ports)
    if files != look["files"]:
        await brand_versions.save(session, values=look, files=files)
    try:
        wanted, pictures = await _wanted(form, typed, action)
        for kind, data in pictures.items():
            files |= await _read(session, kind, data, str(wanted["main"]), ports)
        await brand_versions.save(session, values=wanted, files=files)
        if not errors:
            text = await _follow(session, action, values)
            return flash(request, see_other(HERE), text)
    except InvalidInput as error:
        errors |= error.fields
    form_shown = form_state(values, errors)
    return await _studio(request, session, form_shown, typed=typed, status=422)


@post(f"{HERE}/versions/{{version_id:uuid}}/back", permission=MAY, status_code=200)
async def back(
    request: Request[Any, Any, Any], session: Session, version_id: FromPath[UUID]
) -> Response[Any]:
    """Wear again what was worn before."""
    try:
        made = await brand_versions.roll_back(session, version_id=version_id)
    except Conflict as error:
        return await _studio(request, session, form_state(message=error.text), status=409)
    return flash(request, see_other(HERE), f"Version {made.number} is worn now, {made.note}.")


@get(f"{HERE}/export", permission=MAY)
async def export(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, ports: Outside
) -> Response[bytes]:
    """Hand the draft over as a theme file, with its pictures."""
    look = await brand_versions.current_look(session, worn=worn(request))
    pictures = {
        part: await ports.store.get(tenant, look["files"][part]["key"])
        for part in PARTS
        if part in look["files"]
    }
    name = f'attachment; filename="{tenant.slug}-theme.json"'
    headers = {"content-disposition": name, "cache-control": "private, no-store"}
    data = await asyncio.to_thread(theme_files.written, look, pictures)
    return Response(data, media_type="application/json", headers=headers)


async def _studio(
    request: Request[Any, Any, Any],
    session: TenantSession,
    form: dict[str, Any],
    *,
    typed: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response[Any]:
    look = await brand_versions.current_look(session, worn=worn(request))
    shown = {**look, **(typed or {})}
    versions = await queries.latest_versions(session, limit=_SHOWN)
    asked = request.query_params
    return await page(
        request,
        "backoffice/brand.html",
        title="Brand",
        active=HERE,
        status=status,
        form=form,
        look=shown,
        versions=versions,
        draft=next((one for one in versions if one.state == "draft"), None),
        published=next((one for one in versions if one.state == "published"), None),
        waiting=next((one for one in versions if one.state == "scheduled"), None),
        pictures={
            kind: f"{HERE}/pictures/{kind}?v={look['files'][kind]['sha']}"
            for kind in PARTS
            if kind in look["files"]
        },
        logos=LOGOS,
        radii=list(zip(RADII, _CORNERS, strict=True)),
        densities=[(name, name.capitalize()) for name in DENSITIES],
        fonts=list(FONT_LABELS.items()),
        themes=[(one.name, f"{one.title}: {one.description}") for one in described()],
        backgrounds=list(BACKGROUNDS.items()),
        menus=brand_form.menu_rows(shown, request.app.state.places),
        cards=brand_form.card_rows(shown),
        texts=brand_form.text_rows(shown, str(shown["name"])),
        previews=brand_previews.PARTS,
        languages=LANGUAGES,
        view=asked.get("view", "all"),
        dark=asked.get("mode") == "dark",
        lang=asked.get("lang", "ar" if asked.get("dir") == "rtl" else "en"),
        **brand_views.contrast(str(shown["main"]), str(shown["accent"])),
    )


async def _files(
    session: TenantSession, form: FormMultiDict, look: Mapping[str, Any], ports: Outside
) -> tuple[dict[str, Any], dict[str, str]]:
    """Take in the pictures of a form; return what the look then has, and what was refused."""
    files, errors = dict(look["files"]), dict[str, str]()
    values = form_values(form)
    for kind in PARTS:
        if form.get(f"remove_{kind}"):
            files = brand_files.without(files, kind)
        try:
            files |= await brand_views.carried_by(session, values, kind)
            upload = form.get(f"logo_{kind}")
            if isinstance(upload, UploadFile) and upload.filename:
                data = await upload.read()
                files |= await _drawn(session, kind, data, str(look["main"]), ports)
        except InvalidInput as error:
            errors |= error.fields
    return files, errors


async def _drawn(
    session: TenantSession, kind: str, data: bytes, main: str, ports: Outside
) -> dict[str, Any]:
    return await brand_files.taken(
        session, kind=kind, data=data, store=ports.store, background=main
    )


async def _read(
    session: TenantSession, kind: str, data: bytes, main: str, ports: Outside
) -> dict[str, Any]:
    """Take in a picture of a theme file; what is wrong with it is wrong with the file."""
    try:
        return await _drawn(session, kind, data, main, ports)
    except InvalidInput as error:
        text = next(iter(error.fields.values()))
        raise InvalidInput(
            {"theme_file": f"The file's {kind} picture can't be used. {text}"}
        ) from None


async def _wanted(
    form: FormMultiDict, typed: Mapping[str, Any], action: str
) -> tuple[Mapping[str, Any], Mapping[str, bytes]]:
    """Return the look that is to be saved, typed, mended or read, and pictures of a file."""
    if action == "import":
        upload = form.get("theme_file")
        data = await upload.read() if isinstance(upload, UploadFile) else b""
        return await asyncio.to_thread(theme_files.read, data)
    look = looks.checked(typed)
    return (looks.mended(look) if action == "fix" else look), {}


async def _follow(session: TenantSession, action: str, values: Mapping[str, str]) -> str:
    """Do what the button says beyond saving and return what to tell."""
    if action == "publish":
        version = await brand_versions.publish(session)
        return f"Version {version.number} is published. Every surface wears it."
    if action == "schedule":
        try:
            at = datetime.fromisoformat(values.get("publish_at", "")).replace(tzinfo=UTC)
        except ValueError:
            raise InvalidInput({"publish_at": "Choose a day and a time, in UTC."}) from None
        version = await brand_versions.schedule(session, at=at)
        return f"Version {version.number} will be published on {at:%d %b %Y, %H:%M} UTC."
    return _SAID.get(action, _SAID["save"])


ROUTES: list[HTTPRouteHandler] = [studio, change, back, export, *brand_views.ROUTES]
