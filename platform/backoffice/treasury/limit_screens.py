"""Limits on deposits and rules of routing: rows that a finance person adds and takes away."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice.treasury.connection_screens import HOME, READ
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.money import Money, UnknownCurrency
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from themes.formats import typed_amount
from treasury.offers import limits, queries, routes

AnyRequest = Request[Any, Any, Any]
_LIMITS = "/backoffice/deposit-limits"
_ROUTES = "/backoffice/payment-routes"
_CHANGE = "treasury.connection.change"
_HOURS_MAX = 8784


@get(_LIMITS, permission=READ)
async def limit_page(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show how much, how often and how many at once clients may pay in."""
    return await _limits(request, session, viewer, form_state({}))


@post(_LIMITS, permission=_CHANGE, status_code=200)
async def add_limit(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Add a limit; what is wrong is said beside its field."""
    values = form_values(await request.form())
    try:
        await limits.add(session, values=_limit(values))
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _limits(request, session, viewer, form, status=422)
    return flash(request, see_other(_LIMITS), "Added. It counts from the next deposit on.")


@post(f"{_LIMITS}/{{limit_id:uuid}}/remove", permission=_CHANGE, status_code=200)
async def remove_limit(
    request: AnyRequest, session: Session, limit_id: FromPath[UUID]
) -> Response[Any]:
    """Take a limit away."""
    await limits.remove(session, limit_id=limit_id)
    return flash(request, see_other(_LIMITS), "Removed.")


async def _limits(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    form: Mapping[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    titles = sorted({row[1].title for row in await queries.open_methods(session)})
    return await page(
        request,
        "backoffice/deposit_limits.html",
        title="Limits on deposits",
        active=HOME,
        home=HOME,
        status=status,
        rows=await queries.limits(session),
        titles=titles,
        form=form,
        may_change=viewer.may(_CHANGE),
    )


def _limit(values: Mapping[str, str]) -> dict[str, object]:
    wrong: dict[str, str] = {}
    currency = values.get("currency", "").upper()
    if not _is_currency(currency):
        wrong["currency"] = "Write a currency such as USD."
    hours = values.get("window_hours", "")
    if not hours.isdecimal() or not 1 <= int(hours) <= _HOURS_MAX:
        wrong["window_hours"] = f"Write hours from 1 to {_HOURS_MAX:,}."
    country = values.get("country", "").upper()
    if country and (len(country) != 2 or not country.isalpha()):
        wrong["country"] = "Write a country by its two letters, or leave it empty."
    level = values.get("kyc_level", "")
    if level not in ("", "0", "1", "2", "3"):
        wrong["kyc_level"] = "Choose a level."
    amount = _amount(values, "amount_max", wrong)
    counts = {name: _count(values, name, wrong) for name in ("count_max", "pending_max")}
    if wrong:
        raise InvalidInput(wrong)
    return {
        "title": values.get("title", "")[:60],
        "country": country,
        "kyc_level": int(level) if level else None,
        "currency": currency,
        "window_hours": int(hours),
        "amount_max": amount,
        **counts,
    }


@get(_ROUTES, permission=READ)
async def route_page(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show which connections payments go to, by country, currency, amount and card."""
    return await _routes(request, session, viewer, form_state({}))


@post(_ROUTES, permission=_CHANGE, status_code=200)
async def add_route(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Add a rule behind the others."""
    sent = await request.form()
    values = form_values(sent)
    chosen = [str(one) for one in sent.getall("connection_ids", [])]
    try:
        await routes.add(session, values=_route(values, chosen))
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _routes(request, session, viewer, form, status=422)
    return flash(request, see_other(_ROUTES), "Added.")


@post(f"{_ROUTES}/{{rule_id:uuid}}/remove", permission=_CHANGE, status_code=200)
async def remove_route(
    request: AnyRequest, session: Session, rule_id: FromPath[UUID]
) -> Response[Any]:
    """Take a rule away."""
    await routes.remove(session, rule_id=rule_id)
    return flash(request, see_other(_ROUTES), "Removed.")


async def _routes(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    form: Mapping[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    names = {str(one.id): one.name for one in await queries.connections(session)}
    return await page(
        request,
        "backoffice/payment_routes.html",
        title="Routing of payments",
        active=HOME,
        home=HOME,
        status=status,
        rows=await queries.rules(session),
        names=names,
        form=form,
        may_change=viewer.may(_CHANGE),
    )


def _route(values: Mapping[str, str], chosen: list[str]) -> dict[str, object]:
    wrong: dict[str, str] = {}
    countries = _words(values, "countries")
    if any(len(one) != 2 or not one.isalpha() for one in countries):
        wrong["countries"] = "Write countries by their two letters, such as DE FR."
    currencies = _words(values, "currencies")
    if not all(map(_is_currency, currencies)):
        wrong["currencies"] = "Write currencies such as USD EUR."
    bins = _words(values, "bins")
    if any(not one.isdecimal() or len(one) > 8 for one in bins):
        wrong["bins"] = "Write the first digits of cards, at most eight each."
    amounts = {name: _amount(values, name, wrong) for name in ("amount_min", "amount_max")}
    if wrong:
        raise InvalidInput(wrong)
    return {
        "connection_ids": chosen,
        "countries": countries,
        "currencies": currencies,
        "bins": bins,
        "avoid": values.get("avoid") == "yes",
        **amounts,
    }


def _words(values: Mapping[str, str], name: str) -> list[str]:
    return sorted(set(values.get(name, "").replace(",", " ").upper().split()))


def _amount(values: Mapping[str, str], name: str, wrong: dict[str, str]) -> Decimal | None:
    text = values.get(name, "")
    amount = typed_amount(text) if text else None
    if text and not amount:
        wrong[name] = "Write an amount such as 2,000, or leave it empty."
    return amount


def _count(values: Mapping[str, str], name: str, wrong: dict[str, str]) -> int | None:
    text = values.get(name, "")
    if text and (not text.isdecimal() or not 0 < int(text) < 10_000):
        wrong[name] = "Write a number such as 3, or leave it empty."
        return None
    return int(text) if text else None


def _is_currency(code: str) -> bool:
    try:
        Money.of(0, code)
    except (UnknownCurrency, ValueError):
        return False
    return True


ROUTES: list[HTTPRouteHandler] = [
    limit_page,
    add_limit,
    remove_limit,
    route_page,
    add_route,
    remove_route,
]
