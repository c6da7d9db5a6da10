"""What the rooms give to the shell of staff: the one list, and what every page is told by it."""

from __future__ import annotations

from typing import Any

from litestar import Request

from backoffice import approval_screens
from backoffice.treasury import withdrawals as withdrawal_screens
from clients.shell import home_cards as clients_cards
from clients.shell import search as clients_search
from compliance.shell import home_cards as compliance_cards
from compliance.shell import search as compliance_search
from crm.shell import home_cards as crm_cards
from crm.shell import search as crm_search
from identity import role_changes
from identity.roles import ROLES
from identity.shell import counters, own_cards
from identity.shell.parts import Action, Parts
from identity.shell.subjects import Catalogue
from introducers.shell import home_cards as introducers_cards
from introducers.shell import search as introducers_search
from kernel.database import TenantSession
from kernel.viewer import Viewer
from revenue.shell import home_cards as revenue_cards
from trading.shell import home_cards as trading_cards
from trading.shell import search as trading_search
from treasury.shell import home_cards as treasury_cards
from treasury.shell import search as treasury_search

SHELL = Parts(
    # In the order in which results are shown.
    catalogue=Catalogue(
        sources=(
            clients_search.SOURCE,
            crm_search.SOURCE,
            trading_search.SOURCE,
            treasury_search.SOURCE,
            introducers_search.SOURCE,
            compliance_search.SOURCE,
        ),
        pages={
            "client": ("/crm/clients/{}", "clients.client.read"),
            "lead": ("/crm/leads/{}", "crm.lead.read"),
            "deposit": ("/backoffice/deposits/{}", "treasury.deposit.read"),
            "partner": ("/backoffice/partners/{}", "introducers.partner.read"),
            "case": ("/backoffice/kyc/{}", "compliance.kyc.read"),
        },
    ),
    counters=(
        counters.TASKS,
        approval_screens.COUNTER,
        withdrawal_screens.COUNTER,
        compliance_cards.COUNTER,
        treasury_cards.COUNTER,
    ),
    offers=(
        *own_cards.OFFERS,
        *crm_cards.OFFERS,
        *clients_cards.OFFERS,
        *compliance_cards.OFFERS,
        *treasury_cards.OFFERS,
        *revenue_cards.OFFERS,
        *introducers_cards.OFFERS,
        *trading_cards.OFFERS,
    ),
    actions=(
        Action("New task", "/tasks?new=yes", "plus", "identity.task.change"),
        Action("New lead", "/crm/leads/new", "user-plus", "crm.lead.create"),
        Action("Not contacted leads", "/crm/leads?stage=new", "user-plus", "crm.lead.read"),
        Action("Held deposits", "/backoffice/deposits?state=held", "cash", "treasury.deposit.read"),
        Action(
            "Waiting withdrawals",
            "/backoffice/withdrawals?state=requested",
            "building-bank",
            "treasury.withdrawal.read",
        ),
        Action("Late tasks", "/tasks?state=late", "clock", "identity.task.read"),
    ),
)
# The groups that head the navigation, before those of the applications.
NAVIGATION: list[tuple[str, list[tuple[str, str, str, str | None]]]] = [
    (
        "",
        [
            ("Home", "/home", "home", None),
            ("Tasks", "/tasks", "checkbox", "identity.task.read"),
            ("Approvals", "/approvals", "list-check", "approvals.request.read"),
        ],
    ),
]


async def prepare(request: Request[Any, Any, Any]) -> None:
    """Find out what waits for the viewer, before a page of staff is rendered."""
    state = request.scope["state"]
    viewer, session = request.scope.get("user"), state.get("session")
    if isinstance(viewer, Viewer) and viewer.kind == "staff" and isinstance(session, TenantSession):
        if viewer.roles - ROLES.keys():
            state["roles"] = await role_changes.titles(session)
        state["waiting"] = await counters.waiting(session, SHELL.counters, viewer)
