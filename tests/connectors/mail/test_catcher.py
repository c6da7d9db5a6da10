"""The mail catcher, over its real sockets: what it keeps, finds and shows."""

import asyncio
import json
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from connectors.mail.catcher.inbox import Inbox
from connectors.mail.catcher.parsing import parse

ROOT = Path(__file__).parents[3]
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    '<form action="http://127.0.0.1/steal"><input name=p></form>'
    '<meta http-equiv="refresh" content="0;url=http://127.0.0.1/gone">'
    '<a href="javascript:alert(1)">press</a><a href="http://my.alpha.localhost/verify?t=1">go</a>'
)


@dataclass(frozen=True)
class Catcher:
    """A running catcher."""

    smtp_port: int
    url: str
    process: "subprocess.Popen[str]"

    def send(self, *recipients: str, **content: str) -> EmailMessage:
        """Send a mail with subject, text and html; return it."""
        mail = EmailMessage()
        mail["Subject"] = content.get("subject", "Hello")
        mail["From"] = content.get("sender", "Alpha <no-reply@alpha.example>")
        mail["To"] = ", ".join(recipients)
        mail.set_content(content.get("text", "A text"))
        if "html" in content:
            mail.add_alternative(content["html"], subtype="html")
        self.deliver(mail, *recipients)
        return mail

    def deliver(self, mail: EmailMessage, *recipients: str) -> None:
        """Hand a mail over by SMTP."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port) as server:
            server.send_message(mail, to_addrs=recipients)

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        """Return status, headers (lower case) and body of a page."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                status, body = response.status, response.read().decode("utf-8", "replace")
                found = response.headers
        except urllib.error.HTTPError as error:
            with error:
                status, body, found = error.code, error.read().decode(), error.headers
        return status, {name.lower(): value for name, value in found.items()}, body

    def api(self, path: str) -> list[dict[str, str]]:
        """Return the JSON list at a path."""
        found: list[dict[str, str]] = json.loads(self.get(path)[2])
        return found

    def message(self, number: str) -> dict[str, object]:
        """Return one message as JSON."""
        found: dict[str, object] = json.loads(self.get(f"/api/messages/{number}")[2])
        return found


def start(folder: Path) -> Catcher:
    """Start a catcher on free ports."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "connectors.mail.catcher", "--data", str(folder)),
            *("--smtp-port", "0", "--http-port", "0"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    word, url, smtp = process.stdout.readline().split()
    assert word == "ready"
    return Catcher(int(smtp.rpartition(":")[2]), url, process)


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    """One catcher for the tests of this module; each uses its own recipients."""
    running = start(tmp_path_factory.mktemp("mail"))
    yield running
    running.process.terminate()
    running.process.communicate(timeout=10)
    assert running.process.returncode == 0


def test_a_mail_is_found_by_its_recipient(catcher: Catcher) -> None:
    """Subject, sender and time are told; letters' case of the address does not matter."""
    before = datetime.now(UTC)
    catcher.send("Eve.One@x.example", subject="Grüße aus Ελλάδα")

    found = catcher.api("/api/messages?to=eve.one@X.example")

    assert [one["subject"] for one in found] == ["Grüße aus Ελλάδα"]
    assert found[0]["from"] == "Alpha <no-reply@alpha.example>"
    assert found[0]["to"] == "Eve.One@x.example"
    assert before <= datetime.fromisoformat(found[0]["at"]) <= datetime.now(UTC)
    assert catcher.api("/api/messages?to=one@x.example") == []


def test_text_html_links_and_attachments_are_told(catcher: Catcher) -> None:
    """Links come from anchors and from the text, each once; an attachment can be fetched."""
    mail = EmailMessage()
    mail["Subject"] = "Parts"
    mail["From"] = "a@alpha.example"
    mail.set_content("Open https://my.alpha.example/a?b=1&c=2.\nBye")
    mail.add_alternative(
        '<a href="https://my.alpha.example/a?b=1&amp;c=2">Open</a>', subtype="html"
    )
    mail.add_attachment(b"\x00pdf", maintype="application", subtype="pdf", filename="Beleg ü.pdf")
    catcher.deliver(mail, "parts@x.example")

    number = catcher.api("/api/messages?to=parts@x.example")[0]["id"]
    message = catcher.message(number)

    assert message["text"] == "Open https://my.alpha.example/a?b=1&c=2.\nBye\n"
    assert "Open</a>" in str(message["html"])
    assert message["links"] == ["https://my.alpha.example/a?b=1&c=2"]
    assert message["attachments"] == [
        {"name": "Beleg ü.pdf", "type": "application/pdf", "bytes": 4}
    ]
    status, headers, body = catcher.get(f"/messages/{number}/parts/0")
    assert (status, body) == (200, "\x00pdf")
    assert headers["content-disposition"].startswith("attachment;")
    assert quote("Beleg ü.pdf") in headers["content-disposition"]
    assert catcher.get(f"/messages/{number}/parts/1")[0] == 404


def test_since_leaves_out_what_came_before(catcher: Catcher) -> None:
    """Both a time and the id of a message are understood; nonsense is refused with a reason."""
    catcher.send("since@x.example", subject="first")
    between = datetime.now(UTC)
    catcher.send("since@x.example", subject="second")
    first = catcher.api("/api/messages?to=since@x.example")[-1]["id"]

    for since in (between.isoformat(), between.isoformat().replace("+00:00", "Z"), first):
        query = urlencode({"to": "since@x.example", "since": since})
        assert [one["subject"] for one in catcher.api(f"/api/messages?{query}")] == ["second"]
    unescaped = f"/api/messages?to=since@x.example&since={between.isoformat()}"
    assert len(catcher.api(unescaped)) == 1
    late = urlencode({"since": (between + timedelta(days=1)).isoformat()})
    assert catcher.api(f"/api/messages?{late}") == []
    status, _, body = catcher.get("/api/messages?since=yesterday")
    assert status == 400
    assert "RFC 3339" in body


def test_a_hostile_mail_is_inert(catcher: Catcher) -> None:
    """Its HTML is sent only with a policy without scripts, forms or loads, in a sandboxed frame."""
    subject = "<script>alert(1)</script>"
    catcher.send("evil@x.example", subject=subject, html=HOSTILE, text="<b>bold</b>")
    number = catcher.api("/api/messages?to=evil@x.example")[0]["id"]

    _, headers, page = catcher.get(f"/messages/{number}")
    _, inner_headers, inner = catcher.get(f"/messages/{number}/html")
    _, list_headers, listing = catcher.get("/?to=evil@x.example")

    assert "<script" not in page.lower()
    assert "<script" not in listing.lower()
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    for policy in (headers, list_headers, inner_headers):
        assert "default-src 'none'" in policy["content-security-policy"]
        assert "script-src" not in policy["content-security-policy"]
        assert policy["x-content-type-options"] == "nosniff"
    sandbox = inner_headers["content-security-policy"].partition("sandbox")[2]
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    assert "allow-forms" not in sandbox
    assert HOSTILE in inner.replace("\r\n", "\n")
    assert catcher.message(number)["links"] == ["http://my.alpha.localhost/verify?t=1"]
    assert "javascript:" not in page


def test_the_list_renews_itself_until_a_person_stops_it(catcher: Catcher) -> None:
    """The search stays in the field, and the page works without scripts."""
    catcher.send("renew@x.example", subject="Renewed")

    _, headers, page = catcher.get("/?to=renew")
    assert headers["refresh"] == "5"
    assert 'value="renew"' in page
    assert "Renewed" in page

    _, headers, page = catcher.get("/?to=renew&refresh=off")
    assert "refresh" not in headers
    assert "No mail to an address with" in catcher.get("/?to=nobody-at-all")[2]


def test_a_foreign_host_name_is_refused(catcher: Catcher) -> None:
    """A page elsewhere that points a name of its own at this machine reads nothing."""
    assert catcher.get("/api/messages", Host="evil.example")[0] == 421
    assert catcher.get("/api/messages", Host="localhost:8003")[0] == 200
    assert catcher.get("/nowhere")[0] == 404
    assert catcher.get("/messages/99999999")[0] == 404


def test_mails_outlive_a_restart(tmp_path: Path) -> None:
    """They are in a file by the time the sender hears of success, even before a kill."""
    first = start(tmp_path)
    first.send("kept@x.example", subject="Kept")
    first.process.kill()
    first.process.communicate()

    second = start(tmp_path)
    try:
        assert [one["subject"] for one in second.api("/api/messages")] == ["Kept"]
    finally:
        second.process.terminate()
        second.process.communicate()


def test_hundreds_of_mails_are_taken_and_listed_quickly(catcher: Catcher) -> None:
    """Three hundred mails over one connection, then a page of them; bounds far above the usual."""
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "Bulk", "a@alpha.example"
    mail.set_content("text")
    begun = time.monotonic()
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as server:
        for number in range(300):
            server.send_message(mail, to_addrs=[f"bulk{number}@x.example"])
    assert time.monotonic() - begun < 30

    begun = time.monotonic()
    page = catcher.get("/?to=bulk&refresh=off")[2]
    assert time.monotonic() - begun < 2
    assert page.count("<li>") == 200
    assert "Older mail" in page


async def test_several_senders_at_once_lose_nothing(catcher: Catcher) -> None:
    """Twenty connections side by side: each mail is kept once."""
    await asyncio.gather(
        *(asyncio.to_thread(catcher.send, f"side{one}@side.example") for one in range(20))
    )
    found = [catcher.api(f"/api/messages?to=side{one}@side.example") for one in range(20)]
    assert [len(one) for one in found] == [1] * 20


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?!!!?=\r\nContent-Type: text/html; charset=nonsense\r\n\r\n<p>x",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        b"From: <<>>,,\r\nTo: @\r\nDate: never\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
    ],
)
def test_a_damaged_mail_is_read_as_far_as_it_goes(raw: bytes) -> None:
    """Nothing that arrives makes the reader fail."""
    content = parse(raw)

    assert isinstance(content.subject, str)
    assert isinstance(content.html, str)


def test_the_inbox_forgets_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps a fixed number of mails, so that a long demo does not fill the disk."""
    monkeypatch.setattr("connectors.mail.catcher.inbox.MAILS_MAX", 3)
    inbox = Inbox(tmp_path / "inbox.sqlite3")

    for number in range(5):
        inbox.add("a@x.example", ["b@x.example"], f"Subject: {number}\r\n\r\n".encode())

    assert [mail.subject for mail in inbox.search()] == ["4", "3", "2"]
    assert inbox.get(1) is None
    inbox.close()
