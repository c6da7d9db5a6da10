"""A stranger's walk over every route: another brokerage's ids, cookies and keys, one by one."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx

import themes
from entrypoints.application import Web
from identity import api_keys, sessions
from identity.models import RolePermission, StaffRole, UserAccount
from kernel.actor import TenantRef
from kernel.web.access import PUBLIC, declared_routes
from tests.isolation import canaries
from tests.isolation.canaries import DAY, FOREIGN, SHARED

PREFIX = {"public": "www", "trader": "my", "partner": "ib", "staff": "team"}
_USER = {
    "trader": SHARED,
    "partner": UUID("0190cccc-0000-7000-8000-00000000cccc"),
    "staff": UUID("0190dddd-0000-7000-8000-00000000dddd"),
}
_PARAMETER = re.compile(r"{(\w+)(?::(\w+))?}")
_FIELD = re.compile(r'name="(\w+)"')
# What a brokerage shows everybody on its own site: the names and notes of its offers.
_PUBLISHED = re.compile(r"CANARY_A-account_t[\w.-]*")
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


@dataclass
class Tally:
    """What the walk met."""

    covered: set[Route] = field(default_factory=set)
    requests: int = 0
    own_canaries: int = 0
    canary_hits: list[str] = field(default_factory=list)
    foreign_2xx: list[str] = field(default_factory=list)
    let_in: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def routes(web: Web) -> list[Route]:
    """Return every route of every surface, by method."""
    return [
        Route(name, path, method, str(handler.opt.get("permission")))
        for name, app in web.apps.items()
        for path, handler in declared_routes(app)
        for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"})
    ]


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


class Stranger:
    """Walks on beta's hosts with what is alpha's, and on alpha's hosts with what is beta's."""

    def __init__(
        self, web: Web, superuser: asyncpg.Connection[Any], mine: TenantRef, theirs: TenantRef
    ) -> None:
        """Take the application; `theirs` is the brokerage that must stay unseen."""
        self.tally = Tally()
        self._web = web
        self._superuser = superuser
        self._mine = mine
        self._theirs = theirs
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=web),  # type: ignore[arg-type]
            headers={"accept": "text/html,*/*"},
        )
        self._csrf: dict[str, str] = {}
        self._values: dict[tuple[str, UUID], list[str]] = {}
        self._key = ""
        self._fields = field_names()

    async def prepare(self) -> None:
        """Give both brokerages the same people with every permission, and alpha an API key."""
        permissions = {route.permission for route in routes(self._web)}
        for tenant in (self._mine, self._theirs):
            await self._people(tenant, permissions)
        async with self._web.ports.database.tenant(self._theirs) as session:
            scopes = [p for p in permissions if p.islower()]
            self._key = await api_keys.create(session, name="key", scopes=scopes)
        for route in routes(self._web):
            for name, kind in _PARAMETER.findall(route.path):
                for row_id in (SHARED, FOREIGN):
                    await self._learn(name, kind, row_id)

    async def _people(self, tenant: TenantRef, permissions: set[str]) -> None:
        async with self._web.ports.database.tenant(tenant) as session:
            for permission in sorted(p for p in permissions if p.islower()):
                session.add(RolePermission(role="everything", permission=permission, scope="all"))
            for kind in ("partner", "staff"):
                session.add(
                    UserAccount(
                        id=_USER[kind],
                        kind=kind,
                        email=f"{kind}@walker.example",
                        name="Walker",
                        state="active",
                        failures=0,
                    )
                )
            session.add(StaffRole(user_id=_USER["staff"], role="everything"))
        # The planted partner signs in as the partner, not as the client of the same id.
        await self._superuser.execute(
            f'UPDATE "{tenant.schema}".partner SET user_id = $1 WHERE id = $2',
            *(_USER["partner"], SHARED),
        )

    async def _learn(self, name: str, kind: str, row_id: UUID) -> None:
        schema = self._theirs.schema
        if kind == "uuid":
            self._values[name, row_id] = [str(row_id)]
        elif name in ("day", "date", "month"):
            self._values[name, row_id] = [str(DAY)]
        else:
            found = await canaries.columns_named(self._superuser, schema, name, row_id)
            self._values[name, row_id] = found or [self._theirs.slug]

    def _paths(self, route: Route, row_id: UUID) -> Iterator[str]:
        names = [name for name, _ in _PARAMETER.findall(route.path)]
        for chosen in itertools.product(*(self._values[name, row_id] for name in names)):
            path = route.path
            for name, value in zip(names, chosen, strict=True):
                path = re.sub(rf"{{{name}(:\w+)?}}", quote(value, safe=""), path)
            yield path

    async def on_my_hosts(self, route: Route, *, with_key: bool = True) -> None:
        """Ask my own host, as one of my own people, for what is theirs by id."""
        host = self._host(route.surface, self._mine)
        self.tally.covered.add(route)
        for row_id in (SHARED, FOREIGN):
            for path in self._paths(route, row_id):
                async with self._signed_in(route.surface) as cookie:
                    answer = await self._ask(route, host, path, row_id, cookie=cookie)
                self._judge(route, answer, path, foreign=row_id == FOREIGN)
                if with_key and row_id == SHARED:
                    answer = await self._ask(
                        route, host, path, row_id, bearer=self._key, token=False
                    )
                    self._judge(route, answer, path, foreign=False)
                    if route.permission != PUBLIC and answer.is_success:
                        self.tally.let_in.append(f"key {route.method} {path}")

    async def on_their_hosts(self, route: Route) -> None:
        """Ask their host with my cookie, and with nothing: every closed route stays closed."""
        host = self._host(route.surface, self._theirs)
        for path in self._paths(route, SHARED):
            async with self._signed_in(route.surface) as cookie:
                for value in (cookie, ""):
                    answer = await self._ask(route, host, path, SHARED, cookie=value)
                    self._judge(route, answer, path, foreign=False)
                    if route.permission != PUBLIC and not _refused(answer):
                        self.tally.let_in.append(
                            f"{'cookie' if value else 'nobody'} {route.method} {path}"
                            f" {answer.status_code}"
                        )

    def _judge(self, route: Route, answer: httpx.Response, path: str, *, foreign: bool) -> None:
        self.tally.requests += 1
        place = f"{route.method} {answer.request.url} {answer.status_code}"
        asked = _unasked(answer)
        if route.permission == PUBLIC and answer.request.url.host.endswith(
            f"{self._theirs.slug}.localhost"
        ):
            asked = _PUBLISHED.sub("", asked)
        if canaries.CANARY[self._theirs.schema] in asked:
            self.tally.canary_hits.append(place)
        self.tally.own_canaries += canaries.CANARY[self._mine.schema] in asked
        named = any(str(FOREIGN) in part for part in path.split("/"))
        if foreign and named and answer.is_success:
            self.tally.foreign_2xx.append(place)
        if answer.status_code >= 500:
            self.tally.failures.append(place)

    @asynccontextmanager
    async def _signed_in(self, surface: str) -> AsyncIterator[str]:
        user_id = _USER.get(surface)
        if user_id is None:
            yield ""
            return
        kind = sessions.KIND_OF_SURFACE[surface]
        host = self._host(surface, self._mine)
        async with self._web.ports.database.tenant(self._mine) as session:
            yield_value = await sessions.start(
                session, user_id=user_id, kind=kind, surface=surface, host=host
            )
        yield yield_value

    def _host(self, surface: str, tenant: TenantRef) -> str:
        if surface == "console":
            return "console.localhost"
        if surface == "vendor":
            return "localhost"
        return f"{PREFIX[surface]}.{tenant.slug}.localhost"

    async def _ask(
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
        origin = f"http://{host}:{self._web.ports.settings.port}"
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
            as_json = path.startswith("/api/")
            options |= {"json": form} if as_json else {"data": form}
        answer = await self._client.request(route.method, origin + path, **options)
        # Cookies are given by hand, so that no answer changes who asks.
        self._client.cookies.clear()
        return answer

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


def _refused(answer: httpx.Response) -> bool:
    """Say whether an answer sends to the login or says no."""
    to_login = answer.headers.get("location", "").startswith("/login")
    return answer.status_code in (401, 403, 404, 405) or (answer.status_code == 303 and to_login)


def _unasked(answer: httpx.Response) -> str:
    """Return head and body of an answer without what the question itself contained."""
    text = answer.text + "\n" + "\n".join(answer.headers.values())
    for part in answer.request.url.path.split("/"):
        for said in {part, quote(part), quote(part, safe=""), quote(quote(part, safe=""))}:
            if len(said) > 8:
                text = re.sub(re.escape(said), "", text, flags=re.IGNORECASE)
    return text
