"""Asks the web application for its routes one by one, with ids, cookies and keys by hand."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx

import themes
from entrypoints import streams
from entrypoints.application import Web
from identity import sessions
from identity.models import RolePermission, StaffRole, UserAccount
from kernel.actor import TenantRef
from kernel.web.access import declared_routes
from tests.isolation import canaries
from tests.isolation.canaries import DAY, FOREIGN, SHARED

_PREFIX = {"public": "www", "trader": "my", "partner": "ib", "staff": "team"}
PEOPLE = {
    "trader": SHARED,
    "partner": UUID("0190cccc-0000-7000-8000-00000000cccc"),
    "staff": UUID("0190dddd-0000-7000-8000-00000000dddd"),
}
_PARAMETER = re.compile(r"{(\w+)(?::(\w+))?}")
_GLIMPSE_SECONDS = 0.4
_FIELD = re.compile(r'name="(\w+)"')
_FORM = {
    "amount": "100",
    "currency": "USD",
    "email": "stranger@mail.example",
    "country": "DE",
    "language": "en",
    "reason": "because",
    "level": "1",
    "password": "correct horse battery staple",
}


@dataclass(frozen=True)
class Route:
    """One declared route with one of its methods."""

    surface: str
    path: str
    method: str
    permission: str


def routes(web: Web) -> list[Route]:
    """Return every route of every surface, by method."""
    return [
        Route(name, path, method, str(handler.opt.get("permission")))
        for name, app in web.apps.items()
        for path, handler in declared_routes(app)
        for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"})
    ]


def host(surface: str, tenant: TenantRef) -> str:
    """Return the host on which a surface of a brokerage, or of the vendor, is found."""
    vendors = {"console": "console.localhost", "vendor": "localhost"}
    return vendors.get(surface) or f"{_PREFIX[surface]}.{tenant.slug}.localhost"


def refused(answer: httpx.Response) -> bool:
    """Say whether an answer sends to the login or says no."""
    to_login = answer.headers.get("location", "").startswith("/login")
    return answer.status_code in (401, 403, 404, 405) or (answer.status_code == 303 and to_login)


def field_names() -> list[str]:
    """Return the names of all fields that any page's form sends."""
    folder = Path(themes.__file__).parent
    return sorted(
        {
            name
            for page in folder.rglob("*.html")
            for name in _FIELD.findall(page.read_text(encoding="utf-8"))
            if not name.startswith("_")
        }
    )


class Walker:
    """Fills the parameters of routes with a brokerage's planted ids, and asks."""

    def __init__(self, web: Web, superuser: asyncpg.Connection[Any], named: TenantRef) -> None:
        """Take the application; ids and texts in the questions are those of `named`."""
        self.web = web
        self.superuser = superuser
        self.named = named
        self.routes = routes(web)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=web),  # type: ignore[arg-type]
            headers={"accept": "text/html,*/*"},
        )
        self._csrf: dict[str, str] = {}
        self._values: dict[tuple[str, UUID], list[str]] = {}
        self._fields = field_names()

    async def learn(self) -> None:
        """Look up what the planted rows have for each parameter of a path."""
        for route in self.routes:
            for name, kind in _PARAMETER.findall(route.path):
                for row_id in (SHARED, FOREIGN):
                    self._values[name, row_id] = await self._known(name, kind, row_id)

    async def _known(self, name: str, kind: str, row_id: UUID) -> list[str]:
        if kind == "uuid":
            return [str(row_id)]
        if kind == "date" or name in ("day", "date", "month"):
            return [str(DAY)]
        if kind == "int":
            return [str(canaries.NUMBERS[row_id])]
        schema = self.named.schema
        found = await canaries.columns_named(self.superuser, schema, name, row_id)
        return found or [self.named.slug]

    async def people(self, tenant: TenantRef, *, permissions: Iterator[str]) -> None:
        """Make the walker's people in a brokerage; the member of staff may do everything."""
        async with self.web.ports.database.tenant(tenant) as session:
            for permission in permissions:
                session.add(RolePermission(role="everything", permission=permission, scope="all"))
            for kind in ("partner", "staff"):
                session.add(
                    UserAccount(
                        id=PEOPLE[kind],
                        kind=kind,
                        email=f"{kind}@walker.example",
                        name="Walker",
                        state="active",
                        failures=0,
                    )
                )
            session.add(StaffRole(user_id=PEOPLE["staff"], role="everything"))
        # The planted partner signs in as the partner, not as the client of the same id.
        await self.superuser.execute(
            f'UPDATE "{tenant.schema}".partner SET user_id = $1 WHERE id = $2',
            *(PEOPLE["partner"], SHARED),
        )

    async def sign_in(self, tenant: TenantRef, surface: str, user_id: UUID | None = None) -> str:
        """Open a session on a surface's host and return its cookie; empty where nobody signs in."""
        user_id = user_id or PEOPLE.get(surface)
        if user_id is None:
            return ""
        kind = sessions.KIND_OF_SURFACE[surface]
        async with self.web.ports.database.tenant(tenant) as session:
            return await sessions.start(
                session, user_id=user_id, kind=kind, surface=surface, host=host(surface, tenant)
            )

    def paths(self, route: Route, row_id: UUID) -> Iterator[str]:
        """Yield the route's paths with the ids of a planted set."""
        names = [name for name, _ in _PARAMETER.findall(route.path)]
        for chosen in itertools.product(*(self._values[name, row_id] for name in names)):
            path = route.path
            for name, value in zip(names, chosen, strict=True):
                path = re.sub(rf"{{{name}(:\w+)?}}", quote(value, safe=""), path)
            yield path

    async def ask(
        self,
        route: Route,
        host: str,
        path: str,
        row_id: UUID,
        *,
        cookie: str = "",
        bearer: str = "",
        token: bool = True,
    ) -> httpx.Response:
        """Send one request whose query and body name the planted ids as well."""
        origin = f"http://{host}:{self.web.ports.settings.port}"
        csrf = await self._csrf_token(host, origin)
        cookies = {"csrf": csrf, **({"marque": cookie} if cookie else {})}
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if token:
            headers["x-csrftoken"] = csrf
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        form = self._form(row_id)
        options: dict[str, Any] = {"headers": headers, "params": form}
        if route.method != "GET":
            options |= {"json": form} if path.startswith("/api/") else {"data": form}
        if route.path == streams.PATH:
            answer = await self._glimpse(origin + path, **options)
        else:
            answer = await self._client.request(route.method, origin + path, **options)
        # Cookies are given by hand, so that no answer changes who asks.
        self._client.cookies.clear()
        return answer

    async def _glimpse(self, address: str, **options: Any) -> httpx.Response:
        """Open a stream, which has no end of its own, take what it tells at once, and leave."""
        request = self._client.build_request("GET", address, **options)
        left, told = asyncio.Event(), list[dict[str, Any]]()
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> dict[str, Any]:
            for message in asked:
                return message
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        answering = asyncio.create_task(self.web(scope, receive, send))  # type: ignore[arg-type]
        await asyncio.wait([answering], timeout=_GLIMPSE_SECONDS)
        left.set()
        await answering
        start = next(one for one in told if one["type"] == "http.response.start")
        body = b"".join(one.get("body", b"") for one in told)
        return httpx.Response(
            start["status"], headers=start["headers"], content=body, request=request
        )

    def _form(self, row_id: UUID) -> Mapping[str, str]:
        values = dict.fromkeys(self._fields, "something")
        values |= {name: str(row_id) for name in self._fields if name.endswith(("id", "_to"))}
        known = {name: str(row_id) for name, _ in self._values if name.endswith("_id")}
        return {**values, **known, **_FORM}

    async def _csrf_token(self, host: str, origin: str) -> str:
        if host not in self._csrf:
            for path in ("/login", "/", "/favicon.svg"):
                answer = await self._client.get(origin + path)
                found = answer.cookies.get("csrf")
                if found:
                    self._csrf[host] = found
                    break
            self._client.cookies.clear()
        return self._csrf.get(host, "")

    async def close(self) -> None:
        """Go home."""
        await self._client.aclose()
