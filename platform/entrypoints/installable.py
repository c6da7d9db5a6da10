"""The product as an app on a telephone or a desk: manifest, icons, worker and offline page.

All of it is the brand's and open to everybody, and none of it holds anything of anybody. Each
surface is an app of its own, with its own name, on its own host.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from functools import cache
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from entrypoints.rendering import brand_at
from kernel.errors import NotFound
from kernel.language import current, direction, gettext, marked
from kernel.web.access import PUBLIC
from kernel.web.pages import page
from tenants.resolver import Place
from themes import app_icons, loader
from themes.page import Brand
from themes.tokens import derive

AnyRequest = Request[Any, Any, Any]
_NAMES = {
    "staff": "{} Team",
    "trader": "{}",
    "partner": marked("{} Partners"),
}
_SHORT_MAX = 12
# The light ground of every page (marque.css), shown while the app starts.
_CANVAS = "#f5f6f8"
_ICONS = (("192", 192, "any"), ("512", 512, "any"), ("maskable", 512, "maskable"))


@get("/manifest.webmanifest", permission=PUBLIC)
async def manifest(request: AnyRequest) -> Response[bytes]:
    """Describe the surface as an app, in the brand's name, colours and language."""
    place: Place = request.scope["state"]["place"]
    brand = brand_at(place)
    name = gettext(_NAMES.get(place.surface, "{}")).format(brand.name)
    body = {
        "id": "/",
        "name": name,
        "short_name": name if len(name) <= _SHORT_MAX else brand.name[:_SHORT_MAX].strip(),
        "lang": current(),
        "dir": direction(current()),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "orientation": "any",
        "theme_color": brand.bar_colours[0],
        "background_color": _CANVAS,
        "icons": [
            {
                "src": f"/app-icon/{part}?v={brand.css_version}",
                "sizes": f"{side}x{side}",
                "type": "image/png",
                "purpose": purpose,
            }
            for part, side, purpose in _ICONS
        ],
    }
    return Response(
        json.dumps(body, ensure_ascii=False).encode(),
        media_type="application/manifest+json",
        headers={"cache-control": "no-cache", "vary": "cookie"},
    )


@get("/app-icon/{part:str}", permission=PUBLIC)
async def app_icon(request: AnyRequest, part: FromPath[str]) -> Response[bytes]:
    """Serve an icon of the app: of the brand's square logo, or drawn from its initials."""
    place: Place = request.scope["state"]["place"]
    if part not in app_icons.SIDES or place.tenant is None:
        raise NotFound
    brand = brand_at(place)
    entry = ((place.brand or {}).get("files") or {}).get(f"icon-{part}")
    if entry is not None:
        data = await request.app.state.ports.store.get(place.tenant, entry["key"])
    else:
        data = await asyncio.to_thread(app_icons.drawn, brand, part)
    kept = request.query_params.get("v", brand.css_version) == brand.css_version
    return Response(
        data,
        media_type="image/png",
        headers={"cache-control": "public, max-age=86400" if kept else "no-store"},
    )


@get("/sw.js", permission=PUBLIC)
async def worker(request: AnyRequest) -> Response[str]:
    """Serve the surface's service worker; it differs, and so is renewed, with every version."""
    brand = brand_at(request.scope["state"]["place"])
    facts = {
        "version": _version(brand),
        "offline": f"/offline?lang={current()}",
        "icon": f"/app-icon/192?v={brand.css_version}",
        "name": brand.name,
    }
    # The facts are JSON without the characters that could end a script.
    words = json.dumps(facts).replace("<", "\\u003c")
    return Response(
        f"const MARQUE = {words};\n{_source('worker.js')}",
        media_type="text/javascript",
        headers={"cache-control": "no-cache", "vary": "cookie"},
    )


@get("/offline", permission=PUBLIC)
async def offline(request: AnyRequest) -> Response[str]:
    """Show what an app shows without a connection: the brand and what to do, about nobody."""
    brand = brand_at(request.scope["state"]["place"])
    tokens = derive(brand.colours)
    request.scope["user"] = None  # whoever asks, the page is the same
    return await page(
        request,
        "errors/offline.html",
        title=gettext("No connection"),
        light=tokens.light,
        dark=tokens.dark,
    )


ROUTES: list[HTTPRouteHandler] = [manifest, app_icon, worker, offline]


def _version(brand: Brand) -> str:
    """Return what changes when anything does that the worker keeps."""
    parts = (brand.css_version, brand.name, current(), _static_version())
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def _static_version() -> str:
    """Return one word for the styles and scripts as they are now."""
    names = ("marque.css", "pages.css", "app.js", "live.js", "worker.js")
    return "".join(loader.static(name).rpartition("=")[2] for name in names)


@cache
def _source(name: str) -> str:
    return (loader.static_path() / name).read_text(encoding="utf-8")
