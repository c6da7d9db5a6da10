"""Every page of the CRM, and every page and call of the public site."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from crm import (
    account_list,
    api,
    client_list,
    client_screens,
    document_check,
    lead_list_screens,
    lead_screens,
    mail_links,
    preview_screens,
    public_site,
    rule_screens,
)

STAFF: list[HTTPRouteHandler] = [
    *lead_list_screens.ROUTES,
    *lead_screens.ROUTES,
    *client_list.ROUTES,
    *account_list.ROUTES,
    *client_screens.ROUTES,
    *rule_screens.ROUTES,
    *preview_screens.ROUTES,
]
PUBLIC_SITE: list[HTTPRouteHandler] = [
    *public_site.ROUTES,
    *document_check.ROUTES,
    *mail_links.ROUTES,
    *api.ROUTES,
]
