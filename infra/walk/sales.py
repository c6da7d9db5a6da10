"""A visitor becomes a lead, and a sales agent makes the lead a client."""

from __future__ import annotations

import re

from infra.walk.markup import Missing, Page
from infra.walk.surroundings import Walk

_AGENTS = ("aisha", "jonas", "lucia")


def visit_site(walk: Walk) -> str:
    """A visitor opens the brand's site."""
    page = walk.trader.browser.open(walk.at("www"))
    page.form("first_name", "email", "phone", action="/leads")
    return page.read.title.strip()


def follow_referral(walk: Walk) -> str:
    """The visitor follows the sub-partner's link and lands on the site."""
    page = walk.trader.browser.open(walk.at("www", f"/r/{walk.codes['sub']}"))
    hops = len(walk.trader.browser.trail)
    if hops < 2:
        raise Missing(f"expected the link to lead on to the site, saw {page.where()}")
    page.form("first_name", "email", action="/leads")
    return f"link of {walk.codes['sub']}, then {page.address.rsplit(':', 1)[-1]}"


def leave_details(walk: Walk) -> str:
    """The visitor sends the lead form and is thanked."""
    browser, person = walk.trader.browser, walk.trader
    form = browser.open(walk.at("www")).form("first_name", "email", "phone", action="/leads")
    page = browser.submit(
        form,
        {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "phone": person.phone,
            "country": "GB",
        },
    )
    if not page.address.endswith("/thanks"):
        raise Missing(f"expected to be thanked, saw {page.where()}: {page.problems()}")
    return "thanked"


def find_lead(walk: Walk) -> str:
    """The agent whose lead it is signs in and finds it; nobody else's list shows it."""

    def look() -> str:
        for agent in _AGENTS:
            browser = walk.colleague(agent)
            found = browser.open(
                walk.at("team", f"/crm/leads?q={walk.trader.last_name.split()[-1]}")
            ).links(r"/crm/leads/[0-9a-f-]{36}$")
            if found:
                walk.agent, walk.lead_page = agent, found[0]
                return agent
        return ""

    walk.until(f"the lead of {walk.trader.email} in an agent's list", look)
    for other in _AGENTS:
        if other != walk.agent:
            page = walk.colleague(other).open(
                walk.at("team", f"/crm/leads?q={walk.trader.last_name.split()[-1]}")
            )
            if page.links(r"/crm/leads/[0-9a-f-]{36}$"):
                raise Missing(f"expected only {walk.agent} to see the lead, {other} sees it too")
    return f"{walk.agent}@{walk.slug}.example finds it, the others do not"


def read_lead(walk: Walk) -> str:
    """The agent opens the lead, and reads why it is theirs and which partner sent it."""
    page = _lead(walk)
    page.expect("Why this owner", "Rule", walk.codes["sub"])
    reason = next(line for line in page.words.split("\n") if line.startswith("Rule"))
    return f"{reason}; partner {walk.codes['sub']}"


def note_call(walk: Walk) -> str:
    """The agent writes a call down, which moves the lead on."""
    browser = walk.colleague(walk.agent)
    words = f"Wants gold and euros, {walk.suffix}"
    form = _lead(walk).form("kind", "text", action="/notes")
    page = browser.submit(form, {"kind": "call", "text": words})
    page.expect(words, "contacted")
    return "on the timeline, stage contacted"


def convert(walk: Walk) -> str:
    """The agent converts the lead to a client."""
    browser = walk.colleague(walk.agent)
    page = browser.submit(_lead(walk).form(action="/convert"))
    if "/crm/clients/" not in page.address:
        raise Missing(f"expected the client's page, saw {page.where()}: {page.problems()}")
    walk.client_page = page.address
    page.expect(walk.trader.name)
    found = re.search(r"CL-\w+", page.words)
    return found[0] if found else page.address


def see_timeline(walk: Walk) -> str:
    """The agent reads on the client's timeline what has happened since."""
    page = walk.colleague(walk.agent).open(walk.client_page)
    page.expect("Documents approved", str(walk.login))
    return "documents and account stand on it"


def _lead(walk: Walk) -> Page:
    return walk.colleague(walk.agent).open(walk.lead_page)
