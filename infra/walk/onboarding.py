"""The client comes in, sends documents, is verified, and has an account."""

from __future__ import annotations

import re

from infra.walk.browser import Upload
from infra.walk.markup import Missing
from infra.walk.pictures import document
from infra.walk.surroundings import Walk, sign_in

_PAPERS = ("passport", "proof_of_address", "selfie")
_OTHER_EYES = "petra"


def accept_invitation(walk: Walk) -> str:
    """The client opens the mailed link, sets a password and is in."""
    link = walk.mailed_link(walk.trader.email, "/invite/")
    browser = walk.trader.browser
    form = browser.open(link).form("password")
    consents = dict.fromkeys(form.choices, "on")
    page = browser.submit(form, {"password": walk.trader.password, **consents})
    page.expect(walk.trader.first_name)
    return f"invited by mail, now at {page.address.split('/', 3)[2]}"


def sign_in_again(walk: Walk) -> str:
    """The client signs in with the new password, and sees what is left to do."""
    walk.trader.browser = walk.browser()
    person = walk.trader
    page = sign_in(person.browser, walk.at("my", "/login"), person.email, person.password)
    page.expect(person.first_name)
    return f"{page.read.title.strip()}; next: {page.link('/verification$').rsplit('/', 1)[-1]}"


def send_documents(walk: Walk) -> str:
    """The client types who they are and sends three documents."""
    browser = walk.trader.browser
    page = browser.open(walk.at("my", "/verification"))
    facts = page.form("born_on", "address", "document_number")
    page = browser.submit(
        facts,
        {
            "born_on": "1990-05-17",
            "address": f"12 Walk Lane, Flat {walk.suffix}, London",
            "document_number": f"P{walk.suffix.upper()}",
        },
    )
    for kind in _PAPERS:
        form = page.form("file", action=f"/verification/documents/{kind}")
        picture = Upload(f"{kind}.png", "image/png", document(f"{walk.suffix}-{kind}"))
        page = browser.submit(form, files={"file": picture})
        if f"{kind}." not in page.html:
            raise Missing(f"expected {kind} to be there, saw {page.problems() or page.where()}")
    return f"{len(_PAPERS)} PNG pictures"


def submit_documents(walk: Walk) -> str:
    """The client hands everything in."""
    browser = walk.trader.browser
    form = browser.open(walk.at("my", "/verification")).form(action="/verification/submit")
    page = browser.submit(form)
    if any(form.action.endswith("/verification/submit") for form in page.read.forms):
        raise Missing(f"expected the case to be in review, saw {page.problems() or page.where()}")
    return "in review"


def find_case(walk: Walk) -> str:
    """The compliance head finds the case in the queue and looks at a document."""
    browser = walk.colleague(_OTHER_EYES)

    def look() -> str:
        page = browser.open(walk.at("team", f"/backoffice/kyc?q={walk.trader.first_name}"))
        row = page.row(walk.trader.name)
        found = [link for link in row.links if re.search(r"/backoffice/kyc/[0-9a-f-]{36}", link)]
        return found[0] if found else ""

    walk.case_page = walk.until("the case in the queue", look).split("?")[0]
    page = browser.open(walk.case_page).expect(walk.trader.name)
    numbers = set(re.findall(r'name="document-([0-9a-f-]{36})"', page.html))
    if len(numbers) != len(_PAPERS):
        raise Missing(f"expected {len(_PAPERS)} documents on {page.where()}, saw {len(numbers)}")
    size = 0
    for number in numbers:
        seen = browser.open(walk.at("team", f"/backoffice/kyc/documents/{number}"))
        kind = seen.headers.get("content-type", "")
        if not kind.startswith("image/") or len(seen.body) < 1000:
            raise Missing(f"expected a picture, saw {kind} of {len(seen.body)} bytes")
        size += len(seen.body)
    return f"{len(numbers)} documents opened, {size} bytes"


def approve(walk: Walk) -> str:
    """The compliance head approves, with a reason."""
    browser = walk.colleague(_OTHER_EYES)
    form = browser.open(walk.case_page).form("reason", action="/approve")
    values = {"reason": "Documents match the profile."}
    if "level" in form.choices and not form.fields.get("level"):
        values["level"] = form.choices["level"][0]
    browser.submit(form, values)
    browser.open(walk.case_page).expect("Documents match the profile.")
    return f"by {_OTHER_EYES}@{walk.slug}.example"


def get_login(walk: Walk) -> str:
    """The mail with the login arrives, and the account's card shows it."""
    number = re.compile(r"\b(\d{4,9})\b")
    mail = walk.mail(
        walk.trader.email, "a login number as subject", lambda one: number.search(one.subject)
    )
    walk.login = int(number.findall(mail.subject)[0])
    browser = walk.trader.browser

    def look() -> str:
        page = browser.open(walk.at("my")).expect(str(walk.login))
        return page.link(r"/accounts/[0-9a-f-]{36}$")

    walk.account_page = walk.until(f"account {walk.login} on the home page", look)
    walk.group = walk.server.group_of(walk.login)
    if walk.slug not in walk.group:
        raise Missing(f"expected a group of {walk.slug}, saw {walk.group}")
    return f"login {walk.login} in {walk.group}"
