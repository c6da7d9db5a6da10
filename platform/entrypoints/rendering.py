"""Puts a request into the words that the themes' layouts read."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from litestar import Request

from identity.roles import ROLES
from kernel.language import current, direction, voice
from kernel.viewer import Looks, Viewer
from kernel.web.pages import csrf_token
from tenants import brands
from tenants.resolver import Place
from themes import loader
from themes.page import (
    AppLink,
    Brand,
    Direction,
    Flash,
    NavigationGroup,
    NavigationItem,
    Page,
    Surface,
    arranged,
)
from themes.page import Viewer as ShownViewer
from themes.tokens import BrandColours

# A group of links: its label, then label, path, icon and permission (or None) of each.
Navigation = Sequence[tuple[str, Sequence[tuple[str, str, str, str | None]]]]
_SETTINGS = "/settings"
_NOTIFICATIONS = "/notifications"
_MENUS_MAX = 512
VENDOR = Brand(
    name="Marque",
    slug="marque",
    logo_initials="M",
    colours=BrandColours("#15182B", "#5B5BD6"),
    legal_name="Marque",
    support_email="support@marque.example",
)


def brand_at(place: Place) -> Brand:
    """Return the brand of the host in the words of this request, or the vendor's own."""
    if place.tenant is None:
        return VENDOR
    words = voice()
    brand: Brand | None = place.worn.get(words)
    if brand is None:
        brand = place.worn[words] = brands.dressed(place.tenant, place.brand or {})
    return brand


class _Menu(NamedTuple):
    """The links of a page: all, those beside it, and the applications."""

    everywhere: tuple[NavigationGroup, ...]
    at_hand: tuple[NavigationGroup, ...]
    apps: tuple[AppLink, ...]


class PageRenderer:
    """Renders one surface's pages with its navigation, filtered by what the viewer may do."""

    def __init__(self, navigation: Navigation, apps: Sequence[tuple[str, str, str]] = ()) -> None:
        """Take the surface's navigation and, for staff, its applications (label, path, icon)."""
        self._navigation = navigation
        self._apps = apps
        self._menus: OrderedDict[Hashable, _Menu] = OrderedDict()

    def __call__(
        self, request: Request[Any, Any, Any], template: str, context: dict[str, Any]
    ) -> str:
        """Return the page of a template."""
        page, values = self.prepared(request, template, context)
        return loader.render(template, page, **values)

    def prepared(
        self, request: Request[Any, Any, Any], template: str, context: dict[str, Any]
    ) -> tuple[Page, dict[str, Any]]:
        """Return what a template is rendered with: the page, and the values of the screen."""
        state = request.scope["state"]
        place: Place = state["place"]
        viewer = request.scope.get("user")
        signed_in = isinstance(viewer, Viewer)
        looks = viewer.looks if isinstance(viewer, Viewer) else Looks()
        brand = brand_at(place)
        path = request.scope["path"]
        shown = context.pop("flashes", [])
        active = context.pop("active", "") or path
        menu = self._menu(viewer, brand, place.surface, (path, active), state.get("waiting", {}))
        navigation = menu.everywhere if context.pop("everywhere", False) else menu.at_hand
        banner, left = state.get("preview", ("", ""))
        page = Page(
            brand=brand,
            surface=_surface(place.surface),
            title=context.pop("title"),
            user=_shown(viewer, state.get("roles", {})),
            profile_href="/security" if isinstance(viewer, Viewer) else "",
            banner=banner,
            banner_href=left,
            read_only=bool(banner),
            # A form of a preview would act for who really looks: without a token none is taken.
            csrf_token="" if banner else csrf_token(request),
            nonce=state.setdefault("nonce", secrets.token_urlsafe(12)),
            path=path,
            query=dict(request.query_params.items()),
            navigation=navigation,
            apps=menu.apps,
            notifications_href=_NOTIFICATIONS if _is_told(viewer) and not banner else "",
            unread=viewer.unread if isinstance(viewer, Viewer) else 0,
            search_href="/search" if signed_in and place.surface == "staff" else "",
            theme=looks.theme if signed_in else "",
            density=looks.density,
            sidebar=looks.sidebar,
            flashes=tuple(Flash(item["text"], item["kind"]) for item in shown),
            language=current(),
            direction=cast("Direction", direction(current())),
        )
        if template == "errors/problem.html":
            context = _problem(context, state.get("request_id", ""))
        return page, context

    def _menu(
        self,
        viewer: object,
        brand: Brand,
        surface: str,
        at: tuple[str, str],
        waiting: Mapping[str, tuple[int, int]],
    ) -> _Menu:
        """Return the links of a page at a path, under the active one; the newest are kept."""
        grants = frozenset(viewer.grants) if isinstance(viewer, Viewer) else None
        key = (grants, brand.menus.get(surface), at, tuple(waiting.items()))
        menu = self._menus.get(key)
        if menu is None:
            path, active = at
            navigation = tuple(arranged(self._groups(viewer, active, waiting), brand, surface))
            at_hand = tuple(_at_hand(navigation, active))
            menu = self._menus[key] = _Menu(navigation, at_hand, self._links(navigation, path))
        self._menus.move_to_end(key)
        if len(self._menus) > _MENUS_MAX:
            self._menus.popitem(last=False)
        return menu

    def _groups(
        self, viewer: object, active: str, waiting: Mapping[str, tuple[int, int]]
    ) -> Iterable[NavigationGroup]:
        for label, items in self._navigation:
            allowed = tuple(
                NavigationItem(
                    text,
                    href,
                    icon,
                    active=_covers(href, active),
                    count=waiting[href][0] if href in waiting else None,
                    hot=href in waiting and waiting[href][1] > 0,
                )
                for text, href, icon, permission in items
                if permission is None or (isinstance(viewer, Viewer) and viewer.may(permission))
            )
            if allowed:
                yield NavigationGroup(label, allowed)

    def _links(self, navigation: Sequence[NavigationGroup], path: str) -> tuple[AppLink, ...]:
        """Return the applications the viewer may open, each at its first page of theirs."""
        pages = [item.href for group in navigation for item in group.items]
        return tuple(
            AppLink(
                label,
                next(page for page in pages if _covers(root, page)),
                icon,
                active=_covers(root, path),
            )
            for label, root, icon in self._apps
            if any(_covers(root, page) for page in pages)
        )


def _at_hand(navigation: Iterable[NavigationGroup], active: str) -> Iterable[NavigationGroup]:
    """Yield the groups of a page: settings, which are many, only beside their own pages."""
    setting = _covers(_SETTINGS, active)
    for group in navigation:
        items = tuple(
            item
            for item in group.items
            if not group.label or _covers(_SETTINGS, item.href) is setting
        )
        if items:
            yield NavigationGroup(group.label, items)


def _is_told(viewer: object) -> bool:
    """Say whether somebody has a bell: all people of a brokerage do."""
    return isinstance(viewer, Viewer) and viewer.kind in ("staff", "client", "partner")


def _surface(surface: str) -> Surface:
    return "public" if surface in ("vendor", "ops") else cast("Surface", surface)


def _shown(viewer: object, titles: Mapping[str, str]) -> ShownViewer | None:
    if not isinstance(viewer, Viewer):
        return None
    known = {**titles, **ROLES}
    labels = [known.get(role, role.capitalize()) for role in sorted(viewer.roles)]
    return ShownViewer(viewer.name, viewer.email, ", ".join(labels), viewer.initials)


def _covers(href: str, active: str) -> bool:
    return active == href or (href != "/" and active.startswith(f"{href}/"))


def _problem(context: dict[str, Any], reference: str) -> dict[str, Any]:
    problem = context["problem"]
    return {
        "status": problem["status"],
        "heading": problem["title"],
        "text": problem["detail"],
        "reference": reference,
        "home_href": "/",
    }
