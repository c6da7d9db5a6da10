"""A stranger's walk over every route: another brokerage's ids, cookies and keys, one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx

from entrypoints.application import Web
from identity import api_keys
from kernel.actor import TenantRef
from kernel.web.access import PUBLIC
from tests.isolation import canaries
from tests.isolation.canaries import FOREIGN, SHARED
from tests.isolation.walk import Route, Walker, host, refused

# What a brokerage shows everybody on its own hosts: its offers, and whose link one follows.
_PUBLISHED = re.compile(r"CANARY_A-(?:account_t|partner\.name)[\w.-]*")


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


class Stranger(Walker):
    """Walks on its own hosts with what is theirs, and on their hosts with what is its own."""

    def __init__(
        self, web: Web, superuser: asyncpg.Connection[Any], mine: TenantRef, theirs: TenantRef
    ) -> None:
        """Take the application; `theirs` is the brokerage that must stay unseen."""
        super().__init__(web, superuser, theirs)
        self.tally = Tally()
        self._mine = mine
        self._theirs = theirs
        self._key = ""

    async def prepare(self) -> None:
        """Give both brokerages the same people with every permission, and theirs an API key."""
        permissions = sorted({r.permission for r in self.routes if r.permission.islower()})
        for tenant in (self._mine, self._theirs):
            await self.people(tenant, permissions=iter(permissions))
        async with self.web.ports.database.tenant(self._theirs) as session:
            self._key = await api_keys.create(session, name="key", scopes=permissions)
        await self.learn()

    async def on_my_hosts(self, route: Route, *, with_key: bool = True) -> None:
        """Ask my own host, as one of my own people, for what is theirs by id."""
        place = host(route.surface, self._mine)
        self.tally.covered.add(route)
        for row_id in (SHARED, FOREIGN):
            for path in self.paths(route, row_id):
                cookie = await self.sign_in(self._mine, route.surface)
                answer = await self.ask(route, place, path, row_id, cookie=cookie)
                self._judge(route, answer, path, foreign=row_id == FOREIGN)
                if with_key and row_id == SHARED:
                    answer = await self.ask(
                        route, place, path, row_id, bearer=self._key, token=False
                    )
                    self._judge(route, answer, path, foreign=False)
                    if route.permission != PUBLIC and answer.is_success:
                        self.tally.let_in.append(f"key {route.method} {path}")

    async def on_their_hosts(self, route: Route) -> None:
        """Ask their host with my cookie, and with nothing: every closed route stays closed."""
        place = host(route.surface, self._theirs)
        for path in self.paths(route, SHARED):
            for cookie in (await self.sign_in(self._mine, route.surface), ""):
                answer = await self.ask(route, place, path, SHARED, cookie=cookie)
                self._judge(route, answer, path, foreign=False)
                if route.permission != PUBLIC and not refused(answer):
                    who = "cookie" if cookie else "nobody"
                    self.tally.let_in.append(f"{who} {route.method} {path} {answer.status_code}")

    def _judge(self, route: Route, answer: httpx.Response, path: str, *, foreign: bool) -> None:
        self.tally.requests += 1
        place = f"{route.method} {answer.request.url} {answer.status_code}"
        seen = _unasked(answer)
        at_home = answer.request.url.host.endswith(f"{self._theirs.slug}.localhost")
        if route.permission == PUBLIC and at_home:
            seen = _PUBLISHED.sub("", seen)
        if canaries.CANARY[self._theirs.schema] in seen:
            self.tally.canary_hits.append(place)
        self.tally.own_canaries += canaries.CANARY[self._mine.schema] in seen
        named = any(str(FOREIGN) in part for part in path.split("/"))
        if foreign and named and answer.is_success:
            self.tally.foreign_2xx.append(place)
        if answer.status_code >= 500:
            self.tally.failures.append(place)


def _unasked(answer: httpx.Response) -> str:
    """Return head and body of an answer without what the question itself contained."""
    text = answer.text + "\n" + "\n".join(answer.headers.values())
    for part in answer.request.url.path.split("/"):
        for said in {part, quote(part), quote(part, safe=""), quote(quote(part, safe=""))}:
            if len(said) > 8:
                text = re.sub(re.escape(said), "", text, flags=re.IGNORECASE)
    return text
