"""Two introducing brokers: a master, and one below; each trade pays both by their plans."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from infra.walk import arithmetic
from infra.walk.markup import Missing, Row
from infra.walk.mt5 import DealSeen
from infra.walk.surroundings import Somebody, Walk, amounts, shown

_CLOSES = 1


def register_master(walk: Walk) -> str:
    """A partner registers in the portal."""
    return _register(walk, walk.master, "/register")


def enter_master(walk: Walk) -> str:
    """The partner opens the mailed link and finds their own links in the portal."""
    return _enter(walk, walk.master, "master")


def give_master_plan(walk: Walk) -> str:
    """The owner of the brokerage puts the partner on the Master plan."""
    browser = walk.colleague("olivia")
    listed = browser.open(walk.at("team", f"/backoffice/partners?q={_word(walk.master)}"))
    row = listed.row(walk.master.name)
    page = browser.open(next(link for link in row.links if "/backoffice/partners/" in link))
    form = page.form("plan_code", "ratio", action="/terms")
    if "MASTER" not in form.choices["plan_code"]:
        raise Missing(f"expected the Master plan to choose, saw {form.choices['plan_code']}")
    browser.submit(form, {"plan_code": "MASTER", "ratio": "1"})
    browser.open(page.address).expect("MASTER")
    return "by olivia: MASTER, ratio 1"


def register_sub(walk: Walk) -> str:
    """Another partner joins by the first one's link."""
    return _register(walk, walk.sub, f"/join/{walk.codes['master']}")


def enter_sub(walk: Walk) -> str:
    """They confirm their address, and the master sees them in the network."""
    told = _enter(walk, walk.sub, "sub")
    page = walk.master.browser.open(walk.at("ib", "/referrals?show=partners"))
    page.row(walk.sub.name)
    return told


def see_commissions(walk: Walk) -> str:
    """Each portal shows for every closing deal what the walk computes itself."""
    expected = _expected(walk)

    def look() -> bool:
        for somebody, role in ((walk.sub, "sub"), (walk.master, "master")):
            page = somebody.browser.open(walk.at("ib", "/commissions"))
            for one in expected:
                _check_line(page.row(str(one.deal.ticket)), one, role)
        return True

    walk.until("commissions in both portals", look)
    sub, master = _sums(expected)
    return f"{len(expected)} trades pay {shown(sub)} to the sub-partner, {shown(master)} to Master"


def see_arithmetic(walk: Walk) -> str:
    """A line opens its arithmetic, which ends at the walk's own figure."""
    first = _expected(walk)[0]
    page = walk.master.browser.open(walk.at("ib", "/commissions"))
    row = page.row(str(first.deal.ticket))
    detail = walk.master.browser.open(row.links[0])
    detail.expect(f"{shown(first.master)} USD", walk.sub.name)
    return f"deal {first.deal.ticket}: {shown(first.master)} USD through {walk.sub.name}"


def see_balances(walk: Walk) -> str:
    """What each portal owes, posted or not yet, is the sum of the lines."""
    told = []
    sums = _sums(_expected(walk))
    for somebody, wanted in zip((walk.sub, walk.master), sums, strict=True):
        page = somebody.browser.open(walk.at("ib", "/balance"))
        found = list(amounts(page.words))[:3]
        if len(found) < 3 or found[0] + found[2] != wanted:
            raise Missing(
                f"expected {shown(wanted)} to be available or not posted yet on {page.where()},"
                f" saw {', '.join(map(str, found))}"
            )
        told.append(f"{somebody.first_name} {shown(wanted)}")
    return ", ".join(told)


def see_client(walk: Walk) -> str:
    """Both partners see the client, whose name and address are masked."""
    for somebody in (walk.sub, walk.master):
        page = somebody.browser.open(walk.at("ib", "/referrals"))
        if walk.trader.email in page.words or walk.trader.last_name in page.words:
            raise Missing(f"expected the client to be masked on {page.where()}")
        page.row(f"{walk.trader.first_name[0]}••••")
    return "listed in both portals, name and address masked"


@dataclass(frozen=True)
class Payment:
    """What one closing deal pays both, by the walk's own arithmetic."""

    deal: DealSeen
    sub: Decimal
    master: Decimal


def _expected(walk: Walk) -> list[Payment]:
    """Compute what each closing deal pays: nothing when it was held for less than two minutes."""
    found = []
    for deal in walk.trades:
        if deal.entry != _CLOSES:
            continue
        opened = next(
            one for one in walk.trades if one.position == deal.position and one.entry == 0
        )
        held = deal.time - opened.time
        if held < arithmetic.HELD_SECONDS_MIN:
            found.append(Payment(deal, Decimal(0), Decimal(0)))
            continue
        both = arithmetic.shares(deal.symbol, deal.lots)
        found.append(Payment(deal, both.sub, both.master))
    return found


def _sums(payments: list[Payment]) -> tuple[Decimal, Decimal]:
    zero = Decimal(0)
    return (
        sum((one.sub for one in payments), zero),
        sum((one.master for one in payments), zero),
    )


def _check_line(row: Row, one: Payment, role: str) -> None:
    wanted = shown(one.sub if role == "sub" else one.master)
    if row.cells[-1] != wanted:
        raise Missing(
            f"expected {wanted} for the {role} partner on deal {one.deal.ticket}"
            f" of {one.deal.lots} {one.deal.symbol}, saw {row.words}"
        )


def _register(walk: Walk, somebody: Somebody, path: str) -> str:
    form = somebody.browser.open(walk.at("ib", path)).form("name", "email", "password")
    values = {
        "name": somebody.name,
        "email": somebody.email,
        "password": somebody.password,
        "country": "AE",
    }
    consents = {name: "on" for name in form.choices if name not in values}
    page = somebody.browser.submit(form, {**values, **consents})
    page.expect(somebody.email)
    return f"{somebody.email} at {path}"


def _enter(walk: Walk, somebody: Somebody, role: str) -> str:
    page = somebody.browser.open(walk.mailed_link(somebody.email, "/verify/"))
    found = re.search(rf"www\.{walk.slug}\.[^\s/\"]*/r/([A-Za-z0-9_-]+)", page.html)
    if not found:
        raise Missing(f"expected the referral link on {page.where()}, saw {page.words[:300]}")
    walk.codes[role] = found[1]
    if f"/join/{found[1]}" not in page.html:
        raise Missing(f"expected the link for partners on {page.where()}")
    return f"code {found[1]}"


def _word(somebody: Somebody) -> str:
    return somebody.last_name.split()[-1]
