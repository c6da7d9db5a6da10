"""Jinja2 environment per theme, and `render`, the one door from controllers to pages."""

import hashlib
import textwrap
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)
from jinja2.runtime import Macro

from kernel.language import LANGUAGES, speaking
from themes import drawings, formats, words
from themes.badges import badge_kind
from themes.fragments import Fragments, unkept
from themes.kept_pages import KeptPages
from themes.page import (
    AppLink,
    Brand,
    Direction,
    Flash,
    NavigationGroup,
    NavigationItem,
    Page,
    Surface,
    Viewer,
)
from themes.tokens import BrandColours, derive

__all__ = [
    "AppLink",
    "Brand",
    "BrandColours",
    "Direction",
    "Flash",
    "NavigationGroup",
    "NavigationItem",
    "Page",
    "Surface",
    "Theme",
    "Viewer",
    "available",
    "described",
    "render",
    "render_bare",
    "render_mail",
    "static",
    "static_folders",
    "static_path",
    "templates",
]

ROOT = Path(__file__).parent
_STATIC = ROOT / "default" / "static"
# Where a brokerage's own texts are shown; staff read the product's.
_WORDED = ("public", "trader", "partner")
_PAGES = KeptPages()
# A paragraph up to this many characters is a greeting, not what the mail says.
_GREETING_MAX = 40
_BEGINNING_MAX = 140


def available() -> tuple[str, ...]:
    """Return the names of the themes that a brokerage may choose, `default` first."""
    return tuple(theme.name for theme in described())


@dataclass(frozen=True)
class Theme:
    """A theme as it is offered: its name, what it is called and what it is like."""

    name: str
    title: str
    description: str


@cache
def described() -> tuple[Theme, ...]:
    """Return every theme with its title and description, `default` first."""
    found = []
    for file in ROOT.glob("*/tokens.toml"):
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        found.append(Theme(file.parent.name, told["title"], told["description"]))
    return tuple(sorted(found, key=lambda theme: (theme.name != "default", theme.name)))


def static_folders() -> dict[str, Path]:
    """Return where the static files of the other themes are, by the start of their names."""
    return {f"themes/{name}/": ROOT / name / "static" for name in available() if name != "default"}


def static_path() -> Path:
    """The folder that the web application serves at `/static`."""
    return _STATIC


@lru_cache(maxsize=256)
def _content_hash(file: Path, _changed_at: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


def static(name: str) -> str:
    """The address of a static file with the hash of its content, so that it caches for ever."""
    return _address(name, int(time.monotonic()))


@lru_cache(maxsize=256)
def _address(name: str, _second: int) -> str:
    """Look at the file once a second: a page names a dozen of them."""
    file = _STATIC / name
    for start, folder in static_folders().items():
        if name.startswith(start):
            file = folder / name.removeprefix(start)
    if not file.is_file():
        return f"/static/{name}"
    return f"/static/{name}?v={_content_hash(file, file.stat().st_mtime_ns)}"


def link(page: Page, /, **changes: object) -> str:
    """The current address with some query values changed; None removes one."""
    query: dict[str, object] = {**page.query, **changes}
    kept = {key: str(value) for key, value in query.items() if value not in (None, "")}
    return f"{page.path}?{urlencode(kept)}" if kept else page.path


def form_value(form: Mapping[str, object] | None, name: str, fallback: object = "") -> object:
    """What was typed into a field, else the fallback."""
    values = (form or {}).get("values") or {}
    if isinstance(values, Mapping) and values.get(name) is not None:
        return values[name]
    return fallback


def form_error(form: Mapping[str, object] | None, name: str) -> str:
    """The error of a field, or an empty string."""
    errors = (form or {}).get("errors") or {}
    return str(errors.get(name) or "") if isinstance(errors, Mapping) else ""


def _load_macros(environment: Environment, into: SimpleNamespace) -> None:
    for name in sorted(environment.list_templates(extensions=["html"])):
        if name.startswith("macros/"):
            module = environment.get_template(name).module
            for key, value in vars(module).items():
                if isinstance(value, Macro):
                    setattr(into, key, value)


def templates(
    theme: str = "default", bytecode_dir: Path | None = None, *, fragments: bool = True
) -> Environment:
    """Build the environment of a theme; what it lacks comes from `default`.

    Every macro of `macros/*.html` is reachable as `macros.NAME` without an import. Without
    `fragments` every page is rendered anew in all its parts, as Jinja2 does by itself.
    """
    folders = [ROOT / theme / "templates", ROOT / "default" / "templates"]
    # What a theme changes of a page it takes from here: `{% extends "default/layouts/..." %}`.
    original = PrefixLoader({"default": FileSystemLoader(ROOT / "default" / "templates")})
    environment = Environment(
        loader=ChoiceLoader(
            [*(FileSystemLoader(folder) for folder in dict.fromkeys(folders)), original]
        ),
        autoescape=select_autoescape(("html", "svg"), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=600,
        bytecode_cache=FileSystemBytecodeCache(str(bytecode_dir)) if bytecode_dir else None,
    )
    environment.filters.update(formats.FILTERS)
    macros = SimpleNamespace()
    environment.globals.update(
        macros=macros,
        icon=drawings.icon,
        sparkline=drawings.sparkline,
        ring=drawings.ring,
        brand_mark=drawings.brand_mark,
        brand_logo=drawings.brand_logo,
        static=static,
        theme_sheet=f"themes/{theme}/theme.css" if theme != "default" else "",
        link=link,
        _=words.gettext,
        gettext=words.gettext,
        ngettext=words.ngettext,
        offered_languages=LANGUAGES,
        badge_kind=badge_kind,
        form_value=form_value,
        form_error=form_error,
        kept_rows=Fragments().rows if fragments else unkept,
    )
    _load_macros(environment, macros)
    return environment


def _environment(theme: str) -> Environment:
    return _made(theme if theme in available() else "default")


@cache
def _made(theme: str) -> Environment:
    return templates(theme)


def render(name: str, page: Page, **context: object) -> str:
    """Render a template for a page; raises jinja2 errors on a missing value or template."""
    template = _environment(page.brand.theme).get_template(name)

    def rendered(one: Page) -> str:
        return template.render(page=one, brand=one.brand, **context)

    with speaking(page.language, plainly=page.surface not in _WORDED):
        return _PAGES.page(template, page, context, rendered)


def render_bare(name: str) -> str:
    """Render a page that must not show any brand, such as the one for an unknown host."""
    return _environment("default").get_template(name).render()


def render_mail(
    brand: Brand,
    *,
    heading: str,
    paragraphs: Sequence[str],
    action_label: str | None = None,
    action_href: str | None = None,
    facts: Sequence[tuple[str, str]] = (),
    footer: str | None = None,
    logo: str = "",
    preheader: str = "",
    reason: str = "",
    unsubscribe_href: str = "",
) -> tuple[str, str]:
    """Render one mail in the brand; returns its HTML and its plain text.

    `logo` is the address of the brand's picture (`cid:` of a part of the mail, or a page's own
    address in a preview), `preheader` what a mailbox shows beside the subject (the first
    paragraph when empty), `reason` says why the reader gets this mail.
    """
    tokens = derive(brand.colours)
    scale = float(brand.colours.radius)
    context = {
        "brand": brand,
        "tokens": tokens.light,
        "dark": tokens.dark,
        "radius": round(10 * scale),
        "corner": round(8 * scale),
        "language": brand.language,
        "direction": brand.direction,
        "heading": heading,
        "paragraphs": paragraphs,
        "action_label": action_label,
        "action_href": action_href,
        "facts": facts,
        "footer": footer,
        "logo": logo,
        "preheader": preheader or _beginning(paragraphs),
        "reason": reason,
        "unsubscribe_href": unsubscribe_href,
    }
    environment = _environment(brand.theme)
    html, text = (environment.get_template(f"mail/layout.{kind}") for kind in ("html", "txt"))
    with speaking(brand.language):
        return html.render(context), text.render(context)


def _beginning(paragraphs: Sequence[str]) -> str:
    """Return the first words of a mail without its greeting; nothing of markup."""
    plain = [one for one in paragraphs if not hasattr(one, "__html__")]
    first = next((one for one in plain if len(one) > _GREETING_MAX), "")
    return textwrap.shorten(first, _BEGINNING_MAX, placeholder="…")
