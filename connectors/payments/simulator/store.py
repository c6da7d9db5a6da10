"""Hot path of the simulator: its whole state in one SQLite file, in plain SQL.

Every request is one transaction, committed to the write-ahead log before the reply leaves, so
a killed process loses nothing that a caller was told.
"""

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]
ALPHABET = string.ascii_letters + string.digits
SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, secret_key TEXT UNIQUE, name TEXT);
CREATE TABLE IF NOT EXISTS objects (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE,
    account TEXT, kind TEXT, body TEXT);
CREATE INDEX IF NOT EXISTS objects_listed ON objects (account, kind, seq);
CREATE TABLE IF NOT EXISTS secrets (endpoint TEXT PRIMARY KEY, secret TEXT);
CREATE TABLE IF NOT EXISTS replies (account TEXT, key TEXT, request TEXT, status INTEGER,
    body TEXT, PRIMARY KEY (account, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT,
    event TEXT, endpoint TEXT, state TEXT, due_at REAL, attempts TEXT DEFAULT '[]');
CREATE INDEX IF NOT EXISTS deliveries_open ON deliveries (state) WHERE state <> 'done';
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS timers (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT,
    action TEXT, object TEXT, due_at REAL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
"""


def new_id(prefix: str, length: int = 24) -> str:
    """Return a fresh random id in the provider's style, such as `pi_3fZ...`."""
    return prefix + "_" + "".join(secrets.choice(ALPHABET) for _ in range(length))


class Store:
    """The simulator's SQLite file; used from one thread only."""

    def __init__(self, directory: Path) -> None:
        """Open or create the file in `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(directory / "simulator.sqlite3", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.executescript(SCHEMA)
        self.public_url = ""
        self.committed: list[Callable[[], None]] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block did, or nothing of it when it raises; then call `committed`."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        for call in self.committed:
            call()

    def add_account(self, name: str) -> JsonObject:
        """Create a merchant account and return its id and secret key."""
        account = {
            "id": new_id("acct", 16),
            "secret_key": new_id("sk_test", 40),
            "name": name,
        }
        self.connection.execute("INSERT INTO accounts VALUES (:id, :secret_key, :name)", account)
        return account

    def account_by_key(self, secret_key: str) -> str | None:
        """Return the account id of a secret key."""
        row = self.connection.execute(
            "SELECT id FROM accounts WHERE secret_key = ?", (secret_key,)
        ).fetchone()
        return None if row is None else str(row[0])

    def account_name(self, account: str) -> str:
        """Return the merchant's name."""
        row = self.connection.execute(
            "SELECT name FROM accounts WHERE id = ?", (account,)
        ).fetchone()
        return str(row[0])

    def put(self, account: str, body: JsonObject) -> None:
        """Insert or replace an object by its `id`; its kind is its `object`."""
        self.connection.execute(
            "INSERT INTO objects (id, account, kind, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (body["id"], account, body["object"], json.dumps(body)),
        )

    def get(self, account: str, object_id: str) -> JsonObject | None:
        """Return an object of this account by id."""
        row = self.connection.execute(
            "SELECT body FROM objects WHERE id = ? AND account = ?", (object_id, account)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def owner(self, object_id: str) -> str | None:
        """Return the account that owns an object."""
        row = self.connection.execute(
            "SELECT account FROM objects WHERE id = ?", (object_id,)
        ).fetchone()
        return None if row is None else str(row[0])

    def remove(self, object_id: str) -> None:
        """Delete an object."""
        self.connection.execute("DELETE FROM objects WHERE id = ?", (object_id,))

    def everything(self, account: str, kind: str) -> list[JsonObject]:
        """Return all objects of a kind, oldest first."""
        rows = self.connection.execute(
            "SELECT body FROM objects WHERE account = ? AND kind = ? ORDER BY seq", (account, kind)
        )
        return [json.loads(row[0]) for row in rows]

    def page(
        self,
        account: str,
        kind: str,
        *,
        limit: int,
        after: str | None,
        before: str | None,
        equal: dict[str, Any],
        created: dict[str, int],
    ) -> tuple[list[JsonObject], bool]:
        """Return one page, newest first, and whether more follow."""
        where, values = "account = ? AND kind = ?", [account, kind]
        for cursor, sign in ((after, "<"), (before, ">")):
            if cursor is not None:
                where += " AND seq " + sign + " (SELECT seq FROM objects WHERE id = ?)"  # noqa: S608
                values.append(cursor)
        for name, value in equal.items():
            where += " AND json_extract(body, ?) = ?"
            values += ["$." + name, value]
        signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
        for name, moment in created.items():
            where += f" AND json_extract(body, '$.created') {signs[name]} ?"
            values.append(moment)  # type: ignore[arg-type]
        order = "ASC" if before is not None else "DESC"
        rows = self.connection.execute(
            f"SELECT body FROM objects WHERE {where} ORDER BY seq {order} LIMIT ?",  # noqa: S608
            (*values, limit + 1),
        ).fetchall()
        found = [json.loads(row[0]) for row in rows[:limit]]
        return (found[::-1] if before is not None else found), len(rows) > limit

    def reply(self, account: str, key: str) -> tuple[str, int, str] | None:
        """Return (request, status, body) saved under an idempotency key."""
        row: tuple[str, int, str] | None = self.connection.execute(
            "SELECT request, status, body FROM replies WHERE account = ? AND key = ?",
            (account, key),
        ).fetchone()
        return row

    def save_reply(self, account: str, key: str, request: str, status: int, body: str) -> None:
        """Save the outcome of a request under its idempotency key."""
        self.connection.execute(
            "INSERT INTO replies VALUES (?, ?, ?, ?, ?)", (account, key, request, status, body)
        )

    def endpoint_secret(self, endpoint: str) -> str:
        """Return the signing secret of a webhook endpoint."""
        row = self.connection.execute(
            "SELECT secret FROM secrets WHERE endpoint = ?", (endpoint,)
        ).fetchone()
        return str(row[0])

    def save_endpoint_secret(self, endpoint: str, secret: str) -> None:
        """Keep the signing secret of a webhook endpoint."""
        self.connection.execute("INSERT INTO secrets VALUES (?, ?)", (endpoint, secret))

    def add_delivery(
        self, account: str, event: str, endpoint: str, state: str, due_at: float
    ) -> None:
        """Queue one sending of an event to an endpoint; state is `pending` or `held`."""
        self.connection.execute(
            "INSERT INTO deliveries (account, event, endpoint, state, due_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (account, event, endpoint, state, due_at),
        )

    def deliveries(self, where: str = "1", values: tuple[Any, ...] = ()) -> list[JsonObject]:
        """Return queued and past sendings in order of creation."""
        names = ("id", "account", "event", "endpoint", "state", "due_at", "attempts")
        rows = self.connection.execute(
            f"SELECT {', '.join(names)} FROM deliveries WHERE {where} ORDER BY id",  # noqa: S608
            values,
        )
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for delivery in found:
            delivery["attempts"] = json.loads(delivery["attempts"])
        return found

    def save_delivery(self, delivery: JsonObject) -> None:
        """Update the state, due time and attempts of a sending."""
        self.connection.execute(
            "UPDATE deliveries SET state = ?, due_at = ?, attempts = ? WHERE id = ?",
            (
                delivery["state"],
                delivery["due_at"],
                json.dumps(delivery["attempts"]),
                delivery["id"],
            ),
        )

    def add_timer(self, account: str, action: str, object_id: str, due_at: float) -> None:
        """Plan an action on an object at a moment (seconds of the epoch)."""
        self.connection.execute(
            "INSERT INTO timers (account, action, object, due_at) VALUES (?, ?, ?, ?)",
            (account, action, object_id, due_at),
        )

    def next_timer_at(self) -> float | None:
        """Return the moment of the next planned action."""
        row = self.connection.execute("SELECT min(due_at) FROM timers").fetchone()
        return None if row[0] is None else float(row[0])

    def take_due_timer(self) -> tuple[str, str, str] | None:
        """Remove and return (account, action, object id) of one action that is due."""
        row = self.connection.execute(
            "DELETE FROM timers WHERE id = (SELECT id FROM timers WHERE due_at <= ?"
            " ORDER BY due_at LIMIT 1) RETURNING account, action, object",
            (time.time(),),
        ).fetchall()
        return tuple(row[0]) if row else None

    def setting(self, name: str, default: Any) -> Any:
        """Return an operator switch."""
        row = self.connection.execute(
            "SELECT value FROM settings WHERE name = ?", (name,)
        ).fetchone()
        return default if row is None else json.loads(row[0])

    def set_setting(self, name: str, value: Any) -> None:
        """Set an operator switch."""
        self.connection.execute(
            "INSERT INTO settings VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )
