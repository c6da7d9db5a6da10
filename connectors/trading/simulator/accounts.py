"""Accounts of the server: opening, changing, passwords, and how the protocol shows them."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from . import groups
from .protocol import (
    HAS_TRADES,
    INVALID_PASSWORD,
    LOGIN_EXHAUSTED,
    LOGIN_EXISTS,
    LOGIN_PROHIBITED,
    NOT_FOUND,
    OTHER_CURRENCY,
    PARAMETERS,
    PERMISSIONS,
    Refused,
)
from .simulation import Simulation
from .storage import AccountRow

RIGHT_ENABLED = 0x1
RIGHT_TRADE_DISABLED = 0x4
RIGHT_READONLY = 0x200
_RIGHTS_DEFAULT = "355"
_LEVERAGE_MAX = 1000
_PASSWORD_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")
_PASSWORD_MAX = 16
_PASSWORD_KINDS = {"MAIN": "PassMain", "INVESTOR": "PassInvestor", "API": "PassApi"}

_QUERY_NAMES = {
    "group": "Group",
    "rights": "Rights",
    "name": "Name",
    "company": "Company",
    "language": "Language",
    "country": "Country",
    "city": "City",
    "state": "State",
    "zipcode": "ZipCode",
    "address": "Address",
    "phone": "Phone",
    "email": "Email",
    "id": "ID",
    "status": "Status",
    "comment": "Comment",
    "color": "Color",
    "leverage": "Leverage",
    "agent": "Agent",
    "account": "Account",
    "pass_main": "PassMain",
    "pass_investor": "PassInvestor",
    "pass_api": "PassApi",
    "pass_phone": "PhonePassword",
}
_DEFAULTS = {
    "CertSerialNumber": "0",
    "Rights": _RIGHTS_DEFAULT,
    "MQID": "0",
    "Name": "",
    "FirstName": "",
    "LastName": "",
    "MiddleName": "",
    "Company": "",
    "Account": "",
    "Country": "",
    "Language": "0",
    "ClientID": "0",
    "City": "",
    "State": "",
    "ZipCode": "",
    "Address": "",
    "Phone": "",
    "Email": "",
    "ID": "",
    "Status": "",
    "Comment": "",
    "Color": "4278190080",
    "PhonePassword": "",
    "Leverage": "100",
    "Agent": "0",
    "LeadCampaign": "",
    "LeadSource": "",
    "LimitOrders": "0",
    "LimitPositions": "0",
}
_NUMBERS = ("Rights", "MQID", "Language", "ClientID", "Color", "Leverage", "Agent")
_LENGTHS = {"Name": 127, "Company": 63, "Comment": 63, "ID": 32}
_LENGTH_OTHER = 127
_ZEROES = (
    "InterestRate",
    "CommissionDaily",
    "CommissionMonthly",
    "CommissionAgentDaily",
    "CommissionAgentMonthly",
    "BalancePrevDay",
    "BalancePrevMonth",
    "EquityPrevDay",
    "EquityPrevMonth",
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account with what trading needs; balance and credit in 1e-8 of its currency."""

    login: int
    group: str
    currency: str
    digits: int
    leverage: int
    rights: int
    balance: int
    credit: int
    row: AccountRow

    @property
    def may_trade(self) -> bool:
        """Whether the rights let the account trade."""
        blocked = self.rights & (RIGHT_TRADE_DISABLED | RIGHT_READONLY)
        return bool(self.rights & RIGHT_ENABLED) and not blocked


@lru_cache(maxsize=1000)
def _leverage_and_rights(record: str) -> tuple[int, int]:
    read = json.loads(record)
    return int(read["Leverage"]), int(read["Rights"])


def from_row(simulation: Simulation, row: AccountRow) -> Account:
    """Return the account of a stored row."""
    group = simulation.groups[row.group_name]
    leverage, rights = _leverage_and_rights(row.record)
    return Account(
        row.login,
        row.group_name,
        group["Currency"],
        int(group["CurrencyDigits"]),
        leverage,
        rights,
        row.balance,
        row.credit,
        row,
    )


def find(simulation: Simulation, login: int) -> Account:
    """Return one account of the manager's groups; raise Refused 13 or 8."""
    row = simulation.store.account(login)
    if row is None:
        raise Refused(NOT_FOUND)
    if not groups.matches(row.group_name, simulation.group_masks):
        raise Refused(PERMISSIONS)
    return from_row(simulation, row)


def fields(query: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's fields under their record names; the body overrides the query."""
    found: dict[str, Any] = {}
    for source in (query, body):
        for name, value in source.items():
            if name in _QUERY_NAMES:
                found[_QUERY_NAMES[name]] = str(value)
            elif name == "ZIPCode":
                found["ZipCode"] = str(value)
            elif name == "ApiData" and isinstance(value, list):
                found[name] = value
            elif name in _DEFAULTS or name == "Group" or name in _PASSWORD_KINDS.values():
                found[name] = str(value)
    return found


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in values.items():
        if name == "ApiData":
            record[name] = value[:16]
        elif name in _NUMBERS:
            if not re.fullmatch(r"[0-9]{1,20}", value):
                raise Refused(PARAMETERS)
            record[name] = str(int(value))
        elif name in _DEFAULTS:
            record[name] = value[: _LENGTHS.get(name, _LENGTH_OTHER)]
    if "Leverage" in record and not 1 <= int(record["Leverage"]) <= _LEVERAGE_MAX:
        raise Refused(PARAMETERS)
    return record


def require_strong(password: str, minimum: int) -> None:
    """Raise Refused 3006 unless all four classes are there and the length fits."""
    strong = all(re.search(pattern, password) for pattern in _PASSWORD_CLASSES)
    if not strong or not minimum <= len(password) <= _PASSWORD_MAX:
        raise Refused(INVALID_PASSWORD)


def _sealed(password: str) -> str:
    salt = os.urandom(8)
    return salt.hex() + hashlib.blake2b(password.encode(), salt=salt, digest_size=16).hexdigest()


def _opens(sealed: str, password: str) -> bool:
    salt = bytes.fromhex(sealed[:16])
    made = hashlib.blake2b(password.encode(), salt=salt, digest_size=16).hexdigest()
    return hmac.compare_digest(sealed[16:], made)


def _group(simulation: Simulation, name: str) -> dict[str, Any]:
    record = simulation.groups.get(name)
    if record is None or not groups.matches(name, simulation.group_masks):
        raise Refused(PERMISSIONS)
    return record


def _new_login(simulation: Simulation, group: str, wanted: int) -> int:
    ranges = simulation.login_ranges
    if wanted:
        if simulation.store.account(wanted) is not None or wanted == simulation.manager:
            raise Refused(LOGIN_EXISTS)
        if not any(range_.first <= wanted <= range_.last for range_ in ranges):
            raise Refused(LOGIN_PROHIBITED)
        return wanted
    found = next((range_ for range_ in ranges if group.startswith(range_.prefix)), None)
    if found is None:
        raise Refused(LOGIN_EXHAUSTED)
    used = simulation.store.last_login(found.first, found.last)
    after_used = found.first if used is None else used + 1
    login = max(after_used, simulation.store.setting(f"login_after_{found.first}", found.first))
    if login > found.last:
        raise Refused(LOGIN_EXHAUSTED)
    simulation.store.set_setting(f"login_after_{found.first}", login + 1)
    return login


def add(simulation: Simulation, query: Mapping[str, str], body: Mapping[str, Any]) -> AccountRow:
    """Open an account and return it.

    Raises Refused: 3 bad record, 8 no such group, 3002 to 3004 login, 3006 password.
    """
    values = fields(query, body)
    record = _DEFAULTS | _checked(values)
    group = _group(simulation, values.get("Group", ""))
    minimum = int(group["AuthPasswordMin"])
    for name in ("PassMain", "PassInvestor"):
        require_strong(values.get(name, ""), minimum)
    given = str(body.get("Login", body.get("login", query.get("login", "0")))) or "0"
    if not re.fullmatch(r"[0-9]{1,12}", given):
        raise Refused(PARAMETERS)
    if not record["Name"]:
        parts = (record["FirstName"], record["MiddleName"], record["LastName"])
        record["Name"] = " ".join(part for part in parts if part)
    now = str(simulation.clock.now_ms() // 1000)
    record |= {"Registration": now, "LastAccess": now, "LastPassChange": now, "LastIP": ""}
    secrets = {
        kind: _sealed(values[name]) for kind, name in _PASSWORD_KINDS.items() if values.get(name)
    }
    with simulation.store.transaction():
        login = _new_login(simulation, group["Group"], int(given))
        row = AccountRow(
            login,
            group["Group"],
            record["ID"],
            record["Comment"],
            json.dumps(record, ensure_ascii=False),
            json.dumps(secrets),
            0,
            0,
        )
        simulation.store.put_account(row)
    return row


def update(
    simulation: Simulation, login: int, query: Mapping[str, str], body: Mapping[str, Any]
) -> AccountRow:
    """Change the given fields of an account and return it.

    Raises Refused: 3 bad record, 8 no such group, 13 no such login, 3010 other currency.
    """
    account = find(simulation, login)
    values = fields(query, body)
    record = json.loads(account.row.record) | _checked(values)
    name = values.get("Group", account.group)
    group = _group(simulation, name)
    holds_money = account.balance or account.credit or simulation.store.positions(login=login)
    if group["Currency"] != account.currency and holds_money:
        raise Refused(OTHER_CURRENCY)
    row = account.row._replace(
        group_name=name,
        external_id=record["ID"],
        comment=record["Comment"],
        record=json.dumps(record, ensure_ascii=False),
    )
    with simulation.store.transaction():
        simulation.store.put_account(row)
    return row


def delete(simulation: Simulation, login: int) -> None:
    """Delete an account; raise Refused 3008 while positions are open."""
    find(simulation, login)
    with simulation.store.transaction():
        if simulation.store.positions(login=login):
            raise Refused(HAS_TRADES)
        simulation.store.remove_account(login)


def _kind(kind: str) -> str:
    if kind.upper() not in _PASSWORD_KINDS:
        raise Refused(PARAMETERS)
    return kind.upper()


def check_password(simulation: Simulation, login: int, kind: str, password: str) -> None:
    """Raise Refused 3006 unless this is the account's password of that kind."""
    secrets = json.loads(find(simulation, login).row.secrets)
    sealed = secrets.get(_kind(kind))
    if sealed is None or not _opens(sealed, password):
        raise Refused(INVALID_PASSWORD)


def change_password(simulation: Simulation, login: int, kind: str, password: str) -> None:
    """Set the account's password of that kind; raise Refused 3006 when it is weak."""
    account = find(simulation, login)
    minimum = int(simulation.groups[account.group]["AuthPasswordMin"])
    require_strong(password, minimum)
    secrets = json.loads(account.row.secrets) | {_kind(kind): _sealed(password)}
    record = json.loads(account.row.record)
    record["LastPassChange"] = str(simulation.clock.now_ms() // 1000)
    row = account.row._replace(
        secrets=json.dumps(secrets), record=json.dumps(record, ensure_ascii=False)
    )
    with simulation.store.transaction():
        simulation.store.put_account(row)


def shown(simulation: Simulation, row: AccountRow) -> dict[str, Any]:
    """Return the user as the protocol shows it: every scalar a string, no password."""
    account = from_row(simulation, row)
    group = simulation.groups[account.group]
    record: dict[str, Any] = {"Login": str(account.login), "Group": account.group}
    record |= json.loads(row.record)
    record["PhonePassword"] = ""
    record["ZIPCode"] = record["ZipCode"]
    record["CurrencyDigits"] = str(account.digits)
    record["Balance"] = groups.money(account.balance, group)
    record["Credit"] = groups.money(account.credit, group)
    record |= dict.fromkeys(_ZEROES, groups.money(0, group))
    record.setdefault("TradeAccounts", "")
    record.setdefault("ApiData", [])
    return record


def with_funds(account: Account, *, balance: int = 0, credit: int = 0) -> Account:
    """Return the account with changed funds, for what follows in the same transaction."""
    return replace(account, balance=account.balance + balance, credit=account.credit + credit)
