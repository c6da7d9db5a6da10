"""The language a person reads: texts from gettext catalogues, chosen once for each request.

The English text is the key. A catalogue is one PO file a language in the folder that the themes
name; it is read when its language is first asked for and kept for the life of the process.
Nothing that is stored is ever translated: only what is shown now, to whoever asks now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import NamedTuple

from babel.messages.pofile import read_po

SOURCE = "en"
LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "ar": "العربية"}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_LANGUAGE: ContextVar[str] = ContextVar("language", default=SOURCE)
_FOLDERS: list[Path] = []


class _Texts(NamedTuple):
    """One catalogue: plain texts, texts with a number, and which of their forms a number takes."""

    plain: dict[str, str]
    counted: dict[str, tuple[str, ...]]
    form: Callable[[int], int]


def read_from(folder: Path) -> None:
    """Read catalogues from `folder/<language>/LC_MESSAGES/messages.po` from now on."""
    _FOLDERS[:] = [folder]
    _texts.cache_clear()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Make every text inside answer in a language such as `de` or `de-AT`."""
    token = _LANGUAGE.set(language.partition("-")[0])
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def speak(language: str) -> None:
    """Make every text from here to the end of the `speaking` around it answer in a language."""
    _LANGUAGE.set(language.partition("-")[0])


def current() -> str:
    """Return the language of this request: two letters."""
    return _LANGUAGE.get()


def direction(language: str) -> str:
    """Return `rtl` for a language that is written to the left, else `ltr`."""
    return "rtl" if language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def gettext(text: str) -> str:
    """Return the English text in the language of this request, or itself without a catalogue."""
    language = _LANGUAGE.get()
    if language == SOURCE:
        return text
    return _texts(language).plain.get(text, text)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the text for a number; `%d` is still in it. Arabic has six forms, others two."""
    language = _LANGUAGE.get()
    if language != SOURCE:
        texts = _texts(language)
        forms = texts.counted.get(one)
        if forms is not None:
            return forms[min(texts.form(count), len(forms) - 1)]
    return one if count == 1 else many


def marked(text: str) -> str:
    """Return the text itself: it is shown later, and belongs into the catalogues."""
    return text


@cache
def _texts(language: str) -> _Texts:
    file = _FOLDERS[0] / language / "LC_MESSAGES" / "messages.po" if _FOLDERS else None
    if file is None or language not in LANGUAGES or not file.is_file():
        return _Texts({}, {}, lambda count: int(count != 1))
    with file.open("rb") as source:
        catalogue = read_po(source, locale=language)
    plain: dict[str, str] = {}
    counted: dict[str, tuple[str, ...]] = {}
    for message in catalogue:
        if message.id and isinstance(message.string, str):
            plain[str(message.id)] = message.string
        elif message.id:
            counted[message.id[0]] = tuple(message.string or ())
    return _Texts(plain, counted, c2py(catalogue.plural_expr))
