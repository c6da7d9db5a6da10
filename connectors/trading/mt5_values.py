"""Reading the MT5 Web API's JSON into the port's words.

The server sends every scalar as a string; newer builds add fields and older ones lack some.
Numbers become `Decimal` or `int`, never float. Volumes are 1/10000 lot, extended ones
1/100000000 lot, and the extended one is right where both are given. Times are seconds of the
server's wall clock.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from connectors.trading.port import (
    AccountState,
    CashDeal,
    CommissionTier,
    Group,
    GroupCommission,
    GroupSymbol,
    NewGroup,
    OpenAccount,
    Position,
    Quote,
    ServerTime,
    Symbol,
    Unreachable,
)

Row = Mapping[str, Any]

_NAME_LIMIT = 127
_RIGHTS_OF_A_NEW_ACCOUNT = 355  # enabled, password, confirmed, trailing, experts, reports

_ROWS = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)
_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def rows(answer: bytes) -> list[Row]:
    """Decode an array of objects; a single object is an array of one, nothing an empty one."""
    text = answer.strip()
    if text in (b"", b"null", b"{}", b'""'):
        return []
    try:
        return [_ROW.decode(text)] if text.startswith(b"{") else list(_ROWS.decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("The trading server's answer is unreadable.") from None


def row(answer: bytes) -> Row:
    """Decode one object; an absent one is empty."""
    found = rows(answer)
    return found[0] if found else {}


def text(source: Row, *names: str) -> str:
    """Return the first of the fields that is present, as text."""
    for name in names:
        value = source.get(name)
        if value is not None:
            return str(value)
    return ""


def decimal(source: Row, *names: str) -> Decimal:
    """Return the first of the fields that holds something, as a number; zero when none does."""
    value = text(source, *names).strip()
    if not value:
        return Decimal(0)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreachable(f"The trading server's field {names[0]} holds no number.") from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise Unreachable(f"The trading server's field {names[0]} holds no usable number.")
    return number


def integer(source: Row, *names: str) -> int:
    """Return the first of the fields that holds something, as a whole number; else zero."""
    return int(decimal(source, *names))


def lots(source: Row, name: str) -> Decimal:
    """Return a volume in lots from its extended field, or from the old one."""
    extended = decimal(source, f"{name}Ext")
    return extended.scaleb(-8) if extended else decimal(source, name).scaleb(-4)


def server_time(raw: int, offset_seconds: int) -> ServerTime:
    """Convert seconds of the server's wall clock to UTC."""
    try:
        return ServerTime(raw, offset_seconds, datetime.fromtimestamp(raw - offset_seconds, UTC))
    except (OverflowError, ValueError, OSError):
        raise Unreachable("The trading server's time is out of range.") from None


def account_state(source: Row) -> AccountState:
    """Read an account's trading state."""
    return AccountState(
        login=integer(source, "Login"),
        currency_digits=integer(source, "CurrencyDigits"),
        leverage=integer(source, "MarginLeverage"),
        balance=decimal(source, "Balance"),
        credit=decimal(source, "Credit"),
        equity=decimal(source, "Equity"),
        margin=decimal(source, "Margin"),
        margin_free=decimal(source, "MarginFree"),
        margin_level=decimal(source, "MarginLevel"),
        profit=decimal(source, "Profit"),
        storage=decimal(source, "Storage"),
        floating=decimal(source, "Floating"),
    )


def cash_deal(source: Row, offset_seconds: int) -> CashDeal:
    """Read a balance operation; its amount stands in Profit."""
    return CashDeal(
        ticket=integer(source, "Deal"),
        login=integer(source, "Login"),
        action=integer(source, "Action"),
        amount=decimal(source, "Profit"),
        comment=text(source, "Comment"),
        time=server_time(integer(source, "Time"), offset_seconds),
    )


def position(source: Row, offset_seconds: int) -> Position:
    """Read an open position."""
    return Position(
        ticket=integer(source, "Position"),
        login=integer(source, "Login"),
        symbol=text(source, "Symbol"),
        side="sell" if integer(source, "Action") == 1 else "buy",
        lots=lots(source, "Volume"),
        contract_size=decimal(source, "ContractSize"),
        price_open=decimal(source, "PriceOpen"),
        price_current=decimal(source, "PriceCurrent"),
        price_stop_loss=decimal(source, "PriceSL"),
        price_take_profit=decimal(source, "PriceTP"),
        profit=decimal(source, "Profit"),
        storage=decimal(source, "Storage"),
        rate_profit=decimal(source, "RateProfit"),
        comment=text(source, "Comment"),
        opened=server_time(integer(source, "TimeCreate"), offset_seconds),
        updated=server_time(integer(source, "TimeUpdate"), offset_seconds),
    )


def group(source: Row) -> Group:
    """Read a group with its mark-ups and commissions."""
    return Group(
        name=text(source, "Group"),
        currency=text(source, "Currency"),
        currency_digits=integer(source, "CurrencyDigits"),
        company=text(source, "Company"),
        demo_leverage=integer(source, "DemoLeverage"),
        margin_call=decimal(source, "MarginCall"),
        margin_stop_out=decimal(source, "MarginStopOut"),
        symbols=tuple(
            GroupSymbol(
                path=text(item, "Path"),
                spread_diff=_inherited(item, "SpreadDiff"),
                spread_diff_balance=_inherited(item, "SpreadDiffBalance"),
            )
            for item in _objects(source, "Symbols")
        ),
        commissions=tuple(_commission(item) for item in _objects(source, "Commissions")),
    )


def _commission(source: Row) -> GroupCommission:
    return GroupCommission(
        name=text(source, "Name"),
        path=text(source, "Path"),
        mode=integer(source, "Mode"),
        range_mode=integer(source, "RangeMode"),
        charge_mode=integer(source, "ChargeMode"),
        entry_mode=integer(source, "EntryMode"),
        tiers=tuple(
            CommissionTier(
                mode=integer(tier, "Mode"),
                type=integer(tier, "Type"),
                value=decimal(tier, "Value"),
                minimal=decimal(tier, "Minimal"),
                range_from=decimal(tier, "RangeFrom"),
                range_to=decimal(tier, "RangeTo"),
                currency=text(tier, "Currency"),
            )
            for tier in _objects(source, "Tiers")
        ),
    )


def _objects(source: Row, name: str) -> list[Row]:
    value = source.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _inherited(source: Row, name: str) -> int | None:
    """Return a group's own setting, or None where it keeps the symbol's ("default")."""
    value = text(source, name).strip().lower()
    if value in ("", "default", "2147483647", "-2147483648"):
        return None
    return integer(source, name)


def symbol(source: Row) -> Symbol:
    """Read an instrument."""
    return Symbol(
        name=text(source, "Symbol"),
        path=text(source, "Path"),
        description=text(source, "Description"),
        currency_base=text(source, "CurrencyBase"),
        currency_profit=text(source, "CurrencyProfit"),
        currency_margin=text(source, "CurrencyMargin"),
        digits=integer(source, "Digits"),
        point=decimal(source, "Point") or Decimal(1).scaleb(-integer(source, "Digits")),
        spread=integer(source, "Spread"),
        contract_size=decimal(source, "ContractSize"),
        tick_size=decimal(source, "TickSize"),
        tick_value=decimal(source, "TickValue"),
        calculation_mode=integer(source, "CalcMode"),
        lots_min=lots(source, "VolumeMin"),
        lots_max=lots(source, "VolumeMax"),
        lots_step=lots(source, "VolumeStep"),
        swap_mode=integer(source, "SwapMode"),
        swap_long=decimal(source, "SwapLong"),
        swap_short=decimal(source, "SwapShort"),
    )


def quote(source: Row, offset_seconds: int) -> Quote:
    """Read the last tick of a symbol."""
    return Quote(
        symbol=text(source, "Symbol"),
        bid=decimal(source, "Bid"),
        ask=decimal(source, "Ask"),
        last=decimal(source, "Last"),
        time=server_time(integer(source, "Datetime", "Time"), offset_seconds),
    )


def is_dst_zone(settings: Row) -> bool:
    """Say whether the server's clock moves twice a year."""
    return integer(settings, "Daylight") == 1


def offset_seconds(settings: Row, server_raw: int, now_utc: float) -> int:
    """Return the server clock's offset from UTC in seconds.

    What the server declares counts: minutes from GMT, and an hour more while daylight saving
    applies. Where it declares no zone, or moves its clock without saying where it stands, the
    two clocks are compared and the difference rounded to a quarter of an hour.
    """
    declared = integer(settings, "TimeZone") * 60
    if text(settings, "TimeZone") and not is_dst_zone(settings):
        return declared
    if text(settings, "TimeZone") and text(settings, "DaylightState"):
        return declared + 3600 * (integer(settings, "DaylightState") == 1)
    return round((server_raw - now_utc) / 900) * 900


def user_record(request: OpenAccount, comment: str) -> dict[str, str]:
    """Write the body of an account opening; passwords and personal data go nowhere else."""
    return {
        "Login": "0",
        "PassMain": request.main_password,
        "PassInvestor": request.investor_password,
        "Rights": str(_RIGHTS_OF_A_NEW_ACCOUNT),
        "Group": request.group,
        "Name": request.name[:_NAME_LIMIT],
        "FirstName": request.first_name,
        "LastName": request.last_name,
        "Country": request.country,
        "City": request.city,
        "Address": request.address,
        # The documentation and the servers seen disagree on the case of this name.
        "ZipCode": request.zip_code,
        "ZIPCode": request.zip_code,
        "Phone": request.phone,
        "Email": request.email,
        "ID": request.token,
        "Comment": comment,
        "Leverage": str(request.leverage),
    }


def group_record(new: NewGroup) -> dict[str, Any]:
    """Write the body of a group creation."""
    return {
        "Group": new.name,
        "Currency": new.currency,
        "CurrencyDigits": str(new.currency_digits),
        "Company": new.company,
        "DemoLeverage": str(new.demo_leverage),
        "MarginCall": format(new.margin_call, "f"),
        "MarginStopOut": format(new.margin_stop_out, "f"),
        "Symbols": [
            {"Path": path, "SpreadDiff": str(points)} for path, points in new.spread_diffs.items()
        ],
        "Commissions": [
            {
                "Name": item.name,
                "Path": item.path,
                "Mode": str(item.mode),
                "RangeMode": str(item.range_mode),
                "ChargeMode": str(item.charge_mode),
                "EntryMode": str(item.entry_mode),
                "Tiers": [
                    {
                        "Mode": str(tier.mode),
                        "Type": str(tier.type),
                        "Value": format(tier.value, "f"),
                        "Minimal": format(tier.minimal, "f"),
                        "RangeFrom": format(tier.range_from, "f"),
                        "RangeTo": format(tier.range_to, "f"),
                        "Currency": tier.currency,
                    }
                    for tier in item.tiers
                ],
            }
            for item in new.commissions
        ],
    }
