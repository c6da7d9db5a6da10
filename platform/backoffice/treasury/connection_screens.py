"""Connections to payment providers: the list, what can be connected, and each with its health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from connectors.payments.engine import forms, provider_files, routing
from connectors.payments.engine.definitions import Provider
from kernel.clock import now
from kernel.database import ReadSession, TenantSession
from kernel.errors import NotFound
from kernel.money import Money
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import form_state, page
from tenants.inject import Outside
from tenants.ports import Ports
from treasury import connections, queries, words
from treasury.models import DepositAttempt, PspConnection, PspTrial
from treasury.offers import queries as offer_queries

AnyRequest = Request[Any, Any, Any]
HOME = "/backoffice/connections"
READ = "treasury.connection.read"
LEVELS = {
    "L0": "Written from documentation; nothing of the provider's own has confirmed it yet",
    "L1": "Its signatures equal the provider's own published examples or official library",
    "L2": "Round trips with a stand-in that somebody else wrote have worked",
    "L3": "Tried in the provider's sandbox",
    "L4": "Used with real money",
}
_SHOWN = {
    "redirect": "Provider's page",
    "form_post": "Provider's page, by a form",
    "qr": "QR code",
    "push": "Payer's phone",
    "address": "Coin address",
    "instructions": "Bank details",
    "inverted": "Provider's cashier",
    "hosted": "Hosted page",
}
_DAY = timedelta(days=1)


@get(HOME, permission=READ)
async def connection_list(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show every connection with its provider, level, environment, health and last event."""
    found = await offer_queries.connections(session)
    told = await offer_queries.last_events(session)
    attempts = await _attempts(session, [one.id for one in found])
    rows = [
        {
            "id": one.id,
            "href": f"{HOME}/{one.id}",
            "name": one.name,
            "provider": _name(one),
            "level": _level(one),
            "environment": one.environment,
            "state": one.state,
            "health": health(attempts.get(one.id, [])),
            "told": told.get(one.id),
        }
        for one in found
    ]
    return await page(
        request,
        "backoffice/connections.html",
        title="Payment providers",
        active=HOME,
        rows=rows,
        levels=LEVELS,
        may_change=viewer.may("treasury.connection.change"),
    )


@get(f"{HOME}/new", permission="treasury.connection.change")
async def new(request: AnyRequest) -> Response[Any]:
    """Show what can be connected, or the form of the one that was chosen."""
    chosen = request.query_params.get("provider", "")
    if chosen:
        provider = provider_files.catalogue().get(chosen)
        if provider is None or not provider.is_connectable:
            raise NotFound
        return await new_form(request, provider, form_state({}))
    search = request.query_params.get("q", "").strip().lower()
    known = [
        _offered(one)
        for one in provider_files.catalogue().values()
        if search in f"{one.id} {one.name}".lower()
    ]
    return await page(
        request,
        "backoffice/connection_choice.html",
        title="Connect a payment provider",
        active=HOME,
        home=HOME,
        rows=sorted(known, key=lambda row: (not row["open"], row["name"].lower())),
        search=search,
    )


async def new_form(
    request: AnyRequest, provider: Provider, form: Mapping[str, Any], *, status: int = 200
) -> Response[Any]:
    """Show the form that a provider's file asks for."""
    return await page(
        request,
        "backoffice/connection_new.html",
        title=f"Connect {provider.name}",
        active=HOME,
        home=HOME,
        status=status,
        provider=provider,
        level=LEVELS[provider.level],
        fields=fields(provider),
        environments=[(one, one.capitalize()) for one in connections.environments_of(provider)],
        codes=[(one, one) for one in provider.codes],
        form=form,
    )


def fields(provider: Provider, known: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return a provider's form for the macros; secrets say only how many are kept."""
    found = []
    for one in forms.fields(provider):
        lines = len((known or {}).get(one.name, "").split("\n")) if known else 0
        field: dict[str, Any] = {
            "name": one.name,
            "label": one.label,
            "help": one.help or None,
            "optional": not one.required,
            "ltr": True,
        }
        if one.kind == "secret":
            kept = (known or {}).get(one.name)
            hint = f"{lines} kept" if kept and lines > 1 else "Kept" if kept else ""
            field |= {"type": "password", "autocomplete": "new-password"}
            if known is not None:
                field["optional"] = True
                field["placeholder"] = f"{hint}; write a new one to replace it" if hint else None
        elif known is not None:
            field["value"] = known.get(one.name, "")
        found.append(field)
    return found


@get(f"{HOME}/{{connection_id:uuid}}", permission=READ)
async def connection_page(
    request: AnyRequest,
    *,
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
    connection_id: FromPath[UUID],
) -> Response[Any]:
    """Show one connection: what it takes, what came and what was refused."""
    del tenant
    return await shown(
        request, session, ports, viewer=viewer, connection_id=connection_id, typed={}
    )


async def shown(
    request: AnyRequest,
    session: TenantSession,
    ports: Ports,
    *,
    viewer: Seen,
    connection_id: UUID,
    typed: Mapping[str, Mapping[str, Any]],
    status: int = 200,
) -> Response[Any]:
    """Show a connection; `typed` has forms that were refused, by their names."""
    connection = await queries.connection(session, connection_id)
    if connection is None:
        raise NotFound
    provider = provider_files.catalogue().get(connection.provider)
    may_change = viewer.may("treasury.connection.change")
    known = connections.credentials_of(session, connection, vault=ports.vault)
    attempts = await _attempts(session, [connection.id])
    settings = {"name": connection.name, "state": connection.state, "weight": connection.weight}
    empty = form_state({})
    return await page(
        request,
        "backoffice/connection.html",
        title=connection.name,
        active=HOME,
        status=status,
        home=HOME,
        here=f"{HOME}/{connection.id}",
        connection=connection,
        provider=provider,
        level=provider.level if provider else "L0",
        level_words=LEVELS[provider.level] if provider else "Its file is gone",
        shown=_SHOWN.get(provider.capabilities.deposit, "") if provider else "",
        callback=connections.callback_of(ports.settings, session.info["tenant"], connection),
        registers=bool(provider and provider.adapter),
        is_registered="webhook_secret" in known,
        fields=fields(provider, known) if provider else [],
        rotating=any("\n" in text for text in known.values()),
        stand_in=known.get("api_base", ""),
        currencies=await offer_queries.currencies(session, connection.id),
        methods=await offer_queries.methods(session, connection.id),
        offered=_methods(provider),
        events=await offer_queries.events(session, connection_id=connection.id),
        refusals=await queries.refusals(session, connection_id=connection.id, limit=10),
        trials=[
            await _trial(session, one)
            for one in await offer_queries.trials(session, connection_id=connection.id)
        ],
        health=health(attempts.get(connection.id, [])),
        may_change=may_change,
        settings_form=typed.get("settings") or form_state({k: str(v) for k, v in settings.items()}),
        credentials_form=typed.get("credentials", empty),
        currency_form=typed.get("currency", empty),
        method_form=typed.get("method", empty),
        trial_form=typed.get("trial", empty),
    )


async def _trial(session: TenantSession, one: PspTrial) -> dict[str, Any]:
    step = words.step_of(one.step)
    return {
        "id": one.id,
        "reference": one.reference,
        "amount": Money(one.amount, one.currency),
        "outcome": one.outcome,
        "at": one.created_at,
        "url": step.url if step is not None and step.kind == "redirect" else "",
        "lines": list(step.instructions) if step is not None else [],
        "events": await queries.events_of(session, reference=one.reference),
    }


def _methods(provider: Provider | None) -> list[tuple[str, str]]:
    """Return what a provider's file reaches, by id."""
    if provider is None:
        return []
    named = [(one.id, one.name or one.id) for one in provider.methods]
    return named or [(one, one) for one in provider.codes] or [("", provider.name)]


def _offered(provider: Provider) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "kind": provider.kind,
        "level": provider.level,
        "reaches": provider.reaches,
        "shown": _SHOWN.get(provider.capabilities.deposit, ""),
        "open": provider.is_connectable,
        "why": provider.disabled_because or "Connect a brand of this protocol",
    }


def _name(connection: PspConnection) -> str:
    provider = provider_files.catalogue().get(connection.provider)
    return provider.name if provider else connection.provider


def _level(connection: PspConnection) -> str:
    provider = provider_files.catalogue().get(connection.provider)
    return provider.level if provider else "L0"


async def _attempts(
    session: TenantSession | ReadSession, ids: Sequence[UUID]
) -> dict[UUID, list[DepositAttempt]]:
    found: dict[UUID, list[DepositAttempt]] = {}
    since = now() - _DAY
    for one in await offer_queries.attempts(session, connection_ids=ids, since=since):
        found.setdefault(one.connection_id, []).append(one)
    return found


def health(attempts: Sequence[DepositAttempt]) -> dict[str, Any]:
    """Return how a connection has fared within a day, and whether it rests now."""
    counts = dict.fromkeys(("good", "declined", "broken"), 0)
    for one in attempts:
        counts[one.outcome] += 1
    recent = [routing.Attempt(one.outcome, one.at) for one in attempts]  # type: ignore[arg-type]
    resting = routing.is_resting(recent, now=now())
    if resting:
        label, kind = "Resting after failures", "negative"
    elif not attempts:
        label, kind = "No payment today", ""
    elif counts["broken"]:
        label, kind = "Some answers were missing", "warning"
    else:
        label, kind = "Works", "positive"
    return {"label": label, "kind": kind, **counts}


ROUTES: list[HTTPRouteHandler] = [connection_list, new, connection_page]
