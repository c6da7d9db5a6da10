"""The gateway and its inbox over HTTP, on 127.0.0.1: the protocol for programs, a page for people.

Messages are hostile until proven otherwise: what they say is escaped.
"""

import json
import re
from base64 import b64decode
from datetime import datetime
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from connectors.sms.catcher.inbox import Inbox, Message

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
HOSTS = {"127.0.0.1", "localhost", "[::1]"}
HTML = "text/html; charset=utf-8"
BODY_MAX = 64 * 1024
TEXT_MAX = 1600
REFRESH_SECONDS = 5
STYLE = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #f4f6f9; --quiet: #55606e;
  --link: #0b57c2; --back: #fff; --ink: #16202c; }
@media (prefers-color-scheme: dark) { :root { --line: #38424f; --soft: #1c242e; --quiet: #a9b4c1;
  --link: #8ab8ff; --back: #12181f; --ink: #e8edf3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); } :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
header, main { max-width: 40rem; margin: 0 auto; padding: 1rem; }
header { border-bottom: 1px solid var(--line); } h1 { font-size: 1.4rem; margin: 0 0 .75rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
label { display: block; font-size: .875rem; color: var(--quiet); }
input, button { font: inherit; padding: .4rem .7rem; border: 1px solid var(--quiet);
  border-radius: .4rem; background: var(--back); color: var(--ink); }
ol { list-style: none; margin: 0; padding: 0; } li { padding: .7rem 0; }
li p { margin: 0 0 .2rem; background: var(--soft); border: 1px solid var(--line);
  padding: .6rem .8rem; border-radius: .8rem; overflow-wrap: anywhere; white-space: pre-wrap; }
.quiet { color: var(--quiet); font-size: .875rem; }
"""


class GatewayServer(ThreadingHTTPServer):
    """Serves one inbox, a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, inbox: Inbox) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.inbox = inbox


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "sms"
    sys_version = ""
    timeout = 30
    server: GatewayServer

    def do_GET(self) -> None:
        """Show the inbox, or list messages to a program."""
        if not self._local():
            return
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if address.path == "/":
            self._answer(200, HTML, self._page(query))
        elif address.path == "/healthz":
            self._answer(200, "text/plain; charset=utf-8", b"ok")
        elif account := self._account(address.path):
            found = self.server.inbox.search(to=query.get("To", ""), exact=True)
            self._json(200, {"messages": [_told(one, account) for one in found]})
        else:
            self._json(404, {"code": 20404, "message": "There is nothing here.", "status": 404})

    def do_POST(self) -> None:
        """Take one message; the sender hears of success only once it is on disk."""
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(size, BODY_MAX))
        if not self._local():
            return
        account = self._account(urlsplit(self.path).path)
        if not account:
            self._json(404, {"code": 20404, "message": "There is nothing here.", "status": 404})
            return
        form = {
            name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()
        }
        problem = _problem(form)
        if problem:
            self._json(400, {"code": problem[0], "message": problem[1], "status": 400})
            return
        kept = self.server.inbox.add(form["From"], form["To"], form["Body"])
        self._json(201, _told(kept, account))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: telephone numbers are personal and stand in the path."""

    def _local(self) -> bool:
        """Refuse a foreign Host header, against DNS rebinding."""
        if re.sub(r":\d+$", "", self.headers.get("Host", "")) in HOSTS:
            return True
        self._answer(421, "text/plain; charset=utf-8", b"Open this inbox as http://127.0.0.1")
        return False

    def _account(self, path: str) -> str:
        """Return the account of a request for messages; its credentials must name the same."""
        found = re.fullmatch(r"/2010-04-01/Accounts/([A-Za-z0-9]{2,64})/Messages\.json", path)
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        try:
            user, _, token = b64decode(key).decode().partition(":")
        except ValueError:
            return ""
        right = scheme == "Basic" and found is not None and user == found[1] and token
        return user if right else ""

    def _page(self, query: dict[str, str]) -> bytes:
        to = query.get("to", "").strip()
        rows = "".join(
            f'<li><p dir="auto">{escape(one.body)}</p><span class="quiet">'
            f"to {escape(one.recipient)}, from {escape(one.sender)}, {_when(one.at)}</span></li>"
            for one in self.server.inbox.search(to=to)
        )
        nothing = "<p>No SMS yet. A new one appears here by itself.</p>"
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>Caught SMS</title><style>{STYLE}</style></head><body><header>"
            '<h1>Caught SMS</h1><form action="/" role="search"><div>'
            '<label for="to">Number contains</label><input id="to" name="to" type="search"'
            f' value="{escape(to)}" autocomplete="off"></div><button>Search</button></form>'
            f"</header><main>{f'<ol>{rows}</ol>' if rows else nothing}</main></body></html>"
        ).encode()

    def _json(self, status: int, value: object) -> None:
        self._answer(status, "application/json", json.dumps(value, ensure_ascii=False).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        every = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            **({"Refresh": str(REFRESH_SECONDS)} if kind == HTML else {}),
        }
        for name, value in every.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _problem(form: dict[str, str]) -> tuple[int, str] | None:
    """Return what is wrong with a message, as number and words; None when nothing is."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", form.get("To", "")):
        return 21211, "The 'To' number is not a valid phone number."
    if not form.get("From"):
        return 21603, "A 'From' number is required."
    if not form.get("Body"):
        return 21602, "A message body is required."
    if len(form["Body"]) > TEXT_MAX:
        return 21617, "The message body exceeds the limit of 1600 characters."
    return None


def _told(message: Message, account: str) -> dict[str, str]:
    moment = format_datetime(datetime.fromisoformat(message.at))
    return {
        "sid": message.sid,
        "account_sid": account,
        "from": message.sender,
        "to": message.recipient,
        "body": message.body,
        "status": "sent",
        "date_created": moment,
        "date_sent": moment,
    }


def _when(at: str) -> str:
    shown = datetime.fromisoformat(at).strftime("%d %b %Y, %H:%M:%S UTC")
    return f'<time datetime="{escape(at)}">{shown}</time>'
