"""Exchange rates and mark-ups: what is known, from whom, and what clients get."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler

from kernel.database import TenantSession
from kernel.errors import InvalidInput, ProductError
from kernel.money import currencies
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from themes.formats import typed_amount
from treasury.rates import markups, queries, reference_file, references
from treasury.rates.models import EVERY, ReferenceRate

HERE = "/backoffice/rates"
_READ, _IMPORT, _CHANGE = "treasury.rate.read", "treasury.rate_file.change", "treasury.rate.change"
_EVERYBODY = ("EUR", "USD")
AnyRequest = Request[Any, Any, Any]


@get(HERE, permission=_READ)
async def show(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show every pair with its newest rate, the mark-ups, and one pair's history."""
    return await _page(request, session, viewer)


@post(f"{HERE}/import", permission=_IMPORT, status_code=200)
async def import_file(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Import a file of ECB reference rates."""
    upload = (await request.form()).get("file")
    size = reference_file.BYTES_MAX + 1
    data = await upload.read(size) if isinstance(upload, UploadFile) else b""
    try:
        found = await references.import_file(session, data)
    except ProductError as error:
        form = form_state(errors={"file": error.text})
        return await _page(request, session, viewer, file=form, status=422)
    told = (
        f"{found.rates} rates in the file, {found.new} new, the newest of {found.newest:%d %b %Y}."
    )
    return flash(request, see_other(HERE), told)


@post(f"{HERE}/say", permission=_IMPORT, status_code=200)
async def say(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Enter a rate by hand; it counts until a newer one comes."""
    values = form_values(await request.form())
    sell, buy = values.get("sell", ""), values.get("buy", "")
    try:
        await references.say(session, sell=sell, buy=buy, mid=_number(values, "mid"))
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _page(request, session, viewer, said=form, status=422)
    return flash(request, see_other(f"{HERE}?pair={sell}{buy}"), "The rate counts from now.")


@post(f"{HERE}/markups", permission=_CHANGE, status_code=200)
async def put_markup(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Set the mark-up of a client's side of a pair, or of every pair."""
    values = form_values(await request.form())
    every = not values.get("markup_sell") and not values.get("markup_buy")
    sell = EVERY if every else values.get("markup_sell", "")
    buy = EVERY if every else values.get("markup_buy", "")
    try:
        await markups.put(session, sell=sell, buy=buy, percent=_number(values, "percent"))
    except InvalidInput as error:
        places = {"sell": "markup_sell", "buy": "markup_buy"}
        fields = {places.get(name, name): text for name, text in error.fields.items()}
        form = form_state(values, fields)
        return await _page(request, session, viewer, markup=form, status=422)
    return flash(request, see_other(HERE), "The mark-up counts for new quotes from now.")


@post(f"{HERE}/policy", permission=_CHANGE, status_code=200)
async def set_policy(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Set how old a rate may be and how long a quote holds."""
    values = form_values(await request.form())
    hours, seconds = values.get("age_hours", ""), values.get("quote_seconds", "")
    try:
        await markups.set_policy(
            session,
            age_hours=int(hours) if hours.isdecimal() and len(hours) < 6 else 0,
            quote_seconds=int(seconds) if seconds.isdecimal() and len(seconds) < 6 else 0,
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _page(request, session, viewer, policy=form, status=422)
    return flash(request, see_other(HERE), "Saved. It counts for new quotes.")


def _number(values: dict[str, str], name: str) -> Decimal:
    """Read a number; one that can't be read is refused by the rule behind it."""
    found = typed_amount(values.get(name, ""))
    return found if found is not None else Decimal(-1)


async def _page(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    *,
    status: int = 200,
    **forms: dict[str, Any],
) -> Response[Any]:
    rows = await queries.pairs(session)
    known = {(row.currency_from, row.currency_to) for row in rows}
    wanted = request.query_params.get("pair", "")
    chosen = next((pair for pair in known if "".join(pair) == wanted), None)
    if chosen is None:
        first = next(iter(sorted(known)), None)
        chosen = _EVERYBODY if _EVERYBODY in known else first
    said = (
        await queries.history(session, currency_from=chosen[0], currency_to=chosen[1])
        if chosen
        else []
    )
    policy = await queries.policy(session)
    kept = {"age_hours": str(policy.age_hours), "quote_seconds": str(policy.quote_seconds)}
    return await page(
        request,
        "backoffice/rates.html",
        title="Exchange rates",
        active=HERE,
        status=status,
        rows=rows,
        markups=await queries.markups(session),
        pair=" to ".join(chosen) if chosen else "",
        chart=_chart(said),
        history=list(reversed(said))[:30],
        currencies=currencies(),
        every=EVERY,
        may_import=viewer.may(_IMPORT),
        may_change=viewer.may(_CHANGE),
        file_form=forms.get("file") or form_state(),
        said_form=forms.get("said") or form_state(),
        markup_form=forms.get("markup") or form_state(),
        policy_form=forms.get("policy") or form_state(kept),
    )


def _chart(said: Sequence[ReferenceRate]) -> dict[str, Any] | None:
    """Return the rates as a line; its axis does not begin at nothing, or nothing would be seen."""
    if len(said) < 2:
        return None
    values = [float(row.mid) for row in said]
    low, high = min(values), max(values)
    room = (high - low) * 0.1 or high * 0.01
    return {
        "x": [row.quoted_at.strftime("%-d %b %Y") for row in said],
        "series": [{"name": "Middle rate", "type": "line", "data": values, "c": "chart-1"}],
        "min": round(low - room, 6),
        "max": round(high + room, 6),
    }


ROUTES: list[HTTPRouteHandler] = [show, import_file, say, put_markup, set_policy]
