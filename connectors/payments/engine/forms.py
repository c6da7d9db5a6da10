"""The administrator's form of a provider, from its file, and what is wrong with what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from connectors.payments.engine.definitions import Provider

_LENGTH_MAX = 4096


@dataclass(frozen=True, slots=True)
class Field:
    """One field to fill in. A secret is written and never shown; `lines` may hold several."""

    name: str
    label: str
    help: str
    kind: Literal["text", "secret", "url"]
    required: bool


def fields(provider: Provider) -> tuple[Field, ...]:
    """Return the fields of a provider's form, in the order of its file."""
    kinds: dict[str, Literal["text", "secret", "url"]] = {
        "string": "text",
        "secret": "secret",
        "url": "url",
    }
    return tuple(
        Field(one.name, one.label, one.help, kinds[one.kind], not one.optional)
        for one in provider.credentials.values()
    )


def faults(provider: Provider, typed: Mapping[str, str]) -> dict[str, str]:
    """Return what to mend, by field; empty when the form can be saved."""
    found = {}
    for field in fields(provider):
        text = typed.get(field.name, "").strip()
        if not text:
            if field.required:
                found[field.name] = f"Fill in: {field.label}."
        elif len(text) > _LENGTH_MAX:
            found[field.name] = "This is too long to be one. Copy it again."
        elif field.kind == "url":
            parts = urlsplit(text)
            if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
                found[field.name] = "Write an https address, such as https://pay.example.com."
        elif field.kind == "text" and ("\n" in text or not text.isprintable()):
            found[field.name] = "This holds a line break or a hidden character. Copy it again."
    for name in typed:
        if name not in provider.credentials:
            found[name] = "This provider has no such field."
    return found
