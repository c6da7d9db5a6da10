"""Documents sent through the page: taken, refused with a sentence, seen by their owner only."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tenants.ports import Ports
from tests.factories import documents
from tests.fixtures.database import BETA
from tests.fixtures.web import Browser, host
from tests.tradersroom import people

MY = host("my")
FACTS = {
    "born_on": "1990-04-02",
    "address": "Lange Strasse 4, 20095 Hamburg",
    "document_number": "X4471902K",
}


async def send(browser: Browser, kind: str, data: bytes, name: str = "photo.jpg") -> Any:
    """Send a document as the form does."""
    return await browser.post(
        MY, f"/verification/documents/{kind}", files={"file": (name, data, "image/jpeg")}
    )


async def test_a_case_is_filled_and_submitted(
    browser: Browser, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """Facts, three documents, submit: the case is in review and an event tells of it."""
    await people.sign_up(browser, ports)
    await browser.get(MY, "/verification")
    early = await browser.post(MY, "/verification/submit")
    await browser.post(MY, "/verification/facts", FACTS)
    for kind in ("passport", "proof_of_address", "selfie"):
        answer = await send(browser, kind, documents.jpeg())
        assert answer.status_code == 303
    late = await browser.post(MY, "/verification/submit")
    shown = await browser.get(MY, "/verification")

    assert early.status_code == 422
    assert "your passport, or both sides of your identity card" in early.text
    assert late.status_code == 303
    assert "In review" in shown.text
    assert await superuser.fetchval("SELECT state FROM t_alpha.kyc_case") == "in_review"
    events = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.outbox WHERE topic = 'compliance.kyc_submitted'"
    )
    assert events == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg onload='alert(1)'/>", "Send a JPG, a PNG or a PDF"),
        (documents.pixel_flood(), "40 megapixels"),
        (documents.pdf(b"/OpenAction << /S /JavaScript /JS (x) >>"), "scripts, actions"),
        (b"", "Choose a file"),
        (b"\xff\xd8\xff" + bytes(10 * 1024 * 1024), "larger than 10 MB"),
    ],
)
async def test_a_bad_file_is_refused_with_what_to_do(
    browser: Browser, ports: Ports, superuser: asyncpg.Connection, data: bytes, words: str
) -> None:
    """Beside its own document, and nothing is stored."""
    await people.sign_up(browser, ports)
    await browser.get(MY, "/verification")
    answer = await send(browser, "passport", data, "passport.jpg")

    assert answer.status_code == 422
    assert words in answer.text
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.kyc_document") == 0


async def test_an_upload_beyond_any_measure_is_cut_off(browser: Browser, ports: Ports) -> None:
    """The server reads no further than its limit."""
    await people.sign_up(browser, ports)
    await browser.get(MY, "/verification")
    answer = await send(browser, "selfie", bytes(12 * 1024 * 1024))

    assert answer.status_code == 413
    assert "too large" in answer.text


async def test_facts_that_can_not_be_are_named(browser: Browser, ports: Ports) -> None:
    """A minor, a short address: what was typed stays."""
    await people.sign_up(browser, ports)
    await browser.get(MY, "/verification")
    answer = await browser.post(
        MY,
        "/verification/facts",
        {"born_on": "2020-01-01", "address": "here", "document_number": "X4471902K"},
    )

    assert answer.status_code == 422
    assert "18 or older" in answer.text
    assert "street, number" in answer.text
    assert 'value="X4471902K"' in answer.text


async def test_a_polyglot_comes_back_as_a_picture_only(
    browser: Browser, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """What the owner sees again is the picture, with headers that let nothing run."""
    await people.sign_up(browser, ports)
    await browser.get(MY, "/verification")
    await send(browser, "selfie", documents.jpeg() + b"<script>alert(1)</script>", "x.html")
    document_id = await superuser.fetchval("SELECT id FROM t_alpha.kyc_document")
    answer = await browser.get(MY, f"/verification/documents/{document_id}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in ",".join(answer.headers.get_list("content-security-policy"))
    assert b"script" not in answer.content
    assert documents.EXIF_MAKER not in answer.content


async def test_another_clients_document_is_not_found(
    browser: Browser, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """Whether of the same brokerage or of another."""
    await people.sign_up(browser, ports)
    await browser.get(MY, "/verification")
    await send(browser, "selfie", documents.jpeg())
    document_id = await superuser.fetchval("SELECT id FROM t_alpha.kyc_document")
    address = f"/verification/documents/{document_id}"
    await browser.post(MY, "/logout")
    await people.sign_up(browser, ports, email="other@mail.example", phone="+49 170 7654321")
    await people.sign_up(browser, ports, tenant=BETA)

    assert (await browser.get(MY, address)).status_code == 404
    assert (await browser.get(host("my", "beta"), address)).status_code == 404
