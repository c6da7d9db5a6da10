"""All texts of one language as a PO file, and what such a file would change. Pure.

A file is read as data of strangers: its size and the number of its entries are limited, it has
to be UTF-8, nothing of its header is believed, and each text passes the checks of the form.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from babel.messages import Catalog
from babel.messages.catalog import Message
from babel.messages.pofile import PoFileError, read_po, write_po

from backoffice.models import TextOverride
from backoffice.settings import own_texts, text_rules
from backoffice.settings.own_texts import Change
from kernel.clock import now
from kernel.errors import InvalidInput
from themes import texts

BYTES_MAX = 1024 * 1024
ENTRIES_MAX = 5000
_CHARSET = re.compile(r"charset=([^\\\s\"]{0,40})", re.IGNORECASE)
_STARTS = re.compile(r"^\s*msgid\s", re.MULTILINE)


@dataclass(frozen=True)
class Refused:
    """An entry that is left out, and why."""

    key: str
    said: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What a file would do: how many entries were read, what changes, what is left out."""

    read: int
    same: int
    empty: int
    changes: list[Change] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unknown: list[Refused] = field(default_factory=list)


def written(language: str, own: Sequence[TextOverride]) -> bytes:
    """Write every text of a language: in the brokerage's own words, else in the product's."""
    known = {row.key_hash: row for row in own}
    made = Catalog(
        locale=language,
        project="Texts",
        version="1",
        header_comment="# What is left as it is stays the product's text.",
        revision_date=now(),
        fuzzy=False,
    )
    for key_hash, text in texts.every().items():
        row = known.get(key_hash)
        fits = row is not None and own_texts.fits(text, row)
        forms = row.forms if row is not None and fits else text.forms[language]
        comments = [", ".join(sorted(text.surfaces))]
        if text.counted:
            made.add(text.forms["en"], tuple(forms), auto_comments=comments)
        else:
            made.add(text.key, forms[0], auto_comments=comments)
    target = io.BytesIO()
    write_po(target, made, sort_output=True, width=100, no_location=True)
    return target.getvalue()


def plan(data: bytes, language: str, own: Sequence[TextOverride]) -> Plan:
    """Say what a file would change; raise InvalidInput for `po_file` when it can't be read."""
    catalogue = _read(data, language)
    known = {row.key_hash: row for row in own}
    read = same = empty = 0
    made = Plan(0, 0, 0)
    for message in catalogue:
        if not message.id:
            continue
        read += 1
        forms = _forms(message)
        key = message.id[0] if isinstance(message.id, tuple) else str(message.id)
        text = texts.every().get(texts.hash_of(key))
        if not any(forms):
            empty += 1
        elif text is None or message.context:
            made.unknown.append(Refused(key[:200], " / ".join(forms)[:200], "Unknown"))
        else:
            found = _one(message, text, language, forms, known.get(text.hash))
            if isinstance(found, Refused):
                made.refused.append(found)
            elif found is not None:
                made.changes.append(found)
            else:
                same += 1
    return Plan(read, same, empty, made.changes, made.refused, made.unknown)


def _one(
    message: Message,
    text: texts.Text,
    language: str,
    forms: Sequence[str],
    row: TextOverride | None,
) -> Change | Refused | None:
    """Return what an entry changes, why it is left out, or None when it changes nothing."""
    wanted = text_rules.form_count(text, language)
    why = ""
    if message.fuzzy:
        why = "It is marked as not sure (fuzzy)."
    elif len(forms) != wanted:
        why = f"It has {len(forms)} forms; this text has {wanted}."
    kept, errors = text_rules.checked(text, language, forms)
    why = why or next(filter(None, errors), "")
    if why:
        return Refused(text.key, " / ".join(forms)[:200], why)
    before = tuple(row.forms) if row is not None else text.forms[language]
    if kept == before:
        return None
    seen = row.version if row is not None else 0
    return Change(text, language, before, None if kept == text.forms[language] else kept, seen)


def _forms(message: Message) -> tuple[str, ...]:
    said = message.string
    return tuple(said) if isinstance(said, (tuple, list)) else (said or "",)


def _read(data: bytes, language: str) -> Catalog:
    if not data:
        raise _refused("Choose a PO file first.")
    if len(data) > BYTES_MAX:
        raise _refused("This is larger than 1 MB. Nothing was read.")
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused("The file is not UTF-8. Save it as UTF-8 and choose it again.") from None
    for charset in _CHARSET.findall(content[:4000]):
        if charset.lower().replace("_", "-") not in ("utf-8", "utf8", "charset", "us-ascii"):
            raise _refused("The file's header names another charset than UTF-8.")
    if "\x00" in content:
        raise _refused("This is no PO file. Nothing was read.")
    keys = _STARTS.findall(content)
    if not keys:
        raise _refused("This is no PO file: it has no msgid. Nothing was read.")
    if len(keys) > ENTRIES_MAX:
        raise _refused(f"The file has more than {ENTRIES_MAX} entries. Nothing was read.")
    try:
        # The header is left out: language, charset and forms are those that we know.
        return read_po(_bodies(content), locale=language, abort_invalid=True, ignore_obsolete=True)
    except (PoFileError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _refused("The file can't be read as PO. Check it in a PO editor.") from None


def _bodies(content: str) -> io.StringIO:
    """Return the content without its header, the entry whose key is empty."""
    header = re.compile(
        r'^msgid[ \t]+""[ \t]*\r?\nmsgstr[ \t]+"[^\n]*\n(?:"[^\n]*\n?)*', re.MULTILINE
    )
    return io.StringIO(header.sub("", content.replace("\r\n", "\n"), count=1))


def _refused(text: str) -> InvalidInput:
    return InvalidInput({"po_file": text})


def carried(changes: Sequence[Change]) -> list[Mapping[str, object]]:
    """Return what a dry run hands to its form: keys, forms and versions, checked again then."""
    return [
        {"hash": one.text.hash, "forms": list(one.after or ()), "seen": one.seen} for one in changes
    ]


def taken(body: object, language: str, own: Sequence[TextOverride]) -> list[Change]:
    """Read what a dry run handed over; raise InvalidInput for what it can't have written."""
    known = {row.key_hash: row for row in own}
    made: dict[str, Change] = {}
    try:
        entries = body if isinstance(body, list) and len(body) <= ENTRIES_MAX else None
        for entry in entries or ():
            text = texts.every()[entry["hash"]]
            kept, errors = text_rules.checked(text, language, [str(one) for one in entry["forms"]])
            row = known.get(text.hash)
            before = tuple(row.forms) if row else text.forms[language]
            if entry["forms"] and any(errors):
                raise ValueError(text.hash)
            after = kept if entry["forms"] else None
            made[text.hash] = Change(text, language, before, after, int(entry["seen"]))
    except (KeyError, TypeError, ValueError):
        entries = None
    if entries is None:
        raise _refused("The changes could not be read. Choose the file again.")
    return list(made.values())
