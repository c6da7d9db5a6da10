"""The demo's payment providers: local counterparts of declared ones, and a bank account."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from tenants.provisioning import Context, Step
from treasury import connections, queries
from treasury.connections import Currency
from treasury.models import PspMethod
from treasury.offers import queries as offer_queries


@dataclass(frozen=True)
class Counterpart:
    """A declared provider whose account is opened at the simulator, and how it is offered.

    `names` are the simulator's words for credentials that the file calls otherwise.
    """

    provider: str
    name: str
    title: str
    currencies: dict[str, Currency]
    protocol: str = ""
    credentials: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    method: str = ""
    weight: int = 0


def _limits(smallest: int, largest: int, *codes: str, fee: str = "") -> dict[str, Currency]:
    percent, payer = (Decimal(fee), "client") if fee else (None, None)
    one = Currency(Decimal(smallest), Decimal(largest), percent, None, payer)
    return dict.fromkeys(codes, one)


COUNTERPARTS = (
    Counterpart(
        "praxis",
        "Praxis (simulator)",
        "Cards and local methods",
        _limits(50, 5_000, "USD", "EUR"),
        protocol="praxis",
        method="cashier",
        weight=2,
    ),
    Counterpart(
        "vpg",
        "Card gateway (simulator)",
        "Cards and local methods",
        _limits(50, 5_000, "USD", "EUR"),
        protocol="vpg",
        credentials={"base_url": "https://checkout.gateway.example"},
        names={"merchant_pass": "password"},
        method="card",
        weight=1,
    ),
    Counterpart(
        "skrill",
        "Skrill (simulator)",
        "Skrill",
        _limits(20, 20_000, "USD", "EUR", fee="3.0"),
        protocol="skrill",
    ),
    Counterpart(
        "nowpayments",
        "CryptoGate (simulator)",
        "USDT on Tron",
        _limits(25, 100_000, "USD"),
        protocol="crypto",
        method="usdt_trc20",
    ),
    Counterpart(
        "bank_wire",
        "Bank transfer",
        "Bank transfer",
        _limits(250, 500_000, "USD", "EUR", "AED"),
        credentials={
            "account_holder": "Client money account",
            "bank_name": "Example Bank",
            "iban": "LV80BANK0000435195001",
            "bic": "BANKLV2X",
        },
        method="wire",
    ),
)


async def connect(context: Context) -> str:
    """Connect what the simulator stands in for; whatever is connected stays as it is."""
    settings = context.ports.settings
    if not context.options.get("demo") or not settings.simulators.psp_url:
        return "no demo"
    made = [one.name for one in COUNTERPARTS if await _connect(context, one)]
    return f"{len(made)} connected"


async def follow(context: Context) -> None:
    """Point the connections at the simulator again when its port has moved."""
    url = context.ports.settings.simulators.psp_url
    async with context.ports.database.tenant(context.tenant) as session:
        for one in COUNTERPARTS:
            known = await queries.connection_by_name(session, one.name)
            if known is not None and one.protocol and url:
                await connections.move(
                    session,
                    connection_id=known.id,
                    api_base=url,
                    vault=context.ports.vault,
                )


async def _connect(context: Context, one: Counterpart) -> bool:
    ports = context.ports
    async with ports.database.tenant_read(context.tenant) as session:
        if await queries.connection_by_name(session, one.name) is not None:
            return False
    # An account that was opened but not written down stays unused at the simulator.
    account = await _operator(context, "merchants", _opening(context, one)) if one.protocol else {}
    given = {one.names.get(k, k): str(v) for k, v in account.get("credentials", {}).items()}
    if one.protocol:
        given["api_base"] = ports.settings.simulators.psp_url
    async with ports.database.tenant(context.tenant) as session:
        made = await connections.create(
            session,
            provider=one.provider,
            name=one.name,
            credentials={**one.credentials, **given},
            limits={code: (c.smallest, c.largest) for code, c in one.currencies.items()},
            vault=ports.vault,
            environment="sandbox",
            methods=(one.method,) if one.method else (),
        )
        made.weight = one.weight
        await connections.change_currencies(
            session, connection_id=made.id, currencies=one.currencies
        )
        rows = await offer_queries.methods(session, made.id)
        await connections.change_methods(
            session, connection_id=made.id, methods=[_titled(row, one.title) for row in rows]
        )
        address = connections.callback_of(ports.settings, context.tenant, made)
    if one.protocol == "vpg":
        # Its address for callbacks stands in the account and not in the order.
        options = {"options": {"notification_url": address}}
        await _operator(context, f"merchants/{account['id']}", options)
    return True


def _opening(context: Context, one: Counterpart) -> dict[str, Any]:
    return {"protocol": one.protocol, "name": context.tenant.name}


def _titled(row: PspMethod, title: str) -> PspMethod:
    return PspMethod(
        connection_id=row.connection_id,
        method=row.method,
        title=title,
        countries=[],
        kyc_level=0,
        enabled=True,
    )


async def _operator(context: Context, path: str, body: dict[str, Any]) -> dict[str, Any]:
    simulators = context.ports.settings.simulators
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        answer = await http.post(
            f"{simulators.psp_url}/_simulator/{path}",
            json=body,
            headers={"X-Operator-Token": simulators.operator_token},
        )
        answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


STEPS = [Step("payment counterparts", connect)]
