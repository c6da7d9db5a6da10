"""Hot path: the selects over deals and the counts that tests ask for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .storage import Deal, Store

_BALANCE_ACTIONS = "action BETWEEN 2 AND 6"


@dataclass(frozen=True, slots=True)
class DealFilter:
    """Which deals: by logins, by groups, or by tickets; times are server-wall seconds."""

    logins: Sequence[int] | None = None
    groups: Sequence[str] | None = None
    tickets: Sequence[int] | None = None
    since: int | None = None
    until: int | None = None
    symbols: Sequence[str] = ()

    def where(self) -> tuple[str, list[object]]:
        """Return the joins and conditions in SQL and their values."""
        parts, values = list[str](), list[object]()

        def among(column: str, wanted: Sequence[object]) -> None:
            parts.append(f"{column} IN ({','.join('?' * len(wanted))})")
            values.extend(wanted)

        join = ""
        if self.tickets is not None:
            among("ticket", self.tickets)
        if self.logins is not None:
            among("deal.login", self.logins)
        if self.groups is not None:
            join = " JOIN account ON account.login = deal.login"
            among("group_name", self.groups)
        if self.since is not None:
            parts.append("time_ms >= ?")
            values.append(self.since * 1000)
        if self.until is not None:
            parts.append("time_ms < ?")
            values.append((self.until + 1) * 1000)
        if self.symbols:
            among("symbol", self.symbols)
        return f"{join} WHERE {' AND '.join(parts) or '1'}", values


def deals(store: Store, wanted: DealFilter, *, offset: int = 0, limit: int = -1) -> Iterator[Deal]:
    """Yield deals in order of time, then ticket."""
    where, values = wanted.where()
    sql = f"SELECT deal.* FROM deal{where} ORDER BY time_ms, ticket LIMIT ? OFFSET ?"  # noqa: S608
    return map(Deal._make, store.snapshot_rows(sql, [*values, limit, offset]))


def deal_total(store: Store, wanted: DealFilter) -> int:
    """Return how many deals match."""
    where, values = wanted.where()
    sql = f"SELECT count(*) FROM deal{where}"  # noqa: S608
    return int(next(store.rows(sql, values))[0])


def deals_with_comment(store: Store, comment: str) -> Iterator[Deal]:
    """Yield the balance deals whose comment begins with this text."""
    sql = (
        f"SELECT * FROM deal WHERE {_BALANCE_ACTIONS} AND comment <> '' "  # noqa: S608
        "AND comment >= ? AND comment < ? || char(1114111) ORDER BY ticket"
    )
    return map(Deal._make, store.rows(sql, [comment, comment]))


def balance_deals_of(store: Store, login: int) -> Iterator[Deal]:
    """Yield the balance deals of one login."""
    sql = f"SELECT * FROM deal WHERE login = ? AND {_BALANCE_ACTIONS} ORDER BY ticket"  # noqa: S608
    return map(Deal._make, store.rows(sql, [login]))


def logins_by_text(store: Store, column: str, text: str) -> list[int]:
    """Return the logins whose ``external_id`` or ``comment`` begins with this text."""
    if column not in ("external_id", "comment"):
        raise ValueError("only external_id and comment are searched")
    sql = f"SELECT login FROM account WHERE substr({column}, 1, length(?)) = ?"  # noqa: S608
    return [int(login) for (login,) in store.rows(sql + " ORDER BY login", [text, text])]


def solvent_logins(store: Store, minimum: int) -> list[int]:
    """Return the logins with at least this balance (1e-8), lowest first."""
    sql = "SELECT login FROM account WHERE balance >= ? ORDER BY login"
    return [int(login) for (login,) in store.rows(sql, [minimum])]


def trade_counts(store: Store) -> dict[str, Any]:
    """Return how many accounts, deals and open positions the server holds."""
    sql = "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM position)"
    users, positions = next(store.rows(sql, []))
    return {"users": users, "deals": store.deal_total(), "positions": positions}
