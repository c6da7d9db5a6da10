"""What is done to a connection: connected, changed, rotated, registered and tried out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice.treasury import connection_screens as screens
from backoffice.treasury.connection_screens import HOME
from connectors.payments.engine import forms, provider_files
from connectors.payments.port import PaymentError
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.money import Money, UnknownCurrency
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, see_other
from tenants.inject import Outside
from tenants.ports import Ports
from themes.formats import typed_amount
from treasury import connections, queries, trials
from treasury.connections import Currency, Reach
from treasury.deposits import Place
from treasury.models import PspMethod
from treasury.offers import queries as offer_queries

AnyRequest = Request[Any, Any, Any]
_CHANGE = "treasury.connection.change"
_CHECKED = "yes"


@post(f"{HOME}/new", permission=_CHANGE, status_code=200)
async def connect(request: AnyRequest, session: Session, ports: Outside) -> Response[Any]:
    """Connect a provider; what is wrong is said beside its field and nothing is kept."""
    values = form_values(await request.form())
    provider = provider_files.catalogue().get(values.get("provider", ""))
    if provider is None or not provider.is_connectable:
        raise NotFound
    typed = {one.name: values.get(one.name, "") for one in forms.fields(provider)}
    try:
        faults = forms.faults(provider, typed)
        currency, one, wrong = _currency(values, fees=False)
        name = values.get("name", "")
        if not name:
            faults["name"] = "Write the name by which you and your clients know it."
        elif await queries.connection_by_name(session, name) is not None:
            faults["name"] = "Another connection has this name."
        if faults or wrong:
            raise InvalidInput({**faults, **wrong})
        made = await connections.create(
            session,
            provider=provider.id,
            name=name,
            credentials=typed,
            limits={currency: (one.smallest, one.largest)},
            vault=ports.vault,
            environment=values.get("environment", ""),
            methods=[values["code"]] if values.get("code") in provider.codes else (),
        )
    except InvalidInput as error:
        fields = {"smallest" if k == "limits" else k: text for k, text in error.fields.items()}
        form = form_state(_without_secrets(values, typed), fields)
        return await screens.new_form(request, provider, form, status=422)
    return flash(
        request, see_other(f"{HOME}/{made.id}"), "Connected. Try it out before clients do."
    )


def _without_secrets(values: Mapping[str, str], typed: Mapping[str, str]) -> dict[str, str]:
    """Return what a refused form shows again; a secret is typed once more."""
    provider = provider_files.catalogue()[values["provider"]]
    secret = {one.name for one in forms.fields(provider) if one.kind == "secret"}
    return {name: text for name, text in values.items() if name not in secret or name not in typed}


def _currency(
    values: Mapping[str, str], *, fees: bool = True
) -> tuple[str, Currency, dict[str, str]]:
    """Read a currency's limits and fee; return what is wrong with them by field."""
    wrong: dict[str, str] = {}
    code = values.get("currency", "").upper()
    try:
        Money.of(0, code)
    except (UnknownCurrency, ValueError):
        wrong["currency"] = "Write a currency such as USD."
    amounts: dict[str, Decimal | None] = {}
    for name in ("smallest", "largest"):
        amounts[name] = typed_amount(values.get(name, ""))
        if amounts[name] is None:
            wrong[name] = "Write an amount such as 10 or 10,000."
    for name in ("fee_percent", "fee_fixed"):
        text = values.get(name, "") if fees else ""
        amounts[name] = typed_amount(text) if text else None
        if text and amounts[name] is None:
            wrong[name] = "Write a number such as 2.9, or leave it empty."
    payer = values.get("fee_payer") or None
    if payer not in (None, "merchant", "client"):
        wrong["fee_payer"] = "Choose who bears the fee."
    zero = Decimal(0)
    one = Currency(
        smallest=amounts["smallest"] or zero,
        largest=amounts["largest"] or zero,
        fee_percent=amounts["fee_percent"],
        fee_fixed=amounts["fee_fixed"],
        fee_payer=payer,
    )
    return code, one, wrong


@post(f"{HOME}/{{connection_id:uuid}}/settings", permission=_CHANGE, status_code=200)
async def change(
    request: AnyRequest,
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    connection_id: FromPath[UUID],
) -> Response[Any]:
    """Rename it, open or close it, and say how early it is tried."""
    values = form_values(await request.form())
    try:
        weight = values.get("weight", "0")
        await connections.change(
            session,
            connection_id=connection_id,
            name=values.get("name", ""),
            state=values.get("state", ""),
            weight=int(weight) if weight.isdecimal() and len(weight) < 6 else -1,
        )
    except InvalidInput as error:
        here = (request, session, ports, viewer, connection_id)
        return await _again(here, settings=form_state(values, error.fields))
    return flash(request, see_other(f"{HOME}/{connection_id}"), "Saved.")


@post(f"{HOME}/{{connection_id:uuid}}/credentials", permission=_CHANGE, status_code=200)
async def credentials(
    request: AnyRequest,
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    connection_id: FromPath[UUID],
) -> Response[Any]:
    """Replace what was typed; an empty secret stays, a new one stands beside the old."""
    values = form_values(await request.form())
    connection = await queries.connection(session, connection_id)
    if connection is None:
        raise NotFound
    try:
        await connections.change_credentials(
            session, connection_id=connection_id, typed=values, vault=ports.vault
        )
    except InvalidInput as error:
        shown = _without_secrets({**values, "provider": connection.provider}, values)
        here = (request, session, ports, viewer, connection_id)
        return await _again(here, credentials=form_state(shown, error.fields))
    return flash(
        request, see_other(f"{HOME}/{connection_id}"), "Saved. The old secret still works."
    )


@post(f"{HOME}/{{connection_id:uuid}}/retire", permission=_CHANGE, status_code=200)
async def retire(
    request: AnyRequest, session: Session, ports: Outside, connection_id: FromPath[UUID]
) -> Response[Any]:
    """Accept only the newest secrets from now on."""
    await connections.retire_secrets(session, connection_id=connection_id, vault=ports.vault)
    return flash(request, see_other(f"{HOME}/{connection_id}"), "Only the newest secrets work now.")


@post(f"{HOME}/{{connection_id:uuid}}/currencies", permission=_CHANGE, status_code=200)
async def currencies(
    request: AnyRequest,
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    connection_id: FromPath[UUID],
) -> Response[Any]:
    """Set one currency's limits and fee, or take the currency away."""
    values = form_values(await request.form())
    rows = await offer_queries.currencies(session, connection_id)
    known = {
        row.currency: Currency(
            row.amount_min, row.amount_max, row.fee_percent, row.fee_fixed, row.fee_payer
        )
        for row in rows
    }
    try:
        if gone := values.get("remove"):
            known.pop(gone, None)
            if not known:
                raise InvalidInput({"currency": "Keep one currency; close the connection instead."})
        else:
            code, one, wrong = _currency(values)
            if wrong:
                raise InvalidInput(wrong)
            known[code] = one
        await connections.change_currencies(session, connection_id=connection_id, currencies=known)
    except InvalidInput as error:
        fields = {"smallest" if k == "limits" else k: text for k, text in error.fields.items()}
        here = (request, session, ports, viewer, connection_id)
        return await _again(here, currency=form_state(values, fields))
    return flash(request, see_other(f"{HOME}/{connection_id}"), "Saved.")


@post(f"{HOME}/{{connection_id:uuid}}/methods", permission=_CHANGE, status_code=200)
async def methods(
    request: AnyRequest,
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    connection_id: FromPath[UUID],
) -> Response[Any]:
    """Set how one way to pay is offered, or take it away."""
    values = form_values(await request.form())
    known = {row.method: row for row in await offer_queries.methods(session, connection_id)}
    kept = {name: _copy(row) for name, row in known.items()}
    try:
        if "remove" in values:
            kept.pop(values["remove"], None)
        else:
            kept[values.get("method", "")] = _method(values)
        await connections.change_methods(
            session, connection_id=connection_id, methods=list(kept.values())
        )
    except InvalidInput as error:
        here = (request, session, ports, viewer, connection_id)
        return await _again(here, method=form_state(values, error.fields))
    return flash(request, see_other(f"{HOME}/{connection_id}"), "Saved.")


def _copy(row: PspMethod) -> PspMethod:
    return PspMethod(
        connection_id=row.connection_id,
        method=row.method,
        title=row.title,
        countries=list(row.countries),
        kyc_level=row.kyc_level,
        enabled=row.enabled,
    )


def _method(values: Mapping[str, str]) -> PspMethod:
    countries = values.get("countries", "").replace(",", " ").upper().split()
    if any(len(one) != 2 or not one.isalpha() for one in countries):
        raise InvalidInput({"countries": "Write countries by their two letters, such as DE FR."})
    level = values.get("kyc_level", "0") or "0"
    if not level.isdecimal() or int(level) > 3:
        raise InvalidInput({"kyc_level": "Choose a level from 0 to 3."})
    return PspMethod(
        method=values.get("method", ""),
        title=values.get("title", "").strip(),
        countries=sorted(set(countries)),
        kyc_level=int(level),
        enabled=values.get("enabled") == _CHECKED,
    )


@post(f"{HOME}/{{connection_id:uuid}}/register", permission=_CHANGE, status_code=200)
async def register(
    request: AnyRequest,
    *,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
    connection_id: FromPath[UUID],
) -> Response[Any]:
    """Have the provider call our address, where it can be told so by itself."""
    here = see_other(f"{HOME}/{connection_id}")
    async with ports.database.tenant_read(tenant) as session:
        connection = await queries.connection(session, connection_id)
        if connection is None:
            raise NotFound
        gateway = connections.gateway_of(
            session, connection, gateways=ports.gateways, vault=ports.vault
        )
        address = connections.callback_of(ports.settings, tenant, connection)
    try:
        async with connections.closing(gateway):
            await gateway.check()
            kept = await gateway.register(address)
    except PaymentError as error:
        return flash(request, here, str(error), kind="negative")
    if kept:
        async with ports.database.tenant(tenant, actor=viewer.actor) as writing:
            await connections.keep(
                writing, connection_id=connection_id, credentials=kept, vault=ports.vault
            )
    return flash(request, here, "Registered. The provider calls us from now on.")


@post(f"{HOME}/{{connection_id:uuid}}/trial", permission=_CHANGE, status_code=200)
async def try_out(
    request: AnyRequest,
    *,
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
    connection_id: FromPath[UUID],
) -> Response[Any]:
    """Check the credentials and create a small payment of nobody's in the sandbox."""
    values = form_values(await request.form())
    amount = typed_amount(values.get("trial_amount", ""))
    taken = {row.currency for row in await offer_queries.currencies(session, connection_id)}
    offered = {row.method for row in await offer_queries.methods(session, connection_id)}
    wrong = {}
    if amount is None or amount <= 0:
        wrong["trial_amount"] = "Write an amount such as 10.00."
    if values.get("trial_currency") not in taken:
        wrong["trial_currency"] = "Choose a currency that it takes."
    if values.get("trial_method", "") not in offered:
        wrong["trial_method"] = "Choose a way to pay that it offers."
    if wrong or amount is None:
        page = (request, session, ports, viewer, connection_id)
        return await _again(page, trial=form_state(values, wrong))
    here = f"{ports.settings.origin(request.scope['state']['host'])}{HOME}/{connection_id}"
    try:
        trial = await trials.run(
            ports.database,
            tenant,
            actor=viewer.actor,
            connection_id=connection_id,
            method=values.get("trial_method", ""),
            amount=Money(amount, values["trial_currency"]),
            reach=Reach(ports.gateways, ports.vault, ports.settings),
            place=Place(here, here),
        )
    except NotFound:
        raise
    except ProductError as error:
        return flash(request, see_other(here), error.text, kind="negative")
    kind = "positive" if trial.step is not None else "negative"
    return flash(request, see_other(f"{HOME}/{connection_id}"), trial.outcome, kind=kind)


@post(f"{HOME}/trials/{{trial_id:uuid}}/ask", permission=_CHANGE, status_code=200)
async def ask_again(
    request: AnyRequest, session: Session, tenant: Tenant, ports: Outside, trial_id: FromPath[UUID]
) -> Response[Any]:
    """Ask the provider what became of a test."""
    trial = await offer_queries.trial(session, trial_id)
    if trial is None:
        raise NotFound
    said = await trials.ask(
        ports.database,
        tenant,
        trial_id=trial_id,
        reach=Reach(ports.gateways, ports.vault, ports.settings),
    )
    return flash(request, see_other(f"{HOME}/{trial.connection_id}"), f"The provider says: {said}")


async def _again(
    here: tuple[AnyRequest, TenantSession, Ports, Viewer, UUID], **typed: dict[str, Any]
) -> Response[Any]:
    """Show the connection with a form that was refused, as it was typed."""
    request, session, ports, viewer, connection_id = here
    return await screens.shown(
        request,
        session,
        ports,
        viewer=viewer,
        connection_id=connection_id,
        typed=typed,
        status=422,
    )


ROUTES: list[HTTPRouteHandler] = [
    connect,
    change,
    credentials,
    retire,
    currencies,
    methods,
    register,
    try_out,
    ask_again,
]
