"""The page of routing rules: what they say, and a form for one more."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients import countries
from clients import rules as clients_rules
from crm import queries, routing
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other

_CHANGE = "crm.rule.change"
_COLUMNS = [
    {"label": "Rule"},
    {"label": "State"},
    {"label": "Change", "hidden_label": True, "end": True},
]


@get("/crm/rules", permission="crm.rule.read")
async def show_rules(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[str]:
    """List the rules in the order in which they are tried."""
    return await _rules_page(request, session, viewer, form_state())


@post("/crm/rules", permission=_CHANGE, status_code=200)
async def add_rule(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Put a new rule before those that take every lead."""
    typed = await request.form()
    values = form_values(typed)
    try:
        name = clients_rules.line(
            values.get("name", ""), field="name", label="rule's name", limit=60
        )
        chosen = _codes(values.get("countries", ""))
        spoken = _languages(values.get("languages", ""))
        pool = await _pool(session, typed.getall("pool", []))
        if not chosen and not spoken:
            raise InvalidInput({"countries": "Name a country or a language: others take the rest."})
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await _rules_page(request, session, viewer, form)
    await routing.add_rule(session, name=name, countries=chosen, languages=spoken, pool=pool)
    return flash(request, see_other("/crm/rules"), f"Rule '{name}' takes leads from now on.")


@post("/crm/rules/{rule_id:uuid}/active", permission=_CHANGE, status_code=200)
async def switch(
    request: Request[Any, Any, Any], session: Session, rule_id: FromPath[UUID]
) -> Response[Any]:
    """Pause a rule, or let it take leads again."""
    rule = await routing.switch(session, rule_id=rule_id)
    words = "takes leads again" if rule.active else "is paused"
    return flash(request, see_other("/crm/rules"), f"Rule '{rule.name}' {words}.")


async def _pool(session: TenantSession, typed: list[Any]) -> list[UUID]:
    people = {str(one.id): one.id for one in await queries.sales_people(session)}
    chosen = [people[one] for one in typed if one in people]
    if not chosen:
        raise InvalidInput({"pool": "Choose at least one person."})
    return chosen


def _codes(typed: str) -> list[str]:
    codes = [code.upper() for code in re.split(r"[,;\s]+", typed) if code]
    unknown = [code for code in codes if code not in countries.names("en")]
    if unknown:
        raise InvalidInput(
            {"countries": f"Not a country: {unknown[0][:20]}. Write two letters each, as AE, SA."}
        )
    return list(dict.fromkeys(codes))


def _languages(typed: str) -> list[str]:
    codes = [code.lower() for code in re.split(r"[,;\s]+", typed) if code]
    if any(not re.fullmatch(r"[a-z]{2}", code) for code in codes):
        raise InvalidInput({"languages": "Write two letters each, as ar, de."})
    return list(dict.fromkeys(codes))


async def _rules_page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    form: dict[str, Any],
) -> Response[str]:
    people = await queries.sales_people(session)
    names = {str(one.id): one.name for one in people}
    rows = [
        {
            "id": rule.id,
            "place": place,
            "name": rule.name,
            "takes": _words(rule.countries, rule.languages),
            "gives": ", ".join(names.get(member, "somebody who left") for member in rule.pool)
            or "Every sales agent in turn",
            "active": rule.active,
        }
        for place, rule in enumerate(await queries.routing_rules(session), 1)
    ]
    return await page(
        request,
        "crm/rules.html",
        title="Assignment rules",
        active="/crm/rules",
        status=422 if form["errors"] else 200,
        columns=_COLUMNS,
        rows=rows,
        form=form,
        may_change=viewer.may(_CHANGE),
        people=[(str(one.id), one.name) for one in people],
    )


def _words(chosen: list[str], spoken: list[str]) -> str:
    parts = []
    if chosen:
        parts.append("from " + ", ".join(countries.name(code) for code in chosen))
    if spoken:
        parts.append("who speak " + ", ".join(spoken))
    return "Leads " + " ".join(parts) if parts else "Every lead"


ROUTES: list[HTTPRouteHandler] = [show_rules, add_rule, switch]
