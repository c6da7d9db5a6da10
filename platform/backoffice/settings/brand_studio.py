"""The brand studio: what an administrator tries on, sees, publishes and takes back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice import queries
from backoffice.settings import brand_versions, looks
from backoffice.settings.brand_versions import LOGOS
from kernel.actor import TenantRef
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.images import Picture
from kernel.web.inject import Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from tenants import brands
from tenants.inject import Outside
from themes import specimen_pages, specimens
from themes.loader import render, render_mail
from themes.page import Brand
from themes.tokens import DENSITIES, FONTS, RADII, ThemeValueRefused, derive, theme_css

_MAY = "backoffice.brand.change"
_HERE = "/settings/brand"
_PREVIEWS = ("public", "trader", "partner", "staff", "mail")
_SHOWN = 12
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_SHEET = re.compile(r'<link rel="stylesheet" href="/theme\.css[^>]*>')
_SAID = {
    "save": "Draft saved. Nobody sees it before it is published.",
    "fix": "Colours that failed were replaced in the draft.",
    "import": "The theme was read into the draft.",
}


@get(_HERE, permission=_MAY)
async def studio(request: Request[Any, Any, Any], session: Session) -> Response[Any]:
    """Show the draft, how it reads, and every surface in it."""
    return await _studio(request, session, form_state())


@post(_HERE, permission=_MAY, status_code=200)
async def change(
    request: Request[Any, Any, Any], session: Session, ports: Outside
) -> Response[Any]:
    """Save what was typed and sent as the draft; the pressed button says what follows.

    Logos that pass stay in the draft even when a field beside them has to be typed again.
    """
    form = await request.form()
    values = form_values(form)
    action = values.pop("action", "save")
    look = await brand_versions.current_look(session, worn=_worn(request))
    files, errors = await _files(session, form, look, ports)
    if files != look["files"]:
        await brand_versions.save(session, values=look, files=files)
    try:
        wanted = await _wanted(form, values, action)
        await brand_versions.save(session, values=wanted, files=files)
        if not errors:
            text = await _follow(session, action, values)
            return flash(request, see_other(_HERE), text)
    except InvalidInput as error:
        errors |= error.fields
    return await _studio(request, session, form_state(values, errors), status=422)


@get("/settings/brand/check", permission=_MAY)
async def check(request: Request[Any, Any, Any]) -> Response[Any]:
    """Measure two colours while they are being chosen."""
    main, accent = (request.query_params.get(name, "") for name in ("main", "accent"))
    return await page(
        request, "backoffice/brand_check.html", title="Contrast", **_contrast(main, accent)
    )


@get("/settings/brand/preview/{part:str}", permission=_MAY)
async def preview(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, part: FromPath[str]
) -> Response[str]:
    """Render a page of a surface in the draft, with invented people and without scripts."""
    if part not in _PREVIEWS:
        raise NotFound
    brand = await _draft_brand(request, session, tenant)
    if request.query_params.get("dir") == "rtl":
        brand = replace(brand, language="ar", direction="rtl")
    html = _previewed(brand, part)
    if request.query_params.get("mode") == "dark":
        html = html.replace('data-bs-theme="light"', 'data-bs-theme="dark"', 1)
    sheet = f"<style>{theme_css(derive(brand.colours))}</style>"
    html = _SHEET.sub(lambda _: sheet, _SCRIPT.sub("", html))
    return Response(html, media_type="text/html", headers={"cache-control": "no-store"})


@get("/settings/brand/versions/{version_id:uuid}/{part:str}", permission=_MAY)
async def picture(
    session: Session,
    tenant: Tenant,
    ports: Outside,
    version_id: FromPath[UUID],
    part: FromPath[str],
) -> Response[bytes]:
    """Serve a logo or an icon of one version, worn or not."""
    version = await queries.version(session, version_id)
    entry = (version.look.get("files") or {}).get(part) if version is not None else None
    if entry is None:
        raise NotFound
    data = await ports.store.get(tenant, entry["key"])
    shown = Picture(data, entry["media_type"], entry["extension"])
    headers = {**shown.headers, "cache-control": "private, no-store"}
    return Response(data, media_type=shown.media_type, headers=headers)


@post("/settings/brand/versions/{version_id:uuid}/back", permission=_MAY, status_code=200)
async def back(
    request: Request[Any, Any, Any], session: Session, version_id: FromPath[UUID]
) -> Response[Any]:
    """Wear again what was worn before."""
    try:
        made = await brand_versions.roll_back(session, version_id=version_id)
    except Conflict as error:
        return await _studio(request, session, form_state(message=error.text), status=409)
    return flash(request, see_other(_HERE), f"Version {made.number} is worn now, {made.note}.")


@get("/settings/brand/export", permission=_MAY)
async def export(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant
) -> Response[bytes]:
    """Hand the draft over as a theme file."""
    look = await brand_versions.current_look(session, worn=_worn(request))
    name = f'attachment; filename="{tenant.slug}-theme.json"'
    headers = {"content-disposition": name, "cache-control": "private, no-store"}
    return Response(looks.to_file(look), media_type="application/json", headers=headers)


async def _studio(
    request: Request[Any, Any, Any],
    session: TenantSession,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    look = await brand_versions.current_look(session, worn=_worn(request))
    versions = await queries.latest_versions(session, limit=_SHOWN)
    typed = form["values"]
    dark = request.query_params.get("mode") == "dark"
    rtl = request.query_params.get("dir") == "rtl"
    shown = next((one for one in versions if one.state in ("draft", "published")), None)
    return await page(
        request,
        "backoffice/brand.html",
        title="Brand",
        active=_HERE,
        status=status,
        form=form,
        look=look,
        versions=versions,
        has_draft=any(one.state == "draft" for one in versions),
        waiting=next((one for one in versions if one.state == "scheduled"), None),
        logos=[
            {
                "kind": kind,
                "href": f"{_HERE}/versions/{shown.id}/{kind}?v={look['files'][kind]['sha']}"
                if shown is not None and kind in look["files"]
                else "",
            }
            for kind in LOGOS
        ],
        radii=list(zip(RADII, ("Square", "Normal", "Round"), strict=True)),
        densities=[(name, name.capitalize()) for name in DENSITIES],
        fonts=[(name, name.capitalize()) for name in FONTS],
        previews=_PREVIEWS,
        look_query=f"mode={'dark' if dark else 'light'}&dir={'rtl' if rtl else 'ltr'}",
        dark=dark,
        rtl=rtl,
        htmx=True,
        **_contrast(str(typed.get("main", look["main"])), str(typed.get("accent", look["accent"]))),
    )


def _contrast(main: str, accent: str) -> dict[str, Any]:
    try:
        return {"findings": looks.findings(main, accent), "unreadable": ""}
    except ThemeValueRefused as error:
        return {"findings": (), "unreadable": str(error)}


async def _files(
    session: TenantSession, form: FormMultiDict, look: Mapping[str, Any], ports: Outside
) -> tuple[dict[str, Any], dict[str, str]]:
    """Take in the logos of a form; return what the look then has, and what was refused."""
    files, errors = dict(look["files"]), dict[str, str]()
    for kind in LOGOS:
        if form.get(f"remove_{kind}"):
            gone = [kind, *(name for name in files if kind == "square" and "icon-" in name)]
            for name in gone:
                files.pop(name, None)
        upload = form.get(f"logo_{kind}")
        if not isinstance(upload, UploadFile) or not upload.filename:
            continue
        try:
            files |= await brand_versions.taken(
                session,
                kind=kind,
                data=await upload.read(),
                store=ports.store,
                background=str(look["main"]),
            )
        except InvalidInput as error:
            errors |= error.fields
    return files, errors


async def _wanted(form: FormMultiDict, values: dict[str, str], action: str) -> Mapping[str, Any]:
    """Return the look that is to be saved: typed, mended, or read from a file."""
    if action == "import":
        upload = form.get("theme_file")
        return looks.from_file(await upload.read() if isinstance(upload, UploadFile) else b"")
    look = looks.checked(values)
    return looks.mended(look) if action == "fix" else look


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


async def _draft_brand(
    request: Request[Any, Any, Any], session: TenantSession, tenant: TenantRef
) -> Brand:
    """Return the brand as the draft would have it, its logos at the addresses of drafts."""
    worn = _worn(request)
    look = await brand_versions.current_look(session, worn=worn)
    brand = brands.dressed(tenant, {**worn, **look})
    for state in ("draft", "published"):
        version = await queries.version_in(session, state)
        if version is not None:
            own = {
                kind: f"{_HERE}/versions/{version.id}/{kind}" if kind in look["files"] else ""
                for kind in LOGOS
            }
            return replace(
                brand,
                logo_url=own["square"],
                logo_light_url=own["light"],
                logo_dark_url=own["dark"],
            )
    return brand


def _previewed(brand: Brand, part: str) -> str:
    if part == "mail":
        html, _ = render_mail(
            brand,
            heading="Confirm your address",
            paragraphs=["Open the link within 24 hours. It works once."],
            action_label="Confirm",
            action_href="https://my.example/verify/x",
            facts=[("Account", brand.name)],
        )
        return html
    if part == "public":
        context: dict[str, Any] = specimen_pages.landing_context(brand)
        return render("public/landing.html", specimens.page(brand, "public", brand.name), **context)
    if part == "trader":
        context = specimen_pages.trader_context(brand)
        return render("catalogue/trader.html", specimens.page(brand, "trader", "Home"), **context)
    if part == "staff":
        shown = replace(brand, language="en")
        staff = specimens.page(shown, "staff", "Leads", direction=brand.direction)
        return render("catalogue/staff.html", staff, **specimens.staff_context())
    login = {"action": "#", "forgot_href": "#", "register_href": "#", "kind": brand.name}
    partner = specimens.page(brand, "partner", "Sign in")
    return render("auth/login.html", partner, form=specimens.EMPTY_FORM, **login)


def _worn(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return request.scope["state"]["place"].brand or {}


ROUTES: list[HTTPRouteHandler] = [studio, change, check, preview, picture, back, export]
