"""Hot path of the counterparts: callbacks and calls in plain SQL, payments as objects.

A payment is a dict with the same keys for every protocol: `id`, `protocol`, `merchant`,
`direction` (deposit, payout, refund), `reference` (the merchant's own), `amount` and `paid` as
decimal text in whole units, `currency`, `status` in the provider's words, `urls`, `moves` (what
money really moved, the oracle of "paid out once"), `history` and `extra` (the provider's own).
"""

import json
import random
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.payments.simulator.store import JsonObject, Store
from connectors.payments.simulator.wire import Request

HOUSE = "desk"
SCHEMA = """
CREATE TABLE IF NOT EXISTS callbacks (id INTEGER PRIMARY KEY AUTOINCREMENT, protocol TEXT,
    merchant TEXT, payment TEXT, url TEXT, content TEXT, forged INTEGER, state TEXT, due_at REAL,
    attempts TEXT DEFAULT '[]');
CREATE INDEX IF NOT EXISTS callbacks_open ON callbacks (state) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, protocol TEXT,
    method TEXT, path TEXT, request TEXT, status INTEGER, fault TEXT);
CREATE INDEX IF NOT EXISTS objects_reference ON objects (json_extract(body, '$.reference'))
    WHERE kind = 'payment';
"""
SCHEDULE: dict[str, Any] = {
    "seed": 0, "delay_ms": [0, 0], "duplicate": 1, "hold": False, "forge": 0, "retry_ms": 1000,
}  # fmt: skip
CALLBACK_COLUMNS = (
    "id", "protocol", "merchant", "payment", "url", "content", "forged", "state", "due_at",
    "attempts",
)  # fmt: skip


class Records:
    """Everything the counterparts remember; used from one thread only."""

    def __init__(self, store: Store) -> None:
        """Share the simulator's file."""
        self.store = store
        store.connection.executescript(SCHEMA)

    def add_merchant(
        self, protocol: str, name: str, credentials: Mapping[str, str], options: Mapping[str, Any]
    ) -> JsonObject:
        """Open a merchant account."""
        merchant: JsonObject = {
            "id": f"{protocol}-{self.next_number('merchant', 1)}",
            "object": "merchant",
            "protocol": protocol,
            "name": name,
            "credentials": dict(credentials),
            "options": dict(options),
        }
        self.store.put(HOUSE, merchant)
        return merchant

    def merchant(self, merchant_id: str) -> JsonObject:
        """Return a merchant account by id. Raises KeyError."""
        found = self.store.get(HOUSE, merchant_id)
        if found is None or found["object"] != "merchant":
            raise KeyError(merchant_id)
        return found

    def merchant_by(self, protocol: str, **credentials: str) -> JsonObject | None:
        """Return the account of a protocol whose credentials are these."""
        for merchant in self.store.everything(HOUSE, "merchant"):
            known = merchant["credentials"]
            if merchant["protocol"] == protocol and all(
                known.get(name) == value for name, value in credentials.items()
            ):
                return merchant
        return None

    def next_number(self, name: str, first: int) -> int:
        """Return the next number of a series that begins with `first`."""
        number = int(self.store.setting(f"number:{name}", first))
        self.store.set_setting(f"number:{name}", number + 1)
        return number

    def add_payment(
        self,
        merchant: JsonObject,
        payment_id: str,
        *,
        direction: str,
        reference: str,
        amount: Decimal,
        currency: str,
        status: str,
        urls: Mapping[str, str],
        extra: JsonObject,
    ) -> JsonObject:
        """Write a payment that nobody paid yet."""
        payment: JsonObject = {
            "id": payment_id,
            "object": "payment",
            "protocol": merchant["protocol"],
            "merchant": merchant["id"],
            "direction": direction,
            "reference": reference,
            "amount": f"{amount:f}",
            "currency": currency,
            "paid": "0",
            "status": status,
            "created": time.time(),
            "urls": dict(urls),
            "moves": [],
            "history": [{"at": time.time(), "status": status}],
            "extra": extra,
        }
        self.store.put(merchant["id"], payment)
        return payment

    def save(self, payment: JsonObject, status: str | None = None) -> None:
        """Write a payment again, with a step of its history when the status is given."""
        if status is not None:
            payment["status"] = status
            payment["history"].append({"at": time.time(), "status": status})
        self.store.put(payment["merchant"], payment)

    def move(self, payment: JsonObject, kind: str, amount: Decimal, *, currency: str = "") -> None:
        """Record that money really moved; the caller saves the payment."""
        payment["moves"].append(
            {
                "kind": kind,
                "amount": f"{amount:f}",
                "currency": currency or payment["currency"],
                "at": time.time(),
            }
        )

    def payment(self, payment_id: str) -> JsonObject | None:
        """Return a payment by the provider's id."""
        owner = self.store.owner(payment_id)
        found = self.store.get(owner, payment_id) if owner else None
        return found if found is not None and found["object"] == "payment" else None

    def payments(
        self, *, merchant: str | None = None, equal: Mapping[str, str | int] | None = None
    ) -> list[JsonObject]:
        """Return payments, oldest first, whose fields are `equal`."""
        where = "kind = 'payment'"
        values: list[str | int] = []
        if merchant is not None:
            where += " AND account = ?"
            values.append(merchant)
        for name, value in (equal or {}).items():
            if name == "reference":
                where += " AND json_extract(body, '$.reference') = ?"
            else:
                where += " AND json_extract(body, ?) = ?"
                values.append(f"$.{name}")
            values.append(value)
        rows = self.store.connection.execute(
            f"SELECT body FROM objects WHERE {where} ORDER BY seq",  # noqa: S608
            values,
        )
        return [json.loads(row[0]) for row in rows]

    def schedule(self, protocol: str) -> JsonObject:
        """Return the operator's switches for a protocol's callbacks."""
        return {**SCHEDULE, **self.store.setting(f"callbacks:{protocol}", {})}

    def set_schedule(self, protocol: str, changes: Mapping[str, Any]) -> JsonObject:
        """Change some of the switches; a new seed begins its series again."""
        if "seed" in changes:
            self.store.set_setting(f"number:callback:{protocol}", 0)
        known = {**self.store.setting(f"callbacks:{protocol}", {}), **changes}
        self.store.set_setting(f"callbacks:{protocol}", known)
        return self.schedule(protocol)

    def notify(self, payment: JsonObject, url: str, content: JsonObject) -> None:
        """Queue a callback as the operator's switches say; nothing when there is no address.

        The delay of the n-th callback of a protocol comes from the seed and n alone, so that a
        run can be repeated; with a range of delays callbacks overtake each other.
        """
        if not url:
            return
        schedule = self.schedule(payment["protocol"])
        number = self.next_number(f"callback:{payment['protocol']}", 0)
        dice = random.Random(f"{schedule['seed']}:{number}")
        forged = schedule["forge"] > 0
        if forged:
            self.set_schedule(payment["protocol"], {"forge": schedule["forge"] - 1})
        low, high = schedule["delay_ms"]
        for _ in range(schedule["duplicate"]):
            self.store.connection.execute(
                "INSERT INTO callbacks (protocol, merchant, payment, url, content, forged, state,"
                " due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    payment["protocol"],
                    payment["merchant"],
                    payment["id"],
                    url,
                    json.dumps(content),
                    forged,
                    "held" if schedule["hold"] else "pending",
                    time.time() + dice.uniform(low, high) / 1000,
                ),
            )

    def callbacks(self, where: str = "1", values: tuple[Any, ...] = ()) -> list[JsonObject]:
        """Return queued and past callbacks in order of creation."""
        rows = self.store.connection.execute(
            f"SELECT {', '.join(CALLBACK_COLUMNS)} FROM callbacks WHERE {where} ORDER BY id",  # noqa: S608
            values,
        )
        found = [dict(zip(CALLBACK_COLUMNS, row, strict=True)) for row in rows]
        for callback in found:
            callback["content"] = json.loads(callback["content"])
            callback["attempts"] = json.loads(callback["attempts"])
        return found

    def save_callback(self, callback: JsonObject) -> None:
        """Update the state, due time and attempts of a callback."""
        self.store.connection.execute(
            "UPDATE callbacks SET state = ?, due_at = ?, attempts = ? WHERE id = ?",
            (
                callback["state"],
                callback["due_at"],
                json.dumps(callback["attempts"]),
                callback["id"],
            ),
        )

    def release(self, protocol: str) -> int:
        """Let a protocol's held callbacks go, shuffled by its seed; return how many."""
        schedule = self.set_schedule(protocol, {"hold": False})
        held = self.callbacks("state = 'held' AND protocol = ?", (protocol,))
        dice = random.Random(f"{schedule['seed']}:release")
        low, high = schedule["delay_ms"]
        for callback in held:
            callback |= {
                "state": "pending",
                "due_at": time.time() + dice.uniform(low, high) / 1000,
            }
            self.save_callback(callback)
        return len(held)

    def log_call(self, protocol: str, request: Request, *, status: int, fault: str) -> None:
        """Record one API call; status 0 says that no reply left."""
        self.store.connection.execute(
            "INSERT INTO calls (at, protocol, method, path, request, status, fault)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                time.time(), protocol, request.method, request.path,
                f"{request.query}{request.body.decode('utf-8', 'replace')}", status, fault,
            ),
        )  # fmt: skip

    def calls(self, protocol: str | None) -> list[JsonObject]:
        """Return the recorded API calls in order."""
        names = ("at", "protocol", "method", "path", "request", "status", "fault")
        rows = self.store.connection.execute(
            f"SELECT {', '.join(names)} FROM calls WHERE ? IS NULL OR protocol = ? ORDER BY id",  # noqa: S608
            (protocol, protocol),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def after(self, payment: JsonObject, verb: str, seconds: float) -> None:
        """Have the clock do a verb on a payment later."""
        due_at = time.time() + seconds
        self.store.add_timer(payment["merchant"], f"desk:{verb}", payment["id"], due_at)
