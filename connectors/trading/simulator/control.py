"""Calls that are not the protocol's: what an operator or a test does behind its back.

All stand under ``/_simulator/`` and need the header ``X-Operator-Token``. Amounts and lots
are decimal strings, times UTC seconds, everything else plain JSON::

    POST generate  {"logins": [..], "days": 60, "deals": N, "seed": S, "until": T}
    POST trade     {"login", "symbol", "action": "buy", "lots", "open_time", "close_time"}
    POST group     {"group", "path": "EURUSD", "spread_diff": 30}
    POST deal      {"ticket", "profit": "12.34"} or {"ticket", "delete": true}
    POST clock     {"timezone_minutes": 120, "skew_seconds": -90}
    POST faults    {"drop_reply": 1, "command": "trade/balance"}; also drop_request,
                   delay_ms, late_apply_ms, retcode, with "times"; {} or DELETE clears
    GET  faults    the rules still in force
    GET  records   ?comment= | ?id= (beginnings) | ?login= | nothing: totals
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from . import deals, generator, groups, queries
from .accounts import find
from .faults import Faults
from .protocol import Refused, Request
from .scales import parse, text
from .simulation import FIRST_TICKET, Simulation
from .storage import Deal
from .symbols import SYMBOLS

PREFIX = "/_simulator/"
_DEALS_MAX = 2_000_000
_DAYS_MAX = 3_650


class Unusable(Exception):
    """The operator's call cannot be done; the message says what to send."""


def _whole(body: Mapping[str, Any], name: str, default: int | None, most: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Unusable(f"{name} must be a whole number from 0 to {most}")
    return value


def _logins(body: Mapping[str, Any]) -> list[int]:
    found = body.get("logins")
    if not isinstance(found, list) or not found:
        raise Unusable("logins must be a list of login numbers")
    try:
        return [int(login) for login in found]
    except (TypeError, ValueError) as error:
        raise Unusable("logins must be a list of login numbers") from error


async def generate(simulation: Simulation, body: Mapping[str, Any]) -> dict[str, Any]:
    """Write backdated deals for some logins; ``until`` (UTC seconds) fixes the period's end."""
    days = _whole(body, "days", 60, _DAYS_MAX)
    total = _whole(body, "deals", None, _DEALS_MAX)
    seed = _whole(body, "seed", 1, 2**62)
    now = simulation.clock.utc_ms() // 1000
    until = _whole(body, "until", now, now) * 1000
    made = 0
    work = generator.generate(
        simulation,
        logins=_logins(body),
        total=total,
        period=generator.Period(until - days * 86_400_000, until),
        seed=seed,
    )
    try:
        for count in work:
            made += count
            await asyncio.sleep(0)
    except ValueError as error:
        raise Unusable(str(error)) from error
    return {"deals": made}


def trade(simulation: Simulation, body: Mapping[str, Any]) -> dict[str, Any]:
    """Write one backdated position, opened and closed at the quotes of two UTC times."""
    symbol = SYMBOLS.get(str(body.get("symbol")))
    if symbol is None:
        raise Unusable("symbol must be one that the server quotes")
    actions = {"buy": deals.BUY, "sell": deals.SELL}
    if body.get("action") not in actions:
        raise Unusable("action must be buy or sell")
    now = simulation.clock.utc_ms() // 1000
    opens = _whole(body, "open_time", None, now)
    closes = _whole(body, "close_time", None, now)
    try:
        volume = parse(body.get("lots"))
    except ValueError as error:
        raise Unusable("lots must be a decimal number in a string") from error
    if closes < opens or volume <= 0:
        raise Unusable("close_time must not be before open_time, lots must be above zero")
    account = find(simulation, _whole(body, "login", None, 2**53))
    order = deals.Execution(symbol, actions[body["action"]], volume, opens * 1000)
    trip = generator.round_trip(simulation, account, order, closes * 1000)
    return {"tickets": generator.store_trips(simulation, account, [trip])}


def set_group(simulation: Simulation, body: Mapping[str, Any]) -> dict[str, Any]:
    """Change a group's extra spread on a path, in points, without telling anyone."""
    record = simulation.groups.get(str(body.get("group")))
    if record is None:
        raise Unusable("group must name a group of this server")
    spread = str(_whole(body, "spread_diff", None, 1_000_000))
    path = str(body.get("path", "*"))
    entries = [dict(entry) for entry in record["Symbols"]]
    if path == "*":
        entries = [entry | {"SpreadDiff": spread} for entry in entries]
    wanted = next((entry for entry in entries if entry["Path"] == path), None)
    if wanted is None:
        entries.append({"Path": path, "SpreadDiff": spread})
    else:
        wanted["SpreadDiff"] = spread
    changed = groups.validate({**record, "Symbols": entries})
    simulation.put_group(changed)
    return {"group": changed["Group"], "Symbols": changed["Symbols"]}


def set_clock(simulation: Simulation, body: Mapping[str, Any]) -> dict[str, Any]:
    """Set the zone's minutes and the skew in seconds; both stay over a restart."""
    clock = simulation.clock
    minutes = body.get("timezone_minutes", clock.timezone_minutes)
    skew = body.get("skew_seconds", clock.skew_seconds)
    if not (isinstance(minutes, int) and isinstance(skew, int) and abs(minutes) <= 900):
        raise Unusable("timezone_minutes and skew_seconds must be whole numbers")
    with simulation.store.transaction():
        simulation.store.set_setting("timezone_minutes", minutes)
        simulation.store.set_setting("skew_seconds", skew)
    clock.timezone_minutes, clock.skew_seconds = minutes, skew
    return {"timezone_minutes": minutes, "skew_seconds": skew}


def change_deal(simulation: Simulation, body: Mapping[str, Any]) -> dict[str, Any]:
    """Edit a deal's profit or delete the deal, as a dealer may; the balance follows."""
    ticket = _whole(body, "ticket", None, 2**62)
    found = next(queries.deals(simulation.store, queries.DealFilter(tickets=[ticket])), None)
    if found is None:
        raise Unusable("ticket must be that of a stored deal")
    with simulation.store.transaction():
        if body.get("delete") is True:
            simulation.store.remove_deal(ticket)
            _refund(simulation, found, -deals.money_of(found))
        else:
            try:
                profit = parse(body.get("profit"))
            except ValueError as error:
                raise Unusable("profit must be a decimal number in a string") from error
            changed = found._replace(
                profit=profit, modified=found.modified | deals.MODIFIED_BY_MANAGER
            )
            simulation.store.change_deal(changed)
            _refund(simulation, found, profit - found.profit)
    return {"ticket": ticket}


def _refund(simulation: Simulation, deal: Deal, amount: int) -> None:
    if deal.action == deals.ACTION_CREDIT:
        simulation.store.add_funds(deal.login, credit=amount)
    else:
        simulation.store.add_funds(deal.login, balance=amount)


def records(simulation: Simulation, query: Mapping[str, str]) -> dict[str, Any]:
    """Count users and balance deals by comment (its beginning), login or external id."""
    store = simulation.store
    found: list[Deal] = []
    if query.get("comment"):
        logins = queries.logins_by_text(store, "comment", query["comment"])
        found = list(queries.deals_with_comment(store, query["comment"]))
    elif query.get("id"):
        logins = queries.logins_by_text(store, "external_id", query["id"])
        found = [deal for login in logins for deal in queries.balance_deals_of(store, login)]
    elif query.get("login", "").isdigit():
        login = int(query["login"])
        logins = [login] if store.account(login) is not None else []
        found = list(queries.balance_deals_of(store, login))
    else:
        return queries.trade_counts(store) | {"first_ticket": FIRST_TICKET}
    total = sum(deal.profit for deal in found)
    return {
        "users": len(logins),
        "balance_deals": len(found),
        "logins": logins,
        "tickets": [deal.ticket for deal in found],
        "amounts": [text(deal.profit, deal.currency_digits) for deal in found],
        "total": text(total, 2),
    }


async def answer(simulation: Simulation, faults: Faults, request: Request) -> Any:
    """Do one operator call and return the value to show; raise KeyError for an unknown one.

    Raises Unusable with what to send instead.
    """
    key = (request.method, request.path.removeprefix(PREFIX))
    try:
        body = request.body_object()
        if key == ("POST", "generate"):
            return await generate(simulation, body)
        if key == ("POST", "faults"):
            faults.replace(body)
            return {"faults": faults.shown()}
        if key == ("DELETE", "faults"):
            faults.replace({})
            return {"faults": []}
        if key == ("GET", "faults"):
            return {"faults": faults.shown()}
        if key == ("GET", "records"):
            return records(simulation, request.query)
        verb = {"trade": trade, "group": set_group, "clock": set_clock, "deal": change_deal}
        if request.method != "POST":
            raise KeyError(request.path)
        return verb[key[1]](simulation, body)
    except Refused as refusal:
        raise Unusable(str(refusal)) from refusal
    except ValueError as error:
        raise Unusable(str(error)) from error
