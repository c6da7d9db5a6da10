"""Which texts of a page come from no catalogue, in a copy whose catalogues are all bracketed.

Looked at are all text nodes, shown now or later (menus, dialogs, hints), what is read out or
shown from attributes, what scripts keep in attributes to show it, and what style sheets draw.
What is data is told by markup, by the names below, or by the form of an id; nothing else is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from babel import Locale
from playwright.sync_api import Page

from bench.eyes import PHONE, WIDE
from entrypoints.brands import DEMO
from kernel.language import LANGUAGES
from kernel.money import currencies
from tests.browser import judge
from tests.fixtures.pseudo import CLOSE, OPEN

# Markup that says of what is in it that it is nobody's text, and what that is.
DATA = {
    "bdi": "names, ids, amounts: kept in their own order",
    "time": "moments, in the words and figures of CLDR",
    "[translate=no]": "values that translators of browsers leave alone too",
    "svg.mqmark": "the brand's initials",
    ".av": "the initials of a person",
    ".iso": "codes of countries",
}
# Words that are the same in every language, wherever they stand.
NAMES = (
    *(one.name for one in DEMO),
    *LANGUAGES.values(),  # each by its own name, for whoever looks for theirs
    *currencies(),  # ISO 4217
    *("UTC", "MT5", "MetaTrader"),
    *("CSV", "XLSX", "PDF", "JPG", "PNG"),
)
# Ids and addresses by their form: references, hosts of this copy, e-mail, and what is isolated
# (`themes.formats.isolated`), as figures and names inside plain texts are.
FORMS = (
    r"\u2066[^\u2069]*\u2069",
    r"\S+@[\w.]+\w",
    r"(https?://)?\S+\.localhost[:/\w-]*",
    r"\b[A-Z]{2,3}-[0-9A-Z]{8}\b",
)
# What is read out or shown from attributes, on any element.
_SAID = (
    *("aria-label", "aria-description", "aria-roledescription", "aria-valuetext"),
    *("aria-placeholder", "placeholder", "alt", "title", "label", "summary"),
)
# What scripts show later stands in attributes of theirs. One that holds a phrase is found by
# itself; these hold a word at times.
_KEPT = ("data-copied", "data-show", "data-hide", "data-dismiss", "data-label", "data-retry")
# Phrases in attributes that nobody reads: JSON for the browser, names of parts of a page, and
# what is copied (addresses, keys, recovery codes).
_MACHINE = ("data-options", "data-refresh", "data-copy")

_SPREAD = "document.querySelectorAll('details').forEach(one => { one.open = true })"
_LOOK = r"""({open, close, markup, names, forms, whole, said, kept, machine, within}) => {
  const silent = 'script, style, template, noscript, iframe, object';
  const found = new Set(), letters = /\p{L}/u, phrase = /\p{L}{2,}\s+\p{L}{2,}/u;
  const quoted = name => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const data = [...forms.map(form => new RegExp(form, 'gu')),
    new RegExp(`(?<!\\p{L})(${names.map(quoted).join('|')})(?!\\p{L})`, 'gu')];
  const countries = new Set(whole);
  let nodes = 0, shown = 0, state = {depth: 0};

  const outside = (text, state) => {
    let left = '';
    for (const sign of text) {
      if (sign === open) state.depth += 1;
      else if (sign === close && state.depth > 0) state.depth -= 1;
      else if (state.depth === 0) left += sign;
    }
    return left;
  };
  const ours = left => {
    if (countries.has(left.trim())) return false;
    for (const form of data) left = left.replace(form, ' ');
    return letters.test(left) || left.includes(close);
  };
  const where = element => {
    const steps = [];
    for (let at = element; at && at.parentElement && steps.length < 3; at = at.parentElement)
      steps.unshift(at.localName + [...at.classList].map(one => '.' + one).join(''));
    return steps.join(' > ');
  };
  const tell = (kind, text, element) => found.add(
    `${kind}: ${text.trim().replace(/\s+/g, ' ').slice(0, 120)} @ ${where(element)}`);
  const block = element => {
    let at = element;
    while (at.parentElement && /^(inline|contents)$/.test(getComputedStyle(at).display))
      at = at.parentElement;
    return at;
  };
  // What is shortened on purpose says so.
  const unclosed = () => /…[^\p{L}]*$/u.test(state.text)
    || tell('not closed', state.text, state.block);
  const all = within ? [...document.querySelectorAll(within)] : [document.documentElement];
  for (const root of all) {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const element = node.parentElement, text = node.nodeValue;
      if (!text.trim() || element.closest(silent)) continue;
      if (state.depth && !state.block.contains(element)) {
        unclosed();
        state = {depth: 0};
      }
      nodes += 1;
      if (element.checkVisibility({visibilityProperty: true})) shown += 1;
      const before = state.depth;
      if (!before && element.closest(markup)) continue;
      const left = outside(text, state);
      if (state.depth && !before) state = {depth: state.depth, block: block(element), text};
      if (ours(left)) tell('text', text, element);
    }
    for (const element of [root, ...root.querySelectorAll('*')]) {
      if (element.closest(silent)) continue;
      for (const {name, value} of element.attributes) {
        const spoken = said.includes(name) || kept.includes(name)
          || name.startsWith('data-') && phrase.test(value) && !machine.includes(name)
          || name === 'content' && element.matches('meta[name=description]')
          || name === 'value' && element.matches('[type=submit], [type=button], [type=reset]');
        if (!spoken || !value.trim() || name !== 'title' && element.closest('[translate=no]'))
          continue;
        nodes += 1;
        if (ours(outside(value, {depth: 0}))) tell(name, value, element);
      }
      for (const part of ['::before', '::after']) {
        const drawn = getComputedStyle(element, part).content;
        const words = (drawn.match(/"(?:[^"\\]|\\.)*"/g) || []).join(' ');
        if (words && ours(outside(words, {depth: 0}))) tell(part, words, element);
      }
    }
  }
  if (state.depth) unclosed();
  return {nodes, shown, found: [...found]};
}"""


@dataclass(frozen=True)
class Wording:
    """How many texts a page holds, how many of its nodes show now, and which are in no brackets."""

    nodes: int
    shown: int
    unbracketed: list[str]


def look(page: Page, *, within: str = "", data: tuple[str, ...] = ()) -> Wording:
    """Look at a page, or at what is inside the elements of a selector; `data` is expected."""
    spoken = str(page.evaluate("document.documentElement.lang")) or "en"
    asked: dict[str, Any] = {
        "open": OPEN,
        "close": CLOSE,
        "markup": ", ".join(DATA),
        "names": sorted([*NAMES, *data], key=len, reverse=True),
        "forms": FORMS,
        # A choice of countries has their names in the page's language, from CLDR.
        "whole": list(Locale.parse(spoken).territories.values()),
        "said": _SAID,
        "kept": _KEPT,
        "machine": _MACHINE,
        "within": within,
    }
    told: dict[str, Any] = page.evaluate(_LOOK, asked)
    return Wording(told["nodes"], told["shown"], told["found"])


@dataclass
class Tally:
    """What was looked at, and what is wrong with it."""

    pages: int = 0
    nodes: int = 0
    shown: int = 0
    wrong: list[str] = field(default_factory=list)

    def look_at(
        self, page: Page, name: str, *, within: str = "", data: tuple[str, ...] = ()
    ) -> None:
        """Judge words and room on a page as it stands: wide, on a telephone, all folded open."""
        found = look(page, within=within, data=data)
        self.pages += 1
        self.nodes += found.nodes
        self.shown += found.shown
        faults = list(found.unbracketed)
        for size in (WIDE, PHONE):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            faults += [f"{one} at {size[0]}" for one in _room(page)]
        page.evaluate(_SPREAD)
        faults += [f"{one} with everything open" for one in _room(page)]
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        self.wrong += [f"{name}: {one}" for one in dict.fromkeys(faults)]

    def __str__(self) -> str:
        """Say it in a line."""
        counted = f"pages={self.pages} nodes={self.nodes} shown={self.shown}"
        return f"pseudo-locale: {counted} faults={len(self.wrong)}"


def _room(page: Page) -> list[str]:
    return [*judge.sideways(page), *judge.cut_off(page)]
