"""The parameters of one command: from the query and the JSON body, which overrides it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .protocol import PARAMETERS, Refused

_DIGITS_MAX = 18


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise Refused(PARAMETERS)
    return int(text)


@dataclass(frozen=True, slots=True)
class Call:
    """One command's parameters: the query's names in lower case, and the body's object."""

    query: Mapping[str, str]
    body: Mapping[str, Any]

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter; the body, in either spelling, overrides the query."""
        if not self.body:
            return self.query.get(name, default)
        for key in (name.title().replace("_", ""), name):
            if key in self.body and not isinstance(self.body[key], dict):
                value = self.body[key]
                return ",".join(map(str, value)) if isinstance(value, list) else str(value)
        return self.query.get(name, default)

    def number(self, name: str, default: int | None = None) -> int:
        """Return a whole number of zero or more; raise Refused 3 when it is missing or bad."""
        text = self.text(name).strip()
        if not text and default is not None:
            return default
        return _whole(text)

    def numbers(self, name: str) -> list[int]:
        """Return a comma list of whole numbers; raise Refused 3 when it is empty or bad."""
        parts = [part.strip() for part in self.text(name).split(",") if part.strip()]
        if not parts:
            raise Refused(PARAMETERS)
        return [_whole(part) for part in parts]

    def required(self, name: str) -> str:
        """Return a text parameter; raise Refused 3 when it is missing."""
        text = self.text(name)
        if not text:
            raise Refused(PARAMETERS)
        return text
