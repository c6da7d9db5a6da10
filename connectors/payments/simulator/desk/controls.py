"""The operator's requests on merchants, payments, callbacks, faults; all under /_simulator."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from connectors.payments.simulator.desk import faults
from connectors.payments.simulator.desk.protocols import Protocol, Refused
from connectors.payments.simulator.desk.records import HOUSE, SCHEDULE, Records
from connectors.payments.simulator.errors import ApiError, no_such
from connectors.payments.simulator.store import JsonObject

FILTERS = ("protocol", "reference", "direction", "status", "id")
STRIPE = "stripe"
MILLISECONDS_MAX = 600_000


class Desk:
    """Answers the operator; a request that is not one of its own gives None."""

    def __init__(self, records: Records, protocols: Mapping[str, Protocol]) -> None:
        """Know the protocols by name."""
        self.records = records
        self.protocols = protocols

    def route(self, method: str, path: str, query: str, sent: JsonObject) -> JsonObject | None:
        """Do a request inside a transaction. Raises ApiError."""
        asked = dict(parse_qsl(query))
        parts = path.strip("/").split("/")[1:]
        match (method, *parts):
            case ("POST", "merchants"):
                return self._open(sent)
            case ("GET", "merchants"):
                return {"merchants": self.records.store.everything(HOUSE, "merchant")}
            case ("POST", "merchants", merchant_id):
                return self._change(merchant_id, sent)
            case ("GET", "payments"):
                return {"payments": self._payments(asked)}
            case ("GET", "moves"):
                return {"moves": self._moves(asked)}
            case ("POST", "payments", payment_id, verb):
                return self._act(payment_id, verb, sent)
            case ("GET", "callbacks"):
                return {"callbacks": self._callbacks(asked)}
            case ("POST", "callbacks"):
                return self._switch(sent)
            case ("POST", "callbacks", "release"):
                return {"released": self.records.release(self._protocol(sent))}
            case ("POST", "callbacks", number, "resend"):
                return self._resend(number)
            case ("GET", "calls"):
                return {"calls": self.records.calls(asked.get("protocol"))}
            case ("GET", "faults"):
                return {"faults": faults.waiting(self.records.store)}
            case ("POST", "faults"):
                return {"faults": faults.order(self.records.store, self._fault(sent))}
            case ("DELETE", "faults"):
                faults.clear(self.records.store)
                return {"faults": []}
        return None

    def _protocol(self, sent: JsonObject) -> str:
        name = str(sent.get("protocol", ""))
        if name not in self.protocols:
            raise ApiError(400, f"Give protocol as one of {', '.join(sorted(self.protocols))}.")
        return name

    def _open(self, sent: JsonObject) -> JsonObject:
        name = self._protocol(sent)
        given = {key: str(value) for key, value in sent.get("credentials", {}).items()}
        return self.records.add_merchant(
            name,
            str(sent.get("name", "Test merchant"))[:100],
            self.protocols[name].credentials(given),
            sent.get("options", {}),
        )

    def _change(self, merchant_id: str, sent: JsonObject) -> JsonObject:
        try:
            merchant = self.records.merchant(merchant_id)
        except KeyError:
            raise no_such("merchant", merchant_id) from None
        merchant["options"] |= sent.get("options", {})
        self.records.store.put(HOUSE, merchant)
        return merchant

    def _payments(self, asked: Mapping[str, str]) -> list[JsonObject]:
        equal = {name: asked[name] for name in FILTERS if name in asked}
        return self.records.payments(merchant=asked.get("merchant"), equal=equal)

    def _moves(self, asked: Mapping[str, str]) -> list[JsonObject]:
        return [
            {
                "protocol": payment["protocol"],
                "reference": payment["reference"],
                "payment": payment["id"],
                **move,
            }
            for payment in self._payments(asked)
            for move in payment["moves"]
        ]

    def _act(self, payment_id: str, verb: str, sent: JsonObject) -> JsonObject:
        payment = self.records.payment(payment_id)
        if payment is None:
            raise no_such("payment", payment_id)
        details = {name: str(value) for name, value in sent.items()}
        try:
            self.protocols[payment["protocol"]].act(self.records, payment, verb, details)
        except (Refused, ValueError) as error:
            raise ApiError(409, str(error)) from None
        return self.records.payment(payment_id) or payment

    def _callbacks(self, asked: Mapping[str, str]) -> list[JsonObject]:
        if "protocol" in asked:
            return self.records.callbacks("protocol = ?", (asked["protocol"],))
        return self.records.callbacks()

    def _switch(self, sent: JsonObject) -> JsonObject:
        name = self._protocol(sent)
        changes: dict[str, Any] = {}
        for key, value in sent.items():
            if key == "protocol":
                continue
            changes[key] = value
            if not _fits(key, value):
                raise ApiError(400, f"Unknown switch or value out of range: {key}", param=key)
        return self.records.set_schedule(name, changes)

    def _resend(self, number: str) -> JsonObject:
        found = self.records.callbacks("id = ?", (number,))
        if not found:
            raise no_such("callback", number)
        payment = self.records.payment(found[0]["payment"])
        if payment is None:
            raise no_such("payment", found[0]["payment"])
        self.records.notify(payment, found[0]["url"], found[0]["content"])
        return {"resent": 1}

    def _fault(self, sent: JsonObject) -> JsonObject:
        if sent.get("kind") not in faults.KINDS:
            raise ApiError(400, f"Give kind as one of {', '.join(faults.KINDS)}.", param="kind")
        times, milliseconds = sent.get("times", 1), sent.get("milliseconds", 1000)
        if not isinstance(times, int) or not 1 <= times <= 10_000:
            raise ApiError(400, "Give times from 1 to 10000.", param="times")
        if not isinstance(milliseconds, int) or not 0 <= milliseconds <= MILLISECONDS_MAX:
            raise ApiError(400, "Give milliseconds up to ten minutes.", param="milliseconds")
        protocol = sent.get("protocol")
        return {
            "protocol": STRIPE if protocol == STRIPE else self._protocol(sent),
            "path": str(sent.get("path", "")),
            "kind": sent["kind"],
            "times": times,
            "milliseconds": milliseconds,
        }


def _fits(name: str, value: object) -> bool:
    if name == "hold":
        return isinstance(value, bool)
    if name == "delay_ms":
        return (
            isinstance(value, list)
            and len(value) == 2
            and all(isinstance(one, int) and 0 <= one <= MILLISECONDS_MAX for one in value)
            and value[0] <= value[1]
        )
    limits = {
        "seed": (0, 2**31),
        "duplicate": (1, 100),
        "forge": (0, 1000),
        "retry_ms": (1, 3_600_000),
    }
    if name not in SCHEDULE or not isinstance(value, int) or isinstance(value, bool):
        return False
    least, most = limits[name]
    return least <= value <= most
