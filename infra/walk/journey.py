"""The walk's steps in order, and how one is done and told."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.walk import funding, onboarding, oversight, partnership, sales, trading
from infra.walk.markup import Missing
from infra.walk.mt5 import ServerRefused
from infra.walk.surroundings import Surroundings, Walk

Step = Callable[[Walk], str]
STEPS: tuple[tuple[str, Step], ...] = (
    ("A visitor opens the site", sales.visit_site),
    ("A partner registers", partnership.register_master),
    ("The partner confirms and has a link", partnership.enter_master),
    ("The owner gives the Master plan", partnership.give_master_plan),
    ("A sub-partner joins by the link", partnership.register_sub),
    ("The sub-partner confirms and has a link", partnership.enter_sub),
    ("The visitor follows the sub-partner's link", sales.follow_referral),
    ("The visitor leaves their details", sales.leave_details),
    ("The sales agent finds the lead", sales.find_lead),
    ("The agent reads why it is theirs", sales.read_lead),
    ("The agent notes a call", sales.note_call),
    ("The agent converts the lead", sales.convert),
    ("The client accepts the invitation", onboarding.accept_invitation),
    ("The client signs in and sees the checklist", onboarding.sign_in_again),
    ("The client sends documents", onboarding.send_documents),
    ("The client submits them", onboarding.submit_documents),
    ("Compliance finds the case and looks", onboarding.find_case),
    ("KYC approved", onboarding.approve),
    ("The login arrives", onboarding.get_login),
    ("The client pays 1,000.00 USD in", funding.pay_in),
    ("The deposit is credited", funding.see_credited),
    ("The server booked it once", funding.booked_once),
    ("The client trades", trading.trade),
    ("The deals stand on the account's page", trading.see_deals),
    ("Each deal's revenue matches to the cent", trading.see_revenue),
    ("The day is the sum of its deals", trading.see_day),
    ("Both portals show the commissions", partnership.see_commissions),
    ("A line opens its arithmetic", partnership.see_arithmetic),
    ("Both balances are the sums", partnership.see_balances),
    ("Both partners see a masked client", partnership.see_client),
    ("Page, book and server agree", funding.balances_agree),
    ("The Back Office shows the deposit", funding.see_in_back_office),
    ("The client's timeline tells it", sales.see_timeline),
    ("The auditor reads the trail", oversight.read_trail),
    ("The vendor sees a healthy tenant", oversight.look_at_console),
)
_EXPECTED = (Missing, ServerRefused, OSError, http.client.HTTPException, ValueError, LookupError)


@dataclass
class Tally:
    """How many steps were done and how many failed, over all tenants."""

    done: int = 0
    failed: int = 0


class Teller:
    """Prints a line a step, also when several tenants walk at once."""

    def __init__(self) -> None:
        """Nothing is told yet."""
        self.tally = Tally()
        self._lock = threading.Lock()

    def step(self, line: str, *, failed: bool) -> None:
        """Print one line and count it."""
        with self._lock:
            self.tally.done += 1
            self.tally.failed += failed
            print(line, flush=True)


def run(around: Surroundings, slug: str, *, patience: float, teller: Teller) -> None:
    """Walk through one tenant; the first failed step ends it, for the rest depends on it."""
    server = around.server()
    walk = Walk(around, slug, patience, server)
    try:
        for number, (title, step) in enumerate(STEPS, 1):
            started = time.perf_counter()
            problem = ""
            try:
                seen = step(walk)
            except _EXPECTED as error:
                problem = seen = f"{type(error).__name__}: {error}"
            spent = (time.perf_counter() - started) * 1000
            mark = "FAILED " if problem else ""
            line = f"[{slug}] {number:02d} {title:<44} {spent:6.0f} ms  {mark}({seen})"
            teller.step(line, failed=bool(problem))
            if problem:
                return
    finally:
        server.close()
