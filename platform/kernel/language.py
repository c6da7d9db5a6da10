"""The language a person reads: texts from gettext catalogues, chosen once for each request.

The English text is the key. A catalogue is one PO file a language in the folder that the themes
name; it is read when its language is first asked for and kept for the life of the process.
Nothing that is stored is ever translated: only what is shown now, to whoever asks now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
_FOLDERS: list[Path] = []


class _Texts(NamedTuple):
    """One catalogue: plain texts, texts with a number, and which of their forms a number takes."""

    plain: Mapping[str, str]
    counted: Mapping[str, tuple[str, ...]]
    form: Callable[[int], int]


def _two(count: int) -> int:
    return int(count != 1)


class Own:
    """A brokerage's own texts: by language, by English text, all forms (one, if not counted)."""

    __slots__ = ("_counted", "_plain")

    def __init__(self, texts: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
        """Take them apart into plain and counted ones."""
        self._plain: dict[str, dict[str, str]] = {}
        self._counted: dict[str, dict[str, tuple[str, ...]]] = {}
        for language, by_key in texts.items():
            for key, forms in by_key.items():
                if len(forms) == 1:
                    self._plain.setdefault(language, {})[key] = forms[0]
                else:
                    self._counted.setdefault(language, {})[key] = forms

    def voice(self, language: str) -> _Voice:
        """Return how a language is spoken with them."""
        return _Voice(
            language, _texts(language), self._plain.get(language), self._counted.get(language), self
        )


class _Voice:
    """What texts are looked up in: a brokerage's own first, where there are any."""

    __slots__ = ("counted", "form", "language", "own", "own_counted", "own_plain", "plain")

    def __init__(
        self,
        language: str,
        texts: _Texts,
        own_plain: Mapping[str, str] | None = None,
        own_counted: Mapping[str, tuple[str, ...]] | None = None,
        own: Own | None = None,
    ) -> None:
        self.language = language
        self.own = own
        self.plain, self.counted, self.form = texts
        self.own_plain = own_plain
        self.own_counted = own_counted


NONE = Own({})
_OWN: ContextVar[Own] = ContextVar("own_texts", default=NONE)
_ENGLISH = _Voice(SOURCE, _Texts({}, {}, _two))
_VOICE: ContextVar[_Voice] = ContextVar("voice", default=_ENGLISH)


def read_from(folder: Path) -> None:
    """Read catalogues from `folder/<language>/LC_MESSAGES/messages.po` from now on."""
    _FOLDERS[:] = [folder]
    _texts.cache_clear()


@contextmanager
def speaking(language: str, *, own: Own | None = None, plainly: bool = False) -> Iterator[None]:
    """Make every text inside answer in a language such as `de` or `de-AT`.

    `own` are the texts of the brokerage whose request or job this is; without them those of the
    `speaking` around hold. What is said `plainly` uses none of them: pages of staff do, though
    what they make for clients inside does not.
    """
    before = _OWN.set(own) if own is not None else None
    token = _VOICE.set(_voice(language, plainly=plainly))
    try:
        yield
    finally:
        _VOICE.reset(token)
        if before is not None:
            _OWN.reset(before)


def speak(language: str) -> None:
    """Make every text from here to the end of the `speaking` around it answer in a language."""
    _VOICE.set(_voice(language))


def _voice(language: str, *, plainly: bool = False) -> _Voice:
    return (NONE if plainly else _OWN.get()).voice(language.partition("-")[0])


def current() -> str:
    """Return the language of this request: two letters."""
    return _VOICE.get().language


def voice() -> tuple[str, Own | None]:
    """Return all that texts depend on: the language, and whose own texts come first."""
    found = _VOICE.get()
    return found.language, found.own


def direction(language: str) -> str:
    """Return `rtl` for a language that is written to the left, else `ltr`."""
    return "rtl" if language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def gettext(text: str) -> str:
    """Return the English text in the language of this request, or itself without a catalogue."""
    voice = _VOICE.get()
    if voice.own_plain is not None:
        found = voice.own_plain.get(text)
        if found is not None:
            return found
    return voice.plain.get(text, text)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the text for a number; `%d` is still in it. Arabic has six forms, others two."""
    voice = _VOICE.get()
    forms = voice.own_counted.get(one) if voice.own_counted is not None else None
    if forms is None:
        forms = voice.counted.get(one)
    if forms is None:
        return one if count == 1 else many
    return forms[min(voice.form(count), len(forms) - 1)]


def marked(text: str) -> str:
    """Return the text itself: it is shown later, and belongs into the catalogues."""
    return text


@cache
def _texts(language: str) -> _Texts:
    file = _FOLDERS[0] / language / "LC_MESSAGES" / "messages.po" if _FOLDERS else None
    if file is None or language not in LANGUAGES or not file.is_file():
        return _Texts({}, {}, _two)
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
