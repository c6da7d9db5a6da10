"""Pages of clients, partners and visitors in the states that their bare address does not show.

Empty lists, refused forms, open panels, and what only scripts draw. Each is a page of
`bench.pages` with further steps; none of them leaves anything behind in the copy.
"""

from __future__ import annotations

from urllib.parse import urljoin

from playwright.sync_api import Page, Route

from bench.pages import ACCOUNT, Spot, Step

_TOLD = (
    "event: notification\nid: 0\n"
    'data: {"title": "\u2066EURUSD\u2069", "body": "", "href": "/", "unread": 1}\n\n'
)


def at(path: str) -> Step:
    """Return a step that types another address of the same host."""

    def step(page: Page) -> None:
        page.goto(urljoin(page.url, path))

    return step


def refused(action: str, **typed: str) -> Step:
    """Return a step that sends a form with this in it, past the browser, and sees it refused."""

    def step(page: Page) -> None:
        form = page.locator(f"form[action='{action}']").first
        form.evaluate(
            "form => { form.noValidate = true;"
            " form.querySelectorAll('[maxlength]').forEach(e => e.removeAttribute('maxlength')) }"
        )
        for name, value in typed.items():
            form.locator(f"[name='{name}']").first.evaluate(
                "(field, value) => { field.value = value }", value
            )
        with page.expect_navigation() as answer:
            form.evaluate("form => form.requestSubmit()")
        if answer.value.status < 400:
            raise ValueError(f"{page.url} refused nothing")

    return step


def sent(action: str) -> Step:
    """Return a step that sends a form as it stands."""

    def step(page: Page) -> None:
        with page.expect_navigation():
            page.locator(f"form[action='{action}']").first.evaluate("form => form.requestSubmit()")
        page.locator("[data-toast]").first.wait_for()

    return step


def pressed(selector: str, shown: str) -> Step:
    """Return a step that presses a button of a script and waits for what it shows."""

    def step(page: Page) -> None:
        page.locator(selector).first.click()
        page.locator(shown).first.wait_for(state="attached")

    return step


def lost(page: Page) -> None:
    """Lose the connection when the list is sorted anew."""
    page.route("**/*sort=*", lambda route: route.abort())
    page.locator("th a").first.click()
    page.locator("[data-failed]").wait_for()


def told(page: Page) -> None:
    """Get a notification while the page is open."""

    def answer(route: Route) -> None:
        route.fulfill(body=_TOLD, content_type="text/event-stream")

    page.route("**/events*", answer)
    page.reload()
    page.locator("[data-toast]").wait_for()


def _of_a_list(host: str, who: str, path: str, number: str) -> tuple[Spot, ...]:
    """Return a list with each of its panels open, narrowed, emptied, and asked wrongly."""
    asked = {
        "filter": "panel=filter",
        "columns": "panel=columns",
        "export": "panel=export",
        "empty": "q=nobody-has-this-name",
        "narrowed": f"{number}_min=1&{number}_max=999999",
        "wrong": f"{number}_min=much&nothing=1",
    }
    return (
        *(Spot(host, path, who, f"{path}?{one}", label=label) for label, one in asked.items()),
        Spot(host, path, who, path, (lost,), label="lost"),
    )


def of_signing_in(host: str) -> tuple[Spot, ...]:
    """Return what may go wrong before somebody is signed in."""
    wrong = refused("/login", email="nobody@example.com", password="wrong-horse-9")
    return (
        Spot(host, "/login/passkey"),
        Spot(host, "/login", steps=(wrong,), label="refused"),
        Spot(host, "/login", steps=(refused("/login", _csrf_token="old"),), label="old"),
        Spot(
            host, "/login", steps=(pressed("[data-reveal]", "[aria-pressed=true]"),), label="open"
        ),
        Spot(host, "/register", steps=(refused("/register"),), label="refused"),
        Spot(host, "/verify", path="/login", steps=(at("/verify/unknown"),), label="unknown"),
        Spot(host, "/nowhere", path="/login", steps=(at("/nowhere"),)),
    )


def _of_a_person(host: str, who: str) -> tuple[Spot, ...]:
    blocked = pressed("[data-push-on]:visible", "[data-push-says]:not(:empty)")
    password = refused("/security/password", current_password="wrong-horse-9", password="short")
    return (
        Spot(host, "/notifications", who, "/notifications?show=unread", label="unread"),
        Spot(host, "/notifications", who, "/notifications", (blocked,), label="blocked"),
        Spot(host, "/notifications", who, "", (sent("/notifications/preferences"),), label="saved"),
        Spot(host, "/security", who, "", (password,), label="refused"),
        Spot(host, "/security/add", who),
        Spot(host, "/", who, "/", (told,), label="told"),
    )


PUBLIC = (
    Spot("www", "/", steps=(refused("/leads"),), label="refused"),
    Spot("www", "/embed/lead", steps=(refused("/embed/lead"),), label="refused"),
    Spot("www", "/verify", steps=(at("/verify/ABCD1234EFGH5678"),), label="unknown"),
    Spot("www", "/nowhere", path="/", steps=(at("/nowhere"),)),
    Spot("www", "/unsubscribe", path="/", steps=(at("/unsubscribe/unknown"),), label="unknown"),
)
TRADER = (
    *of_signing_in("my"),
    Spot("my", "/invite", path="/login", steps=(at("/invite/unknown"),), label="unknown"),
    *_of_a_list("my", "trader", "/history", "amount"),
    Spot("my", "/history/statement", "trader", "/history",
         (at("/history/statement.pdf?since=2030-01-01&until=2020-01-01"),)),
    Spot("my", "/accounts", "trader", "", (refused("/accounts", account_type="NONE"),),
         label="refused"),
    Spot("my", "/accounts/{account_id:uuid}", "trader", "/",
         (*ACCOUNT, pressed("[data-copy]", "[data-copy].done")), label="copied"),
    Spot("my", "/deposit", "trader", "", (refused("/deposit", amount="much"),), label="refused"),
    *_of_a_person("my", "trader"),
)  # fmt: skip
PARTNERS = (
    *of_signing_in("ib"),
    Spot("ib", "/join", path="/login", steps=(at("/join/unknown"),), label="unknown"),
    *_of_a_list("ib", "partner", "/commissions", "lots"),
    *_of_a_list("ib", "partner", "/referrals", "lots"),
    Spot("ib", "/referrals", "partner", "/referrals?show=partners", label="partners"),
    Spot("ib", "/commissions/statement", "partner", "/commissions",
         (at("/commissions/statement.pdf?month=never"),)),
    Spot("ib", "/balance", "partner", "/balance?after=1", label="after"),
    *_of_a_person("ib", "partner"),
)  # fmt: skip
ALL = (*PUBLIC, *TRADER, *PARTNERS)
