"""The client pays in by card, and the money is booked on the server exactly once."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlsplit

from infra.walk.markup import Missing
from infra.walk.surroundings import Walk, shown

AMOUNT = Decimal("1000.00")
_CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 39", "cvc": "123"}


def pay_in(walk: Walk) -> str:
    """The client asks to pay 1,000.00 USD to the account and pays at the provider's own page."""
    browser = walk.trader.browser
    page = browser.open(walk.at("my", f"/deposit?account={walk.account_page.rsplit('/', 1)[-1]}"))
    form = page.form("target", "amount", "method", "currency", action="/deposit")
    account_id = walk.account_page.rsplit("/", 1)[-1]
    values = {"amount": "1000", "currency": "USD", "target": account_id}
    if not form.fields.get("method"):
        values["method"] = form.choices["method"][0]
    hosted = browser.submit(form, values)
    if urlsplit(hosted.address).port != walk.around.psp_port:
        raise Missing(f"expected the provider's page, saw {hosted.where()}: {hosted.problems()}")
    hosted.expect("1,000.00")
    back = browser.submit(hosted.form("number", "expiry", "cvc"), _CARD)
    path = urlsplit(back.address).path
    if not path.startswith("/deposit/"):
        raise Missing(f"expected to come back to the deposit, saw {back.where()}")
    walk.deposit_reference = path.rsplit("/", 1)[-1]
    return f"{walk.deposit_reference} by card 4242"


def see_credited(walk: Walk) -> str:
    """The page to which the client comes back follows the money to the account."""
    address = walk.at("my", f"/deposit/{walk.deposit_reference}")

    def look() -> bool:
        page = walk.trader.browser.open(address).expect("1,000.00")
        page.link(f"{walk.account_page.rsplit(':', 1)[-1].split('/', 1)[-1]}$")
        # The page asks again by itself until the server has booked the money.
        return "hx-get" not in page.html

    walk.until(f"deposit {walk.deposit_reference} to be credited", look)
    page = walk.trader.browser.open(address)
    return next(line for line in page.words.split("\n") if "1,000.00" in line)


def booked_once(walk: Walk) -> str:
    """The server's own records show one booking of that amount, under a token."""
    booked = walk.server.cash_deals(walk.login)
    if [deal.profit for deal in booked] != [AMOUNT]:
        seen = [str(deal.profit) for deal in booked]
        raise Missing(f"expected one booking of {AMOUNT} on {walk.login}, saw {seen or 'none'}")
    [deal] = booked
    token, _, reference = deal.comment.partition(" ")
    if len(token) < 12 or reference not in ("", walk.deposit_reference):
        raise Missing(
            f"expected a token and {walk.deposit_reference} as the booking's comment,"
            f" saw “{deal.comment}”"
        )
    again = walk.server.operate_get(f"records?comment={token}")
    if again["balance_deals"] != 1:
        raise Missing(f"expected one booking under the token, saw {again['balance_deals']}")
    if walk.server.balance(walk.login) != AMOUNT:
        raise Missing(f"expected a balance of {AMOUNT}, saw {walk.server.balance(walk.login)}")
    return f"ticket {deal.ticket}, {shown(deal.profit)}, token of {len(token)} characters"


def balances_agree(walk: Walk) -> str:
    """After trading, the account page, the book and the server tell the same story."""
    expected = AMOUNT + sum(
        (deal.profit + deal.swap + deal.commission for deal in walk.trades), Decimal(0)
    )
    if walk.server.balance(walk.login) != expected:
        seen = walk.server.balance(walk.login)
        raise Missing(f"expected the server's balance to be {expected}, saw {seen}")

    def look() -> bool:
        walk.trader.browser.open(walk.account_page).expect(shown(expected))
        return True

    walk.until(f"a balance of {shown(expected)} on the account's page", look)
    home = walk.trader.browser.open(walk.at("my"))
    home.expect("0.00", shown(expected))
    return f"{shown(expected)} on the page and on the server, wallet 0.00"


def see_in_back_office(walk: Walk) -> str:
    """The finance head finds the deposit, credited, with its whole way."""
    browser = walk.colleague("stefan")
    page = browser.open(walk.at("team", f"/backoffice/deposits?q={walk.deposit_reference}"))
    row = page.row(walk.deposit_reference)
    if "1,000.00" not in row.words:
        raise Missing(f"expected 1,000.00 in the deposit's row, saw {row.words}")
    walk.deposit_page = next(link for link in row.links if "/backoffice/deposits/" in link)
    browser.open(walk.deposit_page).expect("Settled", "Credited", walk.trader.name)
    return row.words[:90]
