"""Who approves withdrawals up to which amount, and what they cost: a brokerage's own rules."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from treasury.withdrawals import policies, queries, rules

AnyRequest = Request[Any, Any, Any]
_READ = "treasury.withdrawal_rule.read"
_CHANGE = "treasury.withdrawal_rule.change"
_HERE = "/backoffice/withdrawals/rules"
_ROWS = 6
_STEPS = {
    rules.CHECK: "First look",
    rules.APPROVE: "Finance",
    rules.RISK: "Compliance",
    rules.LARGE: "Owner",
}
_KINDS = (("bank", "Bank transfer"), ("crypto", "Crypto"))


@get(_HERE, permission=_READ)
async def show(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show the ladder and the fees."""
    return await _page(request, session, viewer, form_state())


@post(_HERE, permission=_CHANGE, status_code=200)
async def save(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Replace the ladder."""
    values = form_values(await request.form())
    try:
        await policies.change(session, _ladder(values), known=rules.STEPS)
    except InvalidInput as error:
        form = form_state(values, message=" ".join(error.fields.values()))
        return await _page(request, session, viewer, form, status=422)
    return flash(request, see_other(_HERE), "Saved. New withdrawals follow these rules.")


@post(f"{_HERE}/fees", permission=_CHANGE, status_code=200)
async def save_fee(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Set what a withdrawal to a kind of payee costs in a currency; 0 makes it free."""
    values = form_values(await request.form())
    try:
        await policies.set_fee(
            session,
            kind=values.get("kind", ""),
            currency=values.get("currency", "").strip().upper(),
            amount=_number(values.get("fee", "")),
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _page(request, session, viewer, form, status=422)
    return flash(request, see_other(_HERE), "Saved. New withdrawals cost this.")


def _ladder(values: dict[str, str]) -> list[tuple[Decimal | None, list[str]]]:
    """Return the rungs that were filled in, and the last one without a limit."""
    rungs: list[tuple[Decimal | None, list[str]]] = []
    for number in range(_ROWS):
        typed = values.get(f"to-{number}", "").strip()
        if typed:
            rungs.append((_number(typed), _chosen(values, str(number))))
    return [*rungs, (None, _chosen(values, "top"))]


def _chosen(values: dict[str, str], rung: str) -> list[str]:
    return [step for step in rules.STEPS if values.get(f"step-{rung}-{step}")]


def _number(text: str) -> Decimal:
    """Read an amount; what is none becomes one that is refused with words."""
    try:
        number = Decimal(text.replace(",", "").strip())
    except InvalidOperation:
        return Decimal(-1)
    return number if number.is_finite() and abs(number) < 10**15 else Decimal(-1)


async def _page(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    ladder = await policies.ladder(session)
    below = [rung for rung in ladder if rung[0] is not None]
    top = next((steps for limit, steps in ladder if limit is None), rules.STEPS)
    rows = [
        {"number": number, "to": f"{limit.normalize():f}" if limit else "", "steps": list(steps)}
        for number, (limit, steps) in enumerate([*below, *([(None, ())] * _ROWS)][:_ROWS])
    ]
    return await page(
        request,
        "backoffice/treasury/withdrawal_rules.html",
        title="Withdrawal rules",
        active="/backoffice/withdrawals",
        status=status,
        rows=rows[: len(below) + 1],
        top=list(top),
        steps=list(_STEPS.items()),
        base=session.info["tenant"].base_currency,
        fees=await queries.fees(session),
        kinds=_KINDS,
        may_change=viewer.may(_CHANGE),
        form=form,
    )


ROUTES: list[HTTPRouteHandler] = [show, save, save_fee]
