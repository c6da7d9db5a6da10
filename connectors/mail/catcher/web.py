"""The inbox over HTTP, on 127.0.0.1: pages for people, JSON for tests.

Mails are hostile until proven otherwise. What they say is escaped; their HTML part is sent with
a policy that lets it load nothing, run nothing and submit nothing.
"""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, quote, urlsplit

from connectors.mail.catcher import pages
from connectors.mail.catcher.inbox import Inbox, Mail
from connectors.mail.catcher.parsing import Content, with_pictures

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
HOSTS = {"127.0.0.1", "localhost", "[::1]"}
HTML = "text/html; charset=utf-8"


class InboxServer(ThreadingHTTPServer):
    """Serves one inbox, a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, inbox: Inbox) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.inbox = inbox


class Handler(BaseHTTPRequestHandler):
    """Answers one connection; only reads."""

    protocol_version = "HTTP/1.1"
    server_version = "inbox"
    sys_version = ""
    timeout = 30
    server: InboxServer
    routes: ClassVar[list[tuple[str, str]]] = [
        (r"/", "list"),
        (r"/messages/(\d{1,15})", "show"),
        (r"/messages/(\d{1,15})/html", "show_html"),
        (r"/messages/(\d{1,15})/parts/(\d{1,4})", "download"),
        (r"/api/messages", "api_list"),
        (r"/api/messages/(\d{1,15})", "api_show"),
        (r"/healthz", "health"),
    ]

    def do_GET(self) -> None:
        """Find the route and answer; a foreign Host header is refused against DNS rebinding."""
        if re.sub(r":\d+$", "", self.headers.get("Host", "")) not in HOSTS:
            self._problem(421, "Wrong host", "Open this inbox as http://127.0.0.1 with its port.")
            return
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        for pattern, name in self.routes:
            if found := re.fullmatch(pattern, address.path):
                getattr(self, f"_{name}")(query, *map(int, found.groups()))
                return
        self._problem(404, "No such page", "Nothing lives at this address.")

    def do_HEAD(self) -> None:
        """Answer as GET does, without the body."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: addresses of recipients are personal and stand in the path."""

    def _list(self, query: dict[str, str]) -> None:
        before = query.get("before", "")
        refreshing = query.get("refresh") != "off"
        mails = self.server.inbox.search(
            to=query.get("to", "").strip(), before=int(before) if before.isdecimal() else 0
        )
        page = pages.listing(mails, to=query.get("to", ""), refreshing=refreshing)
        # The header, not the element: no script, and a person can turn it off.
        renew = {"Refresh": str(pages.REFRESH_SECONDS)} if refreshing else {}
        self._answer(200, HTML, page, renew)

    def _show(self, _: dict[str, str], number: int) -> None:
        if mail := self._mail(number):
            self._answer(200, HTML, pages.single(*mail))

    def _show_html(self, _: dict[str, str], number: int) -> None:
        if mail := self._mail(number):
            page = '<!doctype html><base target="_blank">' + with_pictures(mail[1])
            self._answer(200, HTML, page.encode(), {"Content-Security-Policy": MAIL_POLICY})

    def _download(self, _: dict[str, str], number: int, part: int) -> None:
        mail = self._mail(number)
        if mail is None:
            return
        if part >= len(mail[1].parts):
            self._problem(404, "No such attachment", "This mail has no attachment of that number.")
            return
        found = mail[1].parts[part]
        named = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
        self._answer(200, "application/octet-stream", found.data, {"Content-Disposition": named})

    def _api_list(self, query: dict[str, str]) -> None:
        try:
            mails = self.server.inbox.search(
                to=query.get("to", "").strip(), since=query.get("since", ""), exact=True
            )
        except ValueError as error:
            detail = f"since is the id of a message or a time in RFC 3339 with offset: {error}"
            self._json(400, {"title": "Bad request", "status": 400, "detail": detail})
            return
        self._json(200, [_summary(mail) for mail in mails])

    def _api_show(self, _: dict[str, str], number: int) -> None:
        found = self.server.inbox.get(number)
        if found is None:
            self._json(404, {"title": "No such message", "status": 404})
        else:
            self._json(200, _whole(*found))

    def _health(self, _: dict[str, str]) -> None:
        self._answer(200, "text/plain; charset=utf-8", b"ok")

    def _mail(self, number: int) -> tuple[Mail, Content] | None:
        found = self.server.inbox.get(number)
        if found is None:
            self._problem(404, "No such mail", "It is not in this inbox, or was too old to keep.")
        return found

    def _problem(self, status: int, title: str, detail: str) -> None:
        self._answer(status, HTML, pages.problem(title, detail))

    def _json(self, status: int, value: object) -> None:
        self._answer(status, "application/json", json.dumps(value, ensure_ascii=False).encode())

    def _answer(
        self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        every = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": PAGE_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            **(headers or {}),
        }
        for name, value in every.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _summary(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "to": mail.recipients,
        "from": mail.sender,
        "subject": mail.subject,
        "at": mail.at,
    }


def _whole(mail: Mail, content: Content) -> dict[str, object]:
    attachments = [
        {"name": part.name, "type": part.kind, "bytes": len(part.data)} for part in content.parts
    ]
    return {
        **_summary(mail),
        "text": content.text,
        "html": content.html,
        "links": list(content.links),
        "attachments": attachments,
    }
