"""What is wrong with a page as it stands: WCAG by axe-core, width, and words that are cut off."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN = (
    "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], selectors: false})"
    ".then(r => r.violations.map("
    "v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 160)).join(' | ')))"
)
# Words are cut off where an element with words of its own hides or spills what does not fit.
# An ellipsis says that something is missing, and what scrolls can be reached.
_CUT = """() => {
  const own = element => [...element.childNodes].some(
    node => node.nodeType === 3 && node.nodeValue.trim());
  const unseen = 'svg, script, style, noscript, template, dialog:not([open])';
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    if (!own(element) || element.closest(unseen)) continue;
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (box.width < 2 || box.height < 2) continue;
    if (style.visibility === 'hidden' || style.display === 'inline') continue;
    if (style.clipPath !== 'none' || style.clip !== 'auto') continue;
    const wide = element.scrollWidth > element.clientWidth + 1;
    const high = element.scrollHeight > element.clientHeight + 2;
    const hides = value => value === 'hidden' || value === 'clip';
    if (wide && style.overflowX === 'visible' || wide && hides(style.overflowX)
        && style.textOverflow !== 'ellipsis')
      found.push('cut at the side: ' + element.outerHTML.slice(0, 140));
    else if (high && hides(style.overflowY) && style.webkitLineClamp === 'none'
        && style.textOverflow !== 'ellipsis')
      found.push('cut below: ' + element.outerHTML.slice(0, 140));
  }
  return found;
}"""


def prepare(page: Page) -> None:
    """Bring axe-core into the page; the page's policy lets nobody else do so."""
    page.evaluate(AXE)


def violations(page: Page) -> list[str]:
    """Return the violations of WCAG 2.2 A and AA: the rule, and where."""
    found: list[str] = page.evaluate(_RUN, RULES)
    return found


def sideways(page: Page) -> list[str]:
    """Say by how much the page is wider than the screen, when it is."""
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"wider than the screen by {over} px"] if over > 0 else []


def cut_off(page: Page) -> list[str]:
    """Return the elements whose words do not fit and cannot be reached."""
    found: list[str] = page.evaluate(_CUT)
    return found


def faults(page: Page) -> list[str]:
    """Return all of it."""
    return [*sideways(page), *cut_off(page), *violations(page)]
