"""What may be changed about roles, and what a change means; no session, no request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from identity.roles import OWNER, Grants

OFF = "off"
ACTIONS = ("read", "request", "change", "approve", "export", "reveal")
# Actions that stand in a column of the matrix under another name.
_LIKE = {"create": "change", "publish": "approve"}
SCOPE_WORDS = {
    "own": "their own",
    "desk": "their desk's",
    "branch": "their branch's",
    "subtree": "their part of the tree",
    "all": "everybody's",
}
# Without these nobody could manage roles any more, so the role owner keeps them.
CORE = ("identity.role.read", "identity.role.change")
_APPS = {
    "crm": "CRM",
    "clients": "Clients",
    "compliance": "Compliance",
    "treasury": "Money",
    "ledger": "Book",
    "trading": "Trading",
    "revenue": "Revenue",
    "introducers": "Partners",
    "messaging": "Mail and templates",
    "approvals": "Approvals",
    "identity": "People and access",
    "backoffice": "Back Office",
}
# A permission whose name ends so shows what other roles see masked.
_UNMASKS = (".contact.read", ".contact.reveal")


@dataclass(frozen=True)
class Cell:
    """One permission in the matrix, with the scopes that it knows, the narrowest first."""

    permission: str
    action: str
    words: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Area:
    """A row of the matrix: what a room keeps, with its permissions by action."""

    app: str
    noun: str
    cells: tuple[Cell, ...]

    def of(self, action: str) -> list[Cell]:
        """Return the cells of a column."""
        return [cell for cell in self.cells if cell.action == action]


@dataclass(frozen=True)
class Change:
    """A permission whose scope changes for a role; `off` stands for none."""

    permission: str
    words: str
    before: str
    after: str

    @property
    def opens(self) -> bool:
        """Say whether somebody may do more after it."""
        return wider(self.after, self.before)


def wider(one: str, other: str) -> bool:
    """Say whether a scope reaches further than another; `off` reaches nothing."""
    return _reach(one) > _reach(other)


def _reach(scope: str) -> int:
    """Return a scope's place among all; one that there is not is taken for the widest."""
    order = (OFF, *SCOPE_WORDS)
    return order.index(scope) if scope in order else len(order)


def narrower(one: str, other: str) -> str:
    """Return the scope of two that reaches less far."""
    return other if wider(one, other) else one


def scopes(grants: Grants) -> dict[str, tuple[str, ...]]:
    """Return which scopes each permission knows, after what the rooms' own defaults use.

    A room that does not look at whose a record is must not offer a scope that it would ignore.
    """
    order = tuple(SCOPE_WORDS)
    return {
        name: tuple(scope for scope in order if scope in {*by_role.values(), "all"})
        for name, by_role in grants.items()
    }


def areas(permissions: Mapping[str, str], grants: Grants) -> list[Area]:
    """Return the matrix: what each app keeps, in the order of the apps."""
    known = scopes(grants)
    cells: dict[tuple[str, str], list[Cell]] = {}
    for name, words in permissions.items():
        room, noun, action = name.split(".")
        cell = Cell(name, _LIKE.get(action, action), words, known.get(name, ("all",)))
        cells.setdefault((room, noun), []).append(cell)
    order = list(_APPS)
    return [
        Area(_APPS.get(room, room), noun.replace("_", " ").capitalize(), tuple(found))
        for (room, noun), found in sorted(cells.items(), key=lambda one: order.index(one[0][0]))
    ]


def version(grants: Mapping[str, str]) -> str:
    """Return a word for exactly these grants: an editor sends back which ones it showed."""
    text = "\n".join(f"{name} {scope}" for name, scope in sorted(grants.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changes(
    before: Mapping[str, str], wanted: Mapping[str, str], permissions: Mapping[str, str]
) -> list[Change]:
    """Return what differs, in the order of the catalogue; `wanted` names what was decided."""
    return [
        Change(name, words, before.get(name, OFF), wanted[name])
        for name, words in permissions.items()
        if name in wanted and wanted[name] != before.get(name, OFF)
    ]


def dangers(grants: Mapping[str, str]) -> list[str]:
    """Return in a sentence each what these grants should not be given together."""
    found = []
    for name in grants:
        room, noun, action = name.split(".")
        if action == "approve" and f"{room}.{noun}.request" in grants:
            found.append(f"May ask for and approve the same thing: {noun.replace('_', ' ')}.")
        if action == "export" and noun in ("client", "lead"):
            contact = f"{room}.contact"
            if f"{contact}.read" in grants or f"{contact}.reveal" in grants:
                found.append(
                    f"May see contacts and export {noun}s: a whole address book can leave."
                )
    if "treasury.connection.change" in grants and "treasury.deposit.approve" in grants:
        found.append("May change payment providers and decide about the deposits they report.")
    if "identity.role.change" in grants and "identity.audit.read" not in grants:
        found.append("May change roles without seeing the audit trail.")
    return found


def unmasked(grants: Mapping[str, str], permissions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a role sees unmasked: a sentence, and whose."""
    return [
        (words, SCOPE_WORDS[grants[name]])
        for name, words in permissions.items()
        if name.endswith(_UNMASKS) and name in grants
    ]


def may_give(
    permission: str,
    scope: str,
    *,
    held: Mapping[str, str],
    owner: bool,
    oneself: bool,
    first: Mapping[str, str],
) -> bool:
    """Say whether somebody may open a permission so far.

    Everybody may give what they hold, in no wider scope. An owner may besides give to others
    what duties that must stay apart keep from an owner, but never to themselves (`oneself`);
    to the role owner only what it had at `first`.
    """
    if not wider(scope, held.get(permission, OFF)):
        return True
    if not owner:
        return False
    return not oneself or not wider(scope, first.get(permission, OFF))


def beyond(
    wanted: Iterable[tuple[str, str]],
    *,
    held: Mapping[str, str],
    owner: bool,
    oneself: bool,
    first: Mapping[str, str],
) -> list[str]:
    """Return the permissions among these that somebody may not give."""
    return [
        name
        for name, scope in wanted
        if not may_give(name, scope, held=held, owner=owner, oneself=oneself, first=first)
    ]


def first_of_owner(grants: Grants) -> dict[str, str]:
    """Return what the role owner is granted at first."""
    return {name: by_role[OWNER] for name, by_role in grants.items() if OWNER in by_role}


def seen_by_both(
    role: Mapping[str, str], looker: Mapping[str, str], *, same_person: bool
) -> dict[str, str]:
    """Return what a role's holder and who looks on may both do, each in the narrower scope.

    What reaches only the looker's own records is left out unless the looker is that holder:
    the two do not own the same records.
    """
    return {
        name: narrower(scope, looker[name])
        for name, scope in role.items()
        if name in looker and (same_person or looker[name] != "own")
    }
