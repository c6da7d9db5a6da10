"""What a brokerage may put in the place of a text of the product. Pure.

A text is text: it is escaped wherever it is shown, and what the product fills in (`%s`,
`%(name)s`, `{{ brand.name }}`) has to stand in it as it does in the product's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from kernel.language import SOURCE
from themes.texts import Text

LENGTH_MAX = 2000
_LEAST, _TIMES = 80, 3
# How Python and Liquid write what is filled in; `%%` is a percent sign.
_FILLED = re.compile(
    r"%(?:\([a-z_]+\))?(?:\.\d+)?[sdif]|%%|\{\{.*?\}\}|\{%.*?%\}|\{[a-z_]*\}", re.DOTALL
)
_CODE = re.compile(r"\{\{|\}\}|\{%|%\}")
# They turn the direction of everything behind them.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e")


def product_forms(text: Text, language: str) -> tuple[str, ...]:
    """Return the product's own forms in a language, or in English where it has none."""
    said = text.forms[language]
    return said if all(said) else text.forms[SOURCE]


def form_count(text: Text, language: str) -> int:
    """Return how many forms the text has in a language."""
    return len(text.forms[language])


def limit(text: Text, language: str) -> int:
    """Return how many characters a form may have: the place it stands in is no larger."""
    longest = max(map(len, (*text.forms[SOURCE], *product_forms(text, language))))
    return min(LENGTH_MAX, max(_LEAST, _TIMES * longest))


def filled(text: str) -> list[str]:
    """Return what is filled into a text, in its order."""
    return _FILLED.findall(text)


def checked(text: Text, language: str, typed: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the forms as they are kept, and what is wrong with each of them (empty: nothing)."""
    most = limit(text, language)
    pattern = product_forms(text, language)
    forms, errors = [], []
    for at in range(form_count(text, language)):
        model = pattern[min(at, len(pattern) - 1)]
        form = _framed(typed[at] if at < len(typed) else "", model)
        forms.append(form)
        errors.append(_wrong(form, model, most))
    return tuple(forms), errors


def _framed(typed: str, model: str) -> str:
    """Put around a text the spaces that stand around the product's."""
    before = model[: len(model) - len(model.lstrip())]
    after = model[len(model.rstrip()) :]
    bare = typed.strip()
    return f"{before}{bare}{after}" if bare else ""


def _wrong(form: str, model: str, most: int) -> str:
    if not form:
        return "Write the text, or take the product's back."
    if len(form) > most:
        return f"Use at most {most} characters; this has {len(form)}."
    if any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or one in _TURNS for one in form):
        return "Write one line without control characters."
    return _wrongly_filled(form, model)


def _wrongly_filled(form: str, model: str) -> str:
    wanted, found = filled(model), filled(form)
    plain = [one for one in wanted if not one.startswith("%(") and one != "%%"]
    same = sorted(one for one in wanted if one != "%%") == sorted(
        one for one in found if one != "%%"
    )
    # What has no name is filled in by its place.
    if not same or plain != [one for one in found if not one.startswith("%(") and one != "%%"]:
        need = ", ".join(one for one in wanted if one != "%%")
        return (
            f"Keep exactly what is filled in, in this order: {need}."
            if need
            else "Nothing is filled into this text; leave out what looks like %s or {name}."
        )
    rest = _FILLED.sub("", form)
    if _CODE.search(rest):
        return "Leave out double braces and braces with a percent sign."
    if any(one.startswith("%") for one in wanted) and "%" in rest:
        return "Write a percent sign as %%."
    if any(one.startswith("{") for one in wanted) and ("{" in rest or "}" in rest):
        return "Leave out single braces."
    return ""
