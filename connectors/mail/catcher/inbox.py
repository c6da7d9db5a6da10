"""The catcher's memory: a SQLite file with the newest mails."""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.mail.catcher.parsing import Content, parse

MAILS_MAX = 5_000
PAGE_MAX = 200
SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    raw BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS recipient (
    mail INTEGER NOT NULL REFERENCES mail (id) ON DELETE CASCADE,
    address TEXT NOT NULL COLLATE NOCASE
);
CREATE INDEX IF NOT EXISTS recipient_address ON recipient (address, mail);
CREATE INDEX IF NOT EXISTS recipient_mail ON recipient (mail);
"""


@dataclass(frozen=True)
class Mail:
    """A caught mail as the list shows it; `at` is UTC in RFC 3339 with microseconds."""

    id: int
    at: str
    sender: str
    recipients: str
    subject: str


class Inbox:
    """Keeps mails in a file; may be used from any thread, one at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(SCHEMA)

    def add(self, envelope_sender: str, recipients: list[str], raw: bytes) -> int:
        """Keep a mail and return its number; the oldest one leaves when there are too many."""
        content = parse(raw)
        row = (
            datetime.now(UTC).isoformat(timespec="microseconds"),
            content.sender or envelope_sender,
            ", ".join(recipients),
            content.subject,
            raw,
        )
        with self._lock, self._database:
            cursor = self._database.execute(
                "INSERT INTO mail (at, sender, recipients, subject, raw) VALUES (?, ?, ?, ?, ?)",
                row,
            )
            number = cursor.lastrowid or 0
            self._database.executemany(
                "INSERT INTO recipient VALUES (?, ?)", [(number, one) for one in recipients]
            )
            self._database.execute("DELETE FROM mail WHERE id <= ?", (number - MAILS_MAX,))
        return number

    def search(
        self, *, to: str = "", since: str = "", before: int = 0, exact: bool = False
    ) -> list[Mail]:
        """Return the newest mails first, at most PAGE_MAX.

        `to` is a whole address with `exact`, else any part of one. `since` is the number of a
        mail (later ones are returned) or a time in RFC 3339 (mails from then on); raises
        ValueError when it is neither. `before` is a number: older mails are returned.
        """
        conditions, values = ["1"], list[str | int]()
        if to:
            conditions.append(
                "id IN (SELECT mail FROM recipient WHERE address = ?)"
                if exact
                else "id IN (SELECT mail FROM recipient WHERE instr(lower(address), lower(?)))"
            )
            values.append(to)
        if since.isdigit():
            conditions.append("id > ?")
            values.append(int(since))
        elif since:
            conditions.append("at >= ?")
            values.append(_moment(since))
        if before:
            conditions.append("id < ?")
            values.append(before)
        statement = (
            "SELECT id, at, sender, recipients, subject FROM mail WHERE "  # noqa: S608
            + " AND ".join(conditions)
            + f" ORDER BY id DESC LIMIT {PAGE_MAX}"
        )
        with self._lock:
            return [Mail(*row) for row in self._database.execute(statement, values)]

    def get(self, number: int) -> tuple[Mail, Content] | None:
        """Return one mail with its content, or None when there is no such number."""
        with self._lock:
            row = self._database.execute(
                "SELECT id, at, sender, recipients, subject, raw FROM mail WHERE id = ?",
                (number,),
            ).fetchone()
        return (Mail(*row[:5]), parse(row[5])) if row else None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()


def _moment(text: str) -> str:
    """Return a time as it is stored; raises ValueError for a time without an offset."""
    # A plus sign that nobody escaped arrives in a query as a space.
    moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset, such as Z")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
