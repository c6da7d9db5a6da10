"""The texts of the product in the brokerage's own words: written, taken back, written by a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backoffice import queries
from backoffice.events import TextsChanged
from backoffice.models import TextOverride
from backoffice.settings import text_rules
from identity import audit
from kernel.actor import SYSTEM, Actor
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.events import record
from kernel.ids import uuid7
from kernel.language import LANGUAGES, Own
from themes import texts
from themes.texts import Text

# Four languages of all the product's texts, twice: those of earlier versions stay for a while.
ROWS_MAX = 10_000
_MEANWHILE = (
    "Somebody else has changed this text in the meantime. Theirs is below the field; save again"
    " to put yours in its place."
)


def text_at(language: str, key_hash: str) -> Text:
    """Return a text of the product; raise NotFound for an unknown one or language."""
    found = texts.every().get(key_hash)
    if found is None or language not in LANGUAGES:
        raise NotFound
    return found


async def write(
    session: TenantSession, *, language: str, text: Text, typed: Sequence[str], seen: int
) -> bool:
    """Put the brokerage's words in the place of the product's; say whether that changes anything.

    `seen` is the version that whoever writes has read, 0 for none. Raises InvalidInput for
    `form_0`, `form_1`, ..., Conflict when it has changed since. The product's own words typed
    again take the brokerage's back.
    """
    forms, errors = text_rules.checked(text, language, typed)
    wrong = {f"form_{at}": error for at, error in enumerate(errors) if error}
    if wrong:
        raise InvalidInput(wrong)
    await _require_room(session, 1)
    row = await _seen(session, language=language, key_hash=text.hash, seen=seen)
    if forms == text.forms[language]:
        changed = await _take_back(session, row)
    else:
        changed = await _put(session, row, language=language, text=text, forms=forms)
    if changed:
        record(session, TextsChanged(1))
    return changed


async def take_back(session: TenantSession, *, language: str, key_hash: str, seen: int) -> bool:
    """Use the product's words again, also of a text the product has no more; raise Conflict."""
    row = await _seen(session, language=language, key_hash=key_hash, seen=seen)
    changed = await _take_back(session, row)
    if changed:
        record(session, TextsChanged(1))
    return changed


@dataclass(frozen=True)
class Change:
    """One text that a file says otherwise: its forms before and after; `after` None: taken back."""

    text: Text
    language: str
    before: tuple[str, ...]
    after: tuple[str, ...] | None
    seen: int


async def write_all(session: TenantSession, changes: Sequence[Change]) -> int:
    """Carry out what a file changes, all or nothing; raise Conflict when one has moved on."""
    await _require_room(session, len(changes))
    done = 0
    for one in sorted(changes, key=lambda change: (change.text.hash, change.language)):
        row = await _seen(session, language=one.language, key_hash=one.text.hash, seen=one.seen)
        if one.after is None:
            done += await _take_back(session, row)
        else:
            done += await _put(session, row, language=one.language, text=one.text, forms=one.after)
    if done:
        record(session, TextsChanged(done))
    return done


async def overlay(session: TenantSession) -> Own:
    """Return the brokerage's own texts as they are spoken.

    One whose original has changed so that its words do not fit any more is left out.
    """
    known = texts.every()
    spoken: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in await queries.own_texts(session):
        text = known.get(row.key_hash)
        if text is not None and row.language in LANGUAGES and fits(text, row):
            spoken.setdefault(row.language, {})[text.key] = tuple(row.forms)
    return Own(spoken)


def fits(text: Text, row: TextOverride) -> bool:
    """Say whether an own text still has the forms and what is filled in of the product's."""
    if len(row.forms) != text_rules.form_count(text, row.language):
        return False
    return not any(text_rules.checked(text, row.language, row.forms)[1])


async def _require_room(session: TenantSession, more: int) -> None:
    if await queries.count_own_texts(session) + more > ROWS_MAX:
        raise Conflict(f"A brokerage has at most {ROWS_MAX} texts of its own. Take some back.")


async def _seen(
    session: TenantSession, *, language: str, key_hash: str, seen: int
) -> TextOverride | None:
    row = await queries.own_text(session, language=language, key_hash=key_hash, locked=True)
    if (row.version if row else 0) != seen:
        raise Conflict(_MEANWHILE)
    return row


async def _put(
    session: TenantSession,
    row: TextOverride | None,
    *,
    language: str,
    text: Text,
    forms: tuple[str, ...],
) -> bool:
    actor: Actor = session.info.get("actor", SYSTEM)
    moment = now()
    values: Mapping[str, Any] = {
        "forms": list(forms),
        "changed_by": actor.label[:120],
        "changed_at": moment,
        # No version comes twice, also when a text was taken back and written again.
        "version": int(moment.timestamp() * 1_000_000),
    }
    before = list(row.forms) if row is not None else None
    if before == values["forms"]:
        return False
    if row is not None:
        for name, value in values.items():
            setattr(row, name, value)
        await session.flush()
    else:
        added = await queries.add_own_text(
            session,
            id=uuid7(),
            language=language,
            key_hash=text.hash,
            key=text.key,
            **values,
        )
        if not added:
            raise Conflict(_MEANWHILE)
    _trail(session, language, text.hash, text.key, before=before, after=list(forms))
    return True


async def _take_back(session: TenantSession, row: TextOverride | None) -> bool:
    if row is None:
        return False
    await session.delete(row)
    await session.flush()
    _trail(session, row.language, row.key_hash, row.key, before=list(row.forms), after=None)
    return True


def _trail(
    session: TenantSession,
    language: str,
    key_hash: str,
    key: str,
    *,
    before: list[str] | None,
    after: list[str] | None,
) -> None:
    audit.record(
        session,
        "backoffice.text.change",
        subject=("text", f"{language}/{key_hash}"),
        before={"text": key[:200], "forms": before},
        after={"forms": after},
    )
