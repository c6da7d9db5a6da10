"""Small pictures made on the server: icons of the sprite, sparklines, brand marks, favicons."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from markupsafe import Markup, escape

from kernel.language import gettext
from themes.page import Brand
from themes.tokens import derive

ICON_LIST = Path(__file__).parent / "default" / "icons.txt"
_SIZES = {14: " s14", 16: "", 18: " s18", 20: " s20", 24: " s24"}


@cache
def icon_names() -> frozenset[str]:
    """Names of the Tabler outline icons in the sprite, one a line in `default/icons.txt`."""
    return frozenset(ICON_LIST.read_text(encoding="utf-8").split())


@lru_cache(maxsize=2048)
def icon(name: str, size: int = 16, *, flip: bool = False) -> Markup:
    """An icon of the sprite; `flip` mirrors a directional one in right-to-left pages.

    Raises ValueError when the name is not in `default/icons.txt`.
    """
    if name not in icon_names():
        raise ValueError(f"Icon {name!r} is not in the sprite: add it to themes/default/icons.txt.")
    classes = f"ic{_SIZES.get(size, '')}{' flip' if flip else ''}"
    return Markup(
        '<svg class="{}" aria-hidden="true"><use href="/static/vendor/icons.svg#{}"></use></svg>'
    ).format(classes, name)


def sparkline(values: Sequence[Decimal | int | float], *, area: bool = True) -> Markup:
    """A trend of at least two values as a 96 by 30 SVG; fewer give nothing."""
    points = [float(value) for value in values]
    if len(points) < 2:
        return Markup("")
    low, high = min(points), max(points)
    span = (high - low) or 1.0
    step = 96 / (len(points) - 1)
    line = " L".join(
        f"{at * step:.1f} {28 - 26 * (value - low) / span:.1f}" for at, value in enumerate(points)
    )
    fill = (
        Markup('<path d="M{} L96 30 L0 30Z" fill="currentColor" stroke="none" opacity=".12"/>')
        if area
        else Markup("{}")
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 96 30" preserveAspectRatio="none" aria-hidden="true">'
        '{}<path d="M{}" vector-effect="non-scaling-stroke"/></svg>'
    ).format(fill.format(line if area else ""), line)


def ring(done: int, total: int) -> Markup:
    """A ring that shows n of m."""
    share = 113.1 * (done / total if total else 0)
    return Markup(
        '<svg class="ring" viewBox="0 0 44 44" role="img" aria-label="{3}">'
        '<circle class="t" cx="22" cy="22" r="18"/><circle class="v" cx="22" cy="22" r="18" '
        'stroke-dasharray="{2} 113.1" transform="rotate(-90 22 22)"/><text x="22" y="26.5" '
        'text-anchor="middle" font-size="13" font-weight="600" fill="currentColor">{0}/{1}</text>'
        "</svg>"
    ).format(done, total, f"{share:.1f}", gettext("%d of %d done") % (done, total))


def _mark(letters: str, solid: str, ink: str, line: str) -> str:
    """The drawn mark: initials over a rule in the accent."""
    size = 15 if len(letters) < 2 else 12.5
    return (
        f'<rect width="32" height="32" rx="8" fill="{solid}"/>'
        f'<text x="16" y="{19.6 if len(letters) < 2 else 18.9}" text-anchor="middle" '
        f'font-family="Inter Variable,system-ui,sans-serif" font-size="{size}" font-weight="700" '
        f'letter-spacing="-.3" fill="{ink}">{escape(letters)}</text>'
        f'<path d="M9 24.2h14" stroke="{line}" stroke-width="2.2" stroke-linecap="round"/>'
    )


def brand_mark(brand: Brand, size: int = 32) -> Markup:
    """The logo of a brand, or a mark drawn from its initials."""
    if brand.logo_url:
        return Markup('<img class="mqmark" src="{0}" width="{1}" height="{1}" alt="">').format(
            brand.logo_url, size
        )
    letters = (brand.logo_initials or brand.name[:1] or "?")[:2]
    drawn = _mark(letters, "var(--mq-mark)", "var(--mq-mark-ink)", "var(--mq-accent-raw)")
    return Markup(
        '<svg class="mqmark" width="{0}" height="{0}" viewBox="0 0 32 32" aria-hidden="true">{1}'
        "</svg>"
    ).format(size, Markup(drawn))  # noqa: S704 - our own drawing, its letters escaped


def brand_logo(brand: Brand, size: int = 32) -> Markup:
    """The logo of a brand for its page's mode, or its mark beside its name."""
    if not brand.logo_light_url:
        return Markup('{}<span class="trunc b">{}</span>').format(
            brand_mark(brand, size), brand.name
        )
    shown = Markup('<img class="mqlogo{}" src="{}" height="{}" alt="{}">')
    if not brand.logo_dark_url:
        return shown.format(" any", brand.logo_light_url, size, brand.name)
    light = shown.format(" light", brand.logo_light_url, size, brand.name)
    return light + shown.format(" dark", brand.logo_dark_url, size, brand.name)


def favicon_svg(brand: Brand) -> str:
    """The favicon of a brand as a complete SVG document with its colours written in."""
    tokens = derive(brand.colours).light
    letters = (brand.logo_initials or brand.name[:1] or "?")[:2]
    drawn = _mark(letters, tokens["brand-solid"], tokens["on-brand"], tokens["accent-raw"])
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{drawn}</svg>'
