"""Hot path: the server's whole state in one SQLite file, written before any answer.

WAL with synchronous=NORMAL: what was committed survives a killed process. Money, lots and
rates are integers of 1e-8, prices integers of points, times server-wall milliseconds.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trading_group (
    name TEXT PRIMARY KEY, place INTEGER NOT NULL, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account (
    login INTEGER PRIMARY KEY, group_name TEXT NOT NULL, external_id TEXT NOT NULL,
    comment TEXT NOT NULL, record TEXT NOT NULL, secrets TEXT NOT NULL,
    balance INTEGER NOT NULL, credit INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS account_group ON account (group_name);
CREATE INDEX IF NOT EXISTS account_external ON account (external_id);
CREATE TABLE IF NOT EXISTS deal (
    ticket INTEGER PRIMARY KEY, login INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    order_ticket INTEGER NOT NULL, action INTEGER NOT NULL, entry INTEGER NOT NULL,
    reason INTEGER NOT NULL, dealer INTEGER NOT NULL, symbol TEXT NOT NULL,
    digits INTEGER NOT NULL, currency_digits INTEGER NOT NULL, contract INTEGER NOT NULL,
    price INTEGER NOT NULL, volume INTEGER NOT NULL, volume_closed INTEGER NOT NULL,
    profit INTEGER NOT NULL, storage INTEGER NOT NULL, commission INTEGER NOT NULL,
    profit_raw INTEGER NOT NULL, rate_profit INTEGER NOT NULL, rate_margin INTEGER NOT NULL,
    position INTEGER NOT NULL, price_position INTEGER NOT NULL, market_bid INTEGER NOT NULL,
    market_ask INTEGER NOT NULL, comment TEXT NOT NULL, modified INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS deal_login ON deal (login, time_ms, ticket);
CREATE INDEX IF NOT EXISTS deal_time ON deal (time_ms, ticket);
CREATE INDEX IF NOT EXISTS deal_comment ON deal (comment) WHERE comment <> '';
CREATE TABLE IF NOT EXISTS position (
    ticket INTEGER PRIMARY KEY, login INTEGER NOT NULL, symbol TEXT NOT NULL,
    action INTEGER NOT NULL, volume INTEGER NOT NULL, price_open INTEGER NOT NULL,
    time_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, rate_margin INTEGER NOT NULL,
    reason INTEGER NOT NULL, dealer INTEGER NOT NULL, comment TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS position_login ON position (login);
CREATE TABLE IF NOT EXISTS request (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
"""


class Deal(NamedTuple):
    """One row of the deal table; the ticket is 0 until it is stored."""

    ticket: int
    login: int
    time_ms: int
    order_ticket: int
    action: int
    entry: int
    reason: int
    dealer: int
    symbol: str
    digits: int
    currency_digits: int
    contract: int
    price: int
    volume: int
    volume_closed: int
    profit: int
    storage: int
    commission: int
    profit_raw: int
    rate_profit: int
    rate_margin: int
    position: int
    price_position: int
    market_bid: int
    market_ask: int
    comment: str
    modified: int


class Position(NamedTuple):
    """One open position; its ticket is that of the order that opened it."""

    ticket: int
    login: int
    symbol: str
    action: int
    volume: int
    price_open: int
    time_ms: int
    updated_ms: int
    rate_margin: int
    reason: int
    dealer: int
    comment: str


class AccountRow(NamedTuple):
    """One account as stored: record and secrets are JSON texts."""

    login: int
    group_name: str
    external_id: str
    comment: str
    record: str
    secrets: str
    balance: int
    credit: int


def _marks(count: int) -> str:
    return ",".join("?" * count)


class Store:
    """The SQLite file; one connection, used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, made readable by its owner only, and create missing tables."""
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA cache_size=-4096")
        self._connection.executescript(_SCHEMA)
        self._readers: list[sqlite3.Connection] = []
        self._depth = 0
        self._deal_total: int | None = None

    def close(self) -> None:
        """Close the file."""
        for connection in (*self._readers, self._connection):
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, or nothing of it; nests into the outermost one."""
        if self._depth:
            yield
            return
        self._depth = 1
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._deal_total = None
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._depth = 0

    def setting(self, name: str, default: int) -> int:
        """Return a stored whole number, or the default."""
        row = self._connection.execute(
            "SELECT value FROM setting WHERE name = ?", (name,)
        ).fetchone()
        return default if row is None else int(row[0])

    def set_setting(self, name: str, value: int) -> None:
        """Store a whole number under a name."""
        self._connection.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = ?",
            (name, str(value), str(value)),
        )

    def take_tickets(self, kind: str, count: int, first: int = 1) -> int:
        """Reserve consecutive numbers of a kind and return the first of them."""
        rows = self._connection.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) "
            "DO UPDATE SET value = CAST(value AS INTEGER) + ? RETURNING CAST(value AS INTEGER)",
            (f"next_{kind}", str(first + count), count),
        ).fetchall()
        return int(rows[0][0]) - count

    def groups(self) -> list[dict[str, Any]]:
        """Return every group's record in the server's order."""
        rows = self._connection.execute("SELECT record FROM trading_group ORDER BY place, name")
        return [json.loads(record) for (record,) in rows]

    def put_group(self, name: str, place: int, record: dict[str, Any]) -> None:
        """Add or replace a group's record."""
        self._connection.execute(
            "INSERT INTO trading_group VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET record = excluded.record",
            (name, place, json.dumps(record)),
        )

    def remove_group(self, name: str) -> None:
        """Delete a group."""
        self._connection.execute("DELETE FROM trading_group WHERE name = ?", (name,))

    def account(self, login: int) -> AccountRow | None:
        """Return one account, or None."""
        row = self._connection.execute("SELECT * FROM account WHERE login = ?", (login,)).fetchone()
        return None if row is None else AccountRow(*row)

    def accounts(
        self, *, logins: Sequence[int] | None = None, groups: Sequence[str] | None = None
    ) -> Iterator[AccountRow]:
        """Yield accounts by login list or by group names, in order of login."""
        column, values = ("login", logins) if logins is not None else ("group_name", groups or ())
        where = f"{column} IN ({_marks(len(values or ()))})"
        sql = f"SELECT * FROM account WHERE {where} ORDER BY login"  # noqa: S608
        return map(AccountRow._make, self._connection.execute(sql, tuple(values or ())))

    def account_total(self) -> int:
        """Return how many accounts there are."""
        return int(self._connection.execute("SELECT count(*) FROM account").fetchone()[0])

    def last_login(self, first: int, last: int) -> int | None:
        """Return the highest login in use between two numbers, or None."""
        row = self._connection.execute(
            "SELECT max(login) FROM account WHERE login BETWEEN ? AND ?", (first, last)
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def put_account(self, row: AccountRow) -> None:
        """Add or replace an account."""
        self._connection.execute(
            f"INSERT OR REPLACE INTO account VALUES ({_marks(len(row))})",  # noqa: S608
            row,
        )

    def remove_account(self, login: int) -> None:
        """Delete an account; its deals stay."""
        self._connection.execute("DELETE FROM account WHERE login = ?", (login,))

    def add_funds(self, login: int, *, balance: int = 0, credit: int = 0) -> None:
        """Change an account's balance and credit by these amounts."""
        self._connection.execute(
            "UPDATE account SET balance = balance + ?, credit = credit + ? WHERE login = ?",
            (balance, credit, login),
        )

    def deal_total(self) -> int:
        """Return how many deals there are; counted once, and kept up to date from then on."""
        if self._deal_total is None:
            row = self._connection.execute("SELECT count(*) FROM deal").fetchone()
            self._deal_total = int(row[0])
        return self._deal_total

    def add_deals(self, rows: Iterable[Deal]) -> None:
        """Add new deals in one set."""
        cursor = self._connection.executemany(
            f"INSERT INTO deal VALUES ({_marks(len(Deal._fields))})",  # noqa: S608
            rows,
        )
        if self._deal_total is not None:
            self._deal_total += cursor.rowcount

    def change_deal(self, row: Deal) -> None:
        """Put a deal in the place of the one with its ticket, as a dealer may."""
        self._connection.execute(
            f"REPLACE INTO deal VALUES ({_marks(len(Deal._fields))})",  # noqa: S608
            row,
        )
        self._deal_total = None

    def remove_deal(self, ticket: int) -> None:
        """Delete a deal, as a dealer may."""
        self._connection.execute("DELETE FROM deal WHERE ticket = ?", (ticket,))
        self._deal_total = None

    def positions(
        self, *, login: int | None = None, groups: Sequence[str] | None = None
    ) -> list[Position]:
        """Return the open positions of one login or of some groups, oldest first."""
        sql, values = "SELECT position.* FROM position", list[object]()
        if login is not None:
            sql += " WHERE position.login = ?"
            values.append(login)
        elif groups is not None:
            sql += f" JOIN account USING (login) WHERE group_name IN ({_marks(len(groups))})"
            values.extend(groups)
        rows = self._connection.execute(sql + " ORDER BY position.ticket", values)
        return [Position(*row) for row in rows]

    def position(self, ticket: int) -> Position | None:
        """Return one open position, or None."""
        row = self._connection.execute(
            "SELECT * FROM position WHERE ticket = ?", (ticket,)
        ).fetchone()
        return None if row is None else Position(*row)

    def put_positions(self, rows: Iterable[Position]) -> None:
        """Add or replace open positions."""
        self._connection.executemany(
            f"INSERT OR REPLACE INTO position VALUES ({_marks(len(Position._fields))})",  # noqa: S608
            rows,
        )

    def remove_position(self, ticket: int) -> None:
        """Delete a position that was closed."""
        self._connection.execute("DELETE FROM position WHERE ticket = ?", (ticket,))

    def put_request(self, number: int, record: dict[str, Any]) -> None:
        """Keep the result of a dealer request."""
        self._connection.execute(
            "INSERT OR REPLACE INTO request VALUES (?, ?)", (number, json.dumps(record))
        )

    def request(self, number: int) -> dict[str, Any] | None:
        """Return the result of a dealer request, or None."""
        row = self._connection.execute(
            "SELECT record FROM request WHERE id = ?", (number,)
        ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def snapshot_rows(self, sql: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        """Yield a select's rows as they stand now, however long the caller takes to read them.

        A connection of its own keeps the snapshot, so that others may write meanwhile; it is
        kept for the next select.
        """
        reader = self._readers.pop() if self._readers else sqlite3.connect(self._path)
        cursor = reader.cursor()
        try:
            yield from cursor.execute(sql, tuple(values))
        finally:
            cursor.close()
            self._readers.append(reader)

    def rows(self, sql: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a select that the queries module wrote."""
        return iter(self._connection.execute(sql, tuple(values)))
