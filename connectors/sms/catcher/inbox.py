"""The catcher's memory: a SQLite file with the newest messages."""

import secrets
import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MESSAGES_MAX = 5_000
PAGE_MAX = 200
SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sid TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS message_recipient ON message (recipient, id);
"""


@dataclass(frozen=True)
class Message:
    """A caught message; `at` is UTC in RFC 3339 with microseconds."""

    id: int
    sid: str
    at: str
    sender: str
    recipient: str
    body: str


class Inbox:
    """Keeps messages in a file; may be used from any thread, one at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(SCHEMA)

    def add(self, sender: str, recipient: str, body: str) -> Message:
        """Keep a message and return it; the oldest one leaves when there are too many."""
        sid = f"SM{secrets.token_hex(16)}"
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._lock, self._database:
            cursor = self._database.execute(
                "INSERT INTO message (sid, at, sender, recipient, body) VALUES (?, ?, ?, ?, ?)",
                (sid, at, sender, recipient, body),
            )
            number = cursor.lastrowid or 0
            self._database.execute("DELETE FROM message WHERE id <= ?", (number - MESSAGES_MAX,))
        return Message(number, sid, at, sender, recipient, body)

    def search(self, *, to: str = "", exact: bool = False) -> list[Message]:
        """Return the newest messages first, at most PAGE_MAX; `to` is a whole number or a part."""
        condition, values = "1", list[str]()
        if to:
            condition = "recipient = ?" if exact else "instr(recipient, ?)"
            values.append(to)
        statement = (
            "SELECT id, sid, at, sender, recipient, body FROM message WHERE "  # noqa: S608
            f"{condition} ORDER BY id DESC LIMIT {PAGE_MAX}"
        )
        with self._lock:
            return [Message(*row) for row in self._database.execute(statement, values)]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
