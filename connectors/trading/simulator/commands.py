"""The commands of the Web API: which path does what."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import accounts, deals, groups, positions, queries, symbols
from .parameters import Call
from .protocol import (
    INVALID_REQUEST,
    NOT_FOUND,
    PARAMETERS,
    PERMISSIONS,
    REQUEST_DONE,
    Refused,
    Reply,
)
from .scales import points_text
from .simulation import Simulation
from .storage import Deal
from .symbols import SYMBOLS

PAGE_MAX = 100
_LOT_UNITS = 10_000
_DEALER_EXECUTE = 200


Command = Callable[[Simulation, Call], Reply]


def _texts(items: Iterable[Any]) -> Iterator[str]:
    return (json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)


def _nothing_to_do(simulation: Simulation, call: Call) -> Reply:
    return Reply()


def _empty_list(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer=[])


def _zero_total(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer={"Total": "0"})


def _missing(simulation: Simulation, call: Call) -> Reply:
    raise Refused(NOT_FOUND)


def _time_server(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer={"Time": simulation.clock.text()})


def _time_get(simulation: Simulation, call: Call) -> Reply:
    answer: dict[str, Any] = {
        "Daylight": "0",
        "DaylightState": "0",
        "TimeZone": str(simulation.clock.timezone_minutes),
        "TimeServer": "",
        "Days": [["1"] * 24 for _ in range(7)],
    }
    return Reply(answer=answer)


def _user_add(simulation: Simulation, call: Call) -> Reply:
    row = accounts.add(simulation, call.query, call.body)
    shown = accounts.shown(simulation, row)
    return Reply(answer=shown, beside={"login": str(row.login)})


def _user_update(simulation: Simulation, call: Call) -> Reply:
    row = accounts.update(simulation, call.number("login"), call.query, call.body)
    return Reply(answer=accounts.shown(simulation, row))


def _user_delete(simulation: Simulation, call: Call) -> Reply:
    with simulation.store.transaction():
        for login in call.numbers("login"):
            accounts.delete(simulation, login)
    return Reply()


def _user_get(simulation: Simulation, call: Call) -> Reply:
    account = accounts.find(simulation, call.number("login"))
    return Reply(answer=accounts.shown(simulation, account.row))


def _wanted_accounts(simulation: Simulation, call: Call) -> list[accounts.Account]:
    if bool(call.text("login")) == bool(call.text("group")):
        raise Refused(PARAMETERS)
    if call.text("login"):
        rows = simulation.store.accounts(logins=call.numbers("login"))
    else:
        names = simulation.groups_matching(call.text("group"))
        rows = simulation.store.accounts(groups=names)
    found = (accounts.from_row(simulation, row) for row in rows)
    return [row for row in found if groups.matches(row.group, simulation.group_masks)]


def _user_get_batch(simulation: Simulation, call: Call) -> Reply:
    found = _wanted_accounts(simulation, call)
    return Reply(items=_texts(accounts.shown(simulation, account.row) for account in found))


def _user_logins(simulation: Simulation, call: Call) -> Reply:
    names = simulation.groups_matching(call.required("group"))
    return Reply(answer=[str(row.login) for row in simulation.store.accounts(groups=names)])


def _user_total(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer={"Total": str(simulation.store.account_total())})


def _user_group(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer={"Group": accounts.find(simulation, call.number("login")).group})


def _check_password(simulation: Simulation, call: Call) -> Reply:
    kind, password = call.text("type", "MAIN"), call.required("password")
    accounts.check_password(simulation, call.number("login"), kind, password)
    return Reply()


def _change_password(simulation: Simulation, call: Call) -> Reply:
    kind, password = call.text("type", "MAIN"), call.required("password")
    accounts.change_password(simulation, call.number("login"), kind, password)
    return Reply()


def _account_get(simulation: Simulation, call: Call) -> Reply:
    account = accounts.find(simulation, call.number("login"))
    return Reply(answer=positions.state_shown(simulation, account))


def _account_get_batch(simulation: Simulation, call: Call) -> Reply:
    found = _wanted_accounts(simulation, call)
    return Reply(items=_texts(positions.state_shown(simulation, account) for account in found))


def _check_balance(simulation: Simulation, call: Call) -> Reply:
    account = accounts.find(simulation, call.number("login"))
    balance = groups.money(account.balance, simulation.groups[account.group])
    credit = groups.money(account.credit, simulation.groups[account.group])
    return Reply(answer={"balance": balance, "credit": credit})


def _trade_balance(simulation: Simulation, call: Call) -> Reply:
    login = call.number("login")
    check = call.text("check_margin", "1") != "0"
    amount = call.required("balance").strip()
    margin_free = None
    if check and amount.startswith("-"):
        account = accounts.find(simulation, login)
        margin_free = positions.state(simulation, account).margin_free
    ticket = deals.balance_operation(
        simulation,
        login=login,
        kind=call.number("type"),
        amount=amount,
        comment=call.text("comment"),
        check_margin=check,
        margin_free=margin_free,
    )
    return Reply(answer={"Ticket": str(ticket)})


def _period(call: Call) -> tuple[int, int]:
    return call.number("from"), call.number("to")


def _login_deals(simulation: Simulation, call: Call) -> queries.DealFilter:
    login = accounts.find(simulation, call.number("login")).login
    since, until = _period(call)
    return queries.DealFilter(logins=[login], since=since, until=until)


def _deal_get(simulation: Simulation, call: Call) -> Reply:
    wanted = queries.DealFilter(tickets=[call.number("ticket")])
    deal = next(queries.deals(simulation.store, wanted), None)
    if deal is None:
        raise Refused(NOT_FOUND)
    return Reply(answer=json.loads(deals.shown(deal)))


def _deal_total(simulation: Simulation, call: Call) -> Reply:
    total = queries.deal_total(simulation.store, _login_deals(simulation, call))
    return Reply(answer={"Total": str(total)})


def _deal_page(simulation: Simulation, call: Call) -> Reply:
    total = call.number("total", PAGE_MAX)
    if not 1 <= total <= PAGE_MAX:
        raise Refused(PARAMETERS)
    wanted = _login_deals(simulation, call)
    offset = call.number("offset", 0)
    found = queries.deals(simulation.store, wanted, offset=offset, limit=total)
    return Reply(items=map(deals.shown, found))


def _deal_batch(simulation: Simulation, call: Call) -> Reply:
    given = [name for name in ("login", "group", "ticket") if call.text(name)]
    if len(given) != 1:
        raise Refused(PARAMETERS)
    names = [part.strip() for part in call.text("symbol").split(",") if part.strip()]
    if given == ["ticket"]:
        wanted = queries.DealFilter(tickets=call.numbers("ticket"), symbols=names)
    else:
        since, until = _period(call)
        logins = call.numbers("login") if given == ["login"] else None
        masks = None if logins is not None else simulation.groups_matching(call.text("group"))
        wanted = queries.DealFilter(
            logins=logins, groups=masks, since=since, until=until, symbols=names
        )
    return Reply(items=map(deals.shown, queries.deals(simulation.store, wanted)))


def _positions_shown(simulation: Simulation, found: list[accounts.Account]) -> Iterator[str]:
    for account in found:
        for position in simulation.store.positions(login=account.login):
            yield from _texts([positions.shown(simulation, account, position)])


def _position_get(simulation: Simulation, call: Call) -> Reply:
    account = accounts.find(simulation, call.number("login"))
    symbol = call.required("symbol")
    for position in simulation.store.positions(login=account.login):
        if position.symbol == symbol:
            return Reply(answer=positions.shown(simulation, account, position))
    raise Refused(NOT_FOUND)


def _position_total(simulation: Simulation, call: Call) -> Reply:
    account = accounts.find(simulation, call.number("login"))
    return Reply(answer={"Total": str(len(simulation.store.positions(login=account.login)))})


def _position_page(simulation: Simulation, call: Call) -> Reply:
    account = accounts.find(simulation, call.number("login"))
    offset, total = call.number("offset", 0), call.number("total", PAGE_MAX)
    if not 1 <= total <= PAGE_MAX:
        raise Refused(PARAMETERS)
    found = simulation.store.positions(login=account.login)[offset : offset + total]
    return Reply(answer=[positions.shown(simulation, account, position) for position in found])


def _position_batch(simulation: Simulation, call: Call) -> Reply:
    return Reply(items=_positions_shown(simulation, _wanted_accounts(simulation, call)))


def _group_total(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer={"Total": str(len(simulation.groups_matching("*")))})


def _group_next(simulation: Simulation, call: Call) -> Reply:
    names = simulation.groups_matching("*")
    index = call.number("index")
    if index >= len(names):
        raise Refused(NOT_FOUND)
    return Reply(answer=simulation.groups[names[index]])


def _group_get(simulation: Simulation, call: Call) -> Reply:
    mask, name = call.text("mask"), call.text("group")
    if bool(mask) == bool(name):
        raise Refused(PARAMETERS)
    if not mask and not any(mark in name for mark in "*,!"):
        if name not in simulation.groups_matching("*"):
            raise Refused(NOT_FOUND)
        return Reply(answer=simulation.groups[name])
    names = simulation.groups_matching(mask or name)
    return Reply(items=_texts(simulation.groups[name] for name in names))


def _group_add(simulation: Simulation, call: Call) -> Reply:
    given = dict(call.body)
    if "Group" not in given and call.text("group"):
        given["Group"] = call.text("group")
    try:
        record = groups.validate(given)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Refused(PARAMETERS) from error
    if not groups.matches(record["Group"], simulation.group_masks):
        raise Refused(PERMISSIONS)
    simulation.put_group(record)
    return Reply(answer=record)


def _group_delete(simulation: Simulation, call: Call) -> Reply:
    name = call.required("group")
    if name not in simulation.groups_matching("*"):
        raise Refused(NOT_FOUND)
    if next(simulation.store.accounts(groups=[name]), None) is not None:
        raise Refused(PARAMETERS)
    simulation.remove_group(name)
    return Reply()


def _symbol(name: str) -> symbols.Symbol:
    found = SYMBOLS.get(name)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


def _symbol_total(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer={"Total": str(len(SYMBOLS))})


def _symbol_list(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer=list(SYMBOLS))


def _symbol_next(simulation: Simulation, call: Call) -> Reply:
    index = call.number("index")
    if index >= len(SYMBOLS):
        raise Refused(NOT_FOUND)
    return Reply(answer=symbols.record(list(SYMBOLS.values())[index]))


def _symbol_get(simulation: Simulation, call: Call) -> Reply:
    return Reply(answer=symbols.record(_symbol(call.required("symbol"))))


def _symbol_get_group(simulation: Simulation, call: Call) -> Reply:
    symbol, name = _symbol(call.required("symbol")), call.required("group")
    if name not in simulation.groups_matching("*"):
        raise Refused(NOT_FOUND)
    return Reply(answer=groups.symbol_record(simulation.groups[name], symbol))


def _ticks(simulation: Simulation, call: Call, group: str | None) -> Reply:
    names = call.text("symbol", "*")
    at_ms = simulation.clock.utc_ms()
    now = simulation.clock.wall_ms(at_ms)
    answer = []
    for symbol in SYMBOLS.values():
        if not groups.matches(symbol.name, names):
            continue
        quote = simulation.market.raw(symbol, at_ms)
        if group is not None:
            quote, _ = simulation.quote(group, symbol, at_ms)
        tick = {"Symbol": symbol.name, "Digits": str(symbol.digits)}
        tick["Bid"] = points_text(quote.bid, symbol.digits)
        tick["Ask"] = points_text(quote.ask, symbol.digits)
        tick |= {"Last": "0", "Volume": "0", "VolumeReal": "0"}
        answer.append(tick | {"Datetime": str(now // 1000), "DatetimeMsc": str(now)})
    if not answer:
        raise Refused(NOT_FOUND)
    if call.number("trans_id", 0) >= now:
        answer = []
    return Reply(answer=answer, beside={"trans_id": str(now)})


def _tick_last(simulation: Simulation, call: Call) -> Reply:
    return _ticks(simulation, call, None)


def _tick_last_group(simulation: Simulation, call: Call) -> Reply:
    group = call.required("group")
    if group not in simulation.groups_matching("*"):
        raise Refused(NOT_FOUND)
    return _ticks(simulation, call, group)


def _dealer_send(simulation: Simulation, call: Call) -> Reply:
    if call.number("action", _DEALER_EXECUTE) != _DEALER_EXECUTE:
        raise Refused(PARAMETERS)
    record: dict[str, Any] = {
        "Login": call.text("login"),
        "Symbol": call.text("symbol"),
        "Comment": call.text("comment"),
    }
    with simulation.store.transaction():
        number = simulation.store.take_tickets("request", 1)
        try:
            deal = _dealer_execute(simulation, call)
        except Refused as refusal:
            code = refusal.code if refusal.code >= REQUEST_DONE else INVALID_REQUEST
            record["ResultRetcode"] = str(code)
        else:
            record["ResultRetcode"] = str(REQUEST_DONE)
            record["ResultDeal"] = str(deal.ticket)
            record["ResultOrder"] = str(deal.order_ticket)
            record["ResultVolume"] = str(deal.volume // _LOT_UNITS)
            record["ResultVolumeExt"] = str(deal.volume)
            record["ResultPrice"] = points_text(deal.price, deal.digits)
            record["PositionID"] = str(deal.position)
        record = {"ID": str(number), **record}
        simulation.store.put_request(number, record)
    return Reply(answer={"id": str(number)})


def _dealer_execute(simulation: Simulation, call: Call) -> Deal:
    symbol = _symbol(call.required("symbol"))
    volume = call.number("volume_ext", 0) or call.number("volume", 0) * _LOT_UNITS
    action = call.number("type_order", call.number("type", deals.BUY))
    trade = deals.Execution(
        symbol,
        action,
        volume,
        simulation.clock.utc_ms(),
        deals.REASON_DEALER,
        simulation.manager,
        call.text("comment")[: deals.COMMENT_MAX],
    )
    position = call.number("position", 0)
    if position:
        return positions.close_position(simulation, call.number("login"), position, trade)
    return positions.open_position(simulation, call.number("login"), trade)


def _dealer_result(simulation: Simulation, call: Call) -> Reply:
    record = simulation.store.request(call.number("id"))
    if record is None:
        raise Refused(NOT_FOUND)
    return Reply(answer=record)


COMMANDS: dict[str, Command] = {
    "test/access": _nothing_to_do,
    "quit": _nothing_to_do,
    "time/server": _time_server,
    "time/get": _time_get,
    "user/add": _user_add,
    "user/update": _user_update,
    "user/delete": _user_delete,
    "user/get": _user_get,
    "user/get_batch": _user_get_batch,
    "user/logins": _user_logins,
    "user/total": _user_total,
    "user/group": _user_group,
    "user/check_password": _check_password,
    "user/change_password": _change_password,
    "user/account/get": _account_get,
    "user/account/get_batch": _account_get_batch,
    "user/check_balance": _check_balance,
    "trade/balance": _trade_balance,
    "deal/get": _deal_get,
    "deal/get_total": _deal_total,
    "deal/get_page": _deal_page,
    "deal/get_batch": _deal_batch,
    "position/get": _position_get,
    "position/get_total": _position_total,
    "position/get_page": _position_page,
    "position/get_batch": _position_batch,
    "group/total": _group_total,
    "group/next": _group_next,
    "group/get": _group_get,
    "group/add": _group_add,
    "group/delete": _group_delete,
    "symbol/total": _symbol_total,
    "symbol/list": _symbol_list,
    "symbol/next": _symbol_next,
    "symbol/get": _symbol_get,
    "symbol/get_group": _symbol_get_group,
    "tick/last": _tick_last,
    "tick/last_group": _tick_last_group,
    "dealer/send_request": _dealer_send,
    "dealer/get_request_result": _dealer_result,
    **{
        f"{kind}/{verb}": command
        for kind in ("order", "history")
        for verb, command in {
            "get": _missing,
            "get_total": _zero_total,
            "get_page": _empty_list,
            "get_batch": _empty_list,
        }.items()
    },
}


def run(simulation: Simulation, name: str, call: Call) -> Reply:
    """Run one command; a refusal becomes a reply with its return code.

    Raises KeyError for a command the server does not know.
    """
    command = COMMANDS[name]
    if name in simulation.denied:
        return Reply(PERMISSIONS)
    try:
        return command(simulation, call)
    except Refused as refusal:
        return Reply(refusal.code)
    except (ValueError, OverflowError):
        # Text that is no Unicode and numbers beyond 64 bits fail where they are stored.
        return Reply(PARAMETERS)
