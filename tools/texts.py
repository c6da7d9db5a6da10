"""The texts that clients, partners and visitors read: collected from the sources, kept as PO.

`python -m tools.texts` rewrites the catalogues of every language: what is new comes in empty,
what nothing shows any more goes. Translations that are there are kept. Each text names the
surfaces that show it, for whoever translates it and for a brokerage that writes its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "themes" / "locale"
LANGUAGES = ("de", "es", "ar")
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}
# Templates that only staff see stay English; what they call is not collected.
_TEMPLATES = (
    *("trader", "partner", "auth", "public", "errors", "layouts", "macros"),
    *("notifications", "mail"),
)
# The header names a day; a changing one would change every file at each run.
_WRITTEN = datetime(2026, 11, 24, tzinfo=UTC)
Text = str | tuple[str, str]
# Where a text is shown, by the folder that names it; those of other folders are everywhere.
_SURFACES = {
    "messages": ("messaging", "mail", "notifications", "documents.py"),
    "partner": ("partner", "partners", "introducers", "revenue"),
    "public": ("public", "crm", "brand_texts.py", "site_texts.py"),
    "trader": ("trader", "tradersroom", "treasury", "trading", "compliance", "clients"),
}


@cache
def used() -> dict[Text, set[str]]:
    """Return every text of the sources with its surfaces; a counted one as its pair of forms."""
    found: dict[Text, set[str]] = {}
    for path, method in _sources():
        surface = _surface(path)
        for _, message, _, _ in extract_from_file(
            method, path, keywords=_KEYWORDS, options={"trimmed": "false"}
        ):
            text = (message[0], message[1]) if isinstance(message, tuple) else message
            found.setdefault(text, set()).add(surface)
    return found


def _surface(path: Path) -> str:
    parts = set(path.relative_to(ROOT).parts)
    return next((one for one, names in _SURFACES.items() if parts & set(names)), "everywhere")


def catalogue(language: str) -> Catalog:
    """Return the catalogue of a language as it stands in its file."""
    file = LOCALE / language / "LC_MESSAGES" / "messages.po"
    if not file.is_file():
        return Catalog(locale=language)
    with file.open("rb") as source:
        return read_po(source, locale=language)


def update(language: str) -> int:
    """Write the catalogue anew; return how many of its texts still want a translation."""
    before = catalogue(language)
    after = Catalog(
        locale=language,
        header_comment=f"# The product's texts, English to {language}.",
        project="Marque",
        version="1",
        msgid_bugs_address="support@marque.example",
        last_translator="Marque <support@marque.example>",
        language_team="Marque",
        creation_date=_WRITTEN,
        revision_date=_WRITTEN,
        fuzzy=False,
    )
    empty = 0
    for text, surfaces in used().items():
        key = text if isinstance(text, str) else text[0]
        known = before.get(key)
        string = known.string if known is not None else ""
        empty += not any(string if isinstance(string, (list, tuple)) else [string])
        after.add(text, string, auto_comments=[", ".join(sorted(surfaces))])
    file = LOCALE / language / "LC_MESSAGES" / "messages.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        write_po(target, after, sort_output=True, width=100, no_location=True, omit_header=False)
    return empty


def _sources() -> Iterator[tuple[Path, str]]:
    for folder in ("platform", "tenants"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, "python"
    for path in sorted((ROOT / "themes").glob("*.py")):
        yield path, "python"
    for theme in sorted((ROOT / "themes").iterdir()):
        for name in _TEMPLATES:
            for path in sorted((theme / "templates" / name).rglob("*.html")):
                yield path, "jinja2.ext.babel_extract"


if __name__ == "__main__":
    for each in LANGUAGES:
        print(f"{each}: {update(each)} texts without a translation")
