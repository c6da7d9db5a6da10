"""The reference of leads-page: Litestar and asyncpg with nothing around them.

One handler takes a connection from a pool, sends one statement, and renders the rows with
Jinja2. There is no session, no permission, no transaction, no shell, no header of ours.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import asyncpg
from granian import Granian
from granian.constants import Interfaces, Loops
from jinja2 import Template
from litestar import Litestar, MediaType, Response, get

from kernel.language import speaking
from themes.loader import templates

SQL = """
SELECT l.id, l.reference, l.first_name, l.last_name, l.score, l.stage, l.source, l.campaign,
       l.referral_code, l.country, l.created_at, l.updated_at, u.name AS owner
FROM lead l LEFT JOIN user_account u ON u.id = l.owner_id
ORDER BY l.created_at DESC, l.id DESC LIMIT 50
"""
_SOURCES = {
    "form": "Website form",
    "embed": "Embedded form",
    "api": "API",
    "referral": "Referral",
    "register": "Registration",
    "import": "Import",
}
_TEMPLATE = Path(__file__).parent / "templates" / "bare_leads.html"
_CELLS = re.compile(
    r"(\{% set badges = .*?%\}\n)\{% call\(lead\) macros\.table.*?%\}\n(.*?)\n\{% endcall %\}",
    re.DOTALL,
)


def _template() -> Template:
    """Put the cells of the shipped template, letter for letter, into the bare page."""
    environment = templates()
    assert environment.loader is not None
    shipped, _, _ = environment.loader.get_source(environment, "crm/leads.html")
    cells = _CELLS.search(shipped)
    assert cells is not None
    page = _TEMPLATE.read_text(encoding="utf-8")
    return environment.from_string(cells.group(1) + page.replace("CELLS", cells.group(2)))


def create() -> Litestar:
    """Build the application; granian calls this."""
    pool: list[asyncpg.Pool] = []
    template = _template()

    async def connect(_: Litestar) -> None:
        pool.append(
            await asyncpg.create_pool(
                os.environ["BENCH_DATABASE"],
                max_size=12,
                server_settings={"search_path": os.environ["BENCH_SCHEMA"], "jit": "off"},
            )
        )

    @get("/leads")
    async def leads() -> Response[str]:
        rows: list[Any] = await pool[0].fetch(SQL)
        with speaking("en"):
            html = template.render(rows=rows, source_words=_SOURCES)
        return Response(html, media_type=MediaType.HTML)

    return Litestar([leads], on_startup=[connect], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    Granian(
        "bench.bare_leads:create",
        factory=True,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=1,
        log_access=False,
        websockets=False,
    ).serve()
