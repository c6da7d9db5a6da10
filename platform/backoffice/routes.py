"""Every page of the Back Office."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from backoffice import (
    approval_screens,
    deposits,
    home,
    kyc,
    partners,
    receipts,
    revenue,
    search_screens,
    task_screens,
    trail,
)
from backoffice.book import account_screens, journal, period_screens
from backoffice.book import trial as trial_screens
from backoffice.settings import (
    brand_studio,
    mail_lists,
    mail_screens,
    role_people,
    role_review,
    role_screens,
    staff_access,
    start,
    template_screens,
    text_screens,
)
from backoffice.treasury import (
    adjustments,
    bank_line_screens,
    bank_screens,
    board,
    break_screens,
    connection_forms,
    connection_screens,
    disputes,
    limit_screens,
    rates,
    transfers,
    withdrawal_rules,
    withdrawals,
)

ROUTES: list[HTTPRouteHandler] = [
    *home.ROUTES,
    *search_screens.ROUTES,
    *task_screens.ROUTES,
    *approval_screens.ROUTES,
    *deposits.ROUTES,
    *receipts.ROUTES,
    *connection_screens.ROUTES,
    *connection_forms.ROUTES,
    *limit_screens.ROUTES,
    *transfers.ROUTES,
    *adjustments.ROUTES,
    *disputes.ROUTES,
    *rates.ROUTES,
    *board.ROUTES,
    *break_screens.ROUTES,
    *bank_screens.ROUTES,
    *bank_line_screens.ROUTES,
    *withdrawals.ROUTES,
    *withdrawal_rules.ROUTES,
    *kyc.ROUTES,
    *revenue.ROUTES,
    *partners.ROUTES,
    *trial_screens.ROUTES,
    *account_screens.ROUTES,
    *journal.ROUTES,
    *period_screens.ROUTES,
    *trail.ROUTES,
    *start.ROUTES,
    *staff_access.ROUTES,
    *role_screens.ROUTES,
    *role_review.ROUTES,
    *role_people.ROUTES,
    *brand_studio.ROUTES,
    *mail_screens.ROUTES,
    *mail_lists.ROUTES,
    *template_screens.ROUTES,
    *text_screens.ROUTES,
]
