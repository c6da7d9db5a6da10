"""Where the catalogues of our languages are: one PO file each, the English text as its key."""

from pathlib import Path

from kernel import language
from kernel.language import gettext, marked, ngettext, speaking

__all__ = ["LOCALE", "gettext", "marked", "ngettext", "speaking"]

LOCALE = Path(__file__).parent / "locale"
language.read_from(LOCALE)
