"""What every page needs to know about its brand, its reader and its place in the product."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from kernel.declared import Declared
from themes import arrangement, brand_texts
from themes.arrangement import Menu
from themes.tokens import BrandColours, derive, theme_version

Surface = Literal["public", "trader", "partner", "staff", "console"]
Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True, eq=False)
class Brand(Declared):
    """One brokerage (or the vendor) as its visitors see it."""

    name: str
    slug: str
    logo_initials: str
    colours: BrandColours
    language: str = "en"
    direction: Direction = "ltr"
    theme_version: str = ""
    support_email: str = ""
    legal_name: str = ""
    regulator_line: str = ""
    risk_warning: str = ""
    logo_url: str = ""
    logo_light_url: str = ""
    logo_dark_url: str = ""
    theme: str = "default"
    background: str = "waves"
    background_url: str = ""
    menus: Mapping[str, Menu] = field(default_factory=dict, hash=False)
    card_order: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    @property
    def css_version(self) -> str:
        """The version under which `/theme.css` may be cached for ever."""
        return self.theme_version or theme_version(self.colours)

    def cards(self, portal: str) -> tuple[str, ...]:
        """The cards of a portal's first page in the brokerage's order."""
        return arrangement.cards(self.card_order, portal)

    def said(self, key: str, language: str) -> str:
        """What the brokerage says itself under a key of `brand_texts`; nothing when it is ours."""
        return brand_texts.own(self.texts, key, language)

    @property
    def bar_colours(self) -> tuple[str, str]:
        """The colour a telephone gives to the bar above the page, in light and in dark."""
        tokens = derive(self.colours)
        return tokens.light["brand-solid"], tokens.dark["brand-solid"]


@dataclass(frozen=True)
class Viewer:
    """The signed-in person."""

    name: str
    email: str
    role_label: str = ""
    initials: str = ""


@dataclass(frozen=True)
class NavigationItem:
    """One link of the navigation; `hot` marks a counter that is late."""

    label: str
    href: str
    icon: str
    active: bool = False
    count: int | None = None
    hot: bool = False


@dataclass(frozen=True, eq=False)
class NavigationGroup(Declared):
    """Links under one verb (Sell, Comply, Money); an empty label heads the list."""

    label: str
    items: tuple[NavigationItem, ...]


@dataclass(frozen=True)
class AppLink:
    """One application in the switcher of the staff shell."""

    label: str
    href: str
    icon: str
    active: bool = False


@dataclass(frozen=True)
class Flash:
    """A message shown once after an action; kind is positive, negative, warning or info."""

    text: str
    kind: str = "positive"


@dataclass(frozen=True)
class Page:
    """Everything a layout reads; one is built per request."""

    brand: Brand
    surface: Surface
    title: str
    user: Viewer | None = None
    csrf_token: str = ""
    nonce: str = ""
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    navigation: tuple[NavigationGroup, ...] = ()
    apps: tuple[AppLink, ...] = ()
    flashes: tuple[Flash, ...] = ()
    language: str = "en"
    direction: Direction = "ltr"
    search_href: str = ""
    truth: tuple[tuple[str, str], ...] = ()
    banner: str = ""
    banner_href: str = ""
    read_only: bool = False
    logout_href: str = "/logout"
    profile_href: str = ""
    notifications_href: str = ""
    unread: int = 0
    theme: str = ""
    density: str = "regular"
    sidebar: str = "open"


def arranged(
    groups: Iterable[NavigationGroup], brand: Brand, surface: str
) -> Iterable[NavigationGroup]:
    """Put a portal's places in the brokerage's order, without those that it does not show."""
    menu = brand.menus.get(surface)
    for group in groups:
        if menu is None:
            yield group
            continue
        items = [item for item in group.items if menu.shows(surface, item.href)]
        yield replace(
            group, items=tuple(arrangement.ordered(items, menu.order, lambda item: item.href))
        )
