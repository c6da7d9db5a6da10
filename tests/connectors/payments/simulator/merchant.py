"""A merchant's side of a counterpart: an address for callbacks, and ways to pay on the page."""

import re
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Got:
    """One callback as it came."""

    body: bytes
    headers: dict[str, str]
    at: float

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form body."""
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))


class Merchant:
    """Keeps callbacks; `answer` says what to reply to one."""

    def __init__(self, answer: Callable[[Got], Answer] | None = None) -> None:
        self.got: list[Got] = []
        self.answer = answer or (lambda _: (200, {}, b"OK"))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """Keeps one POST."""

            def do_POST(self) -> None:
                """Read, keep, answer."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): text for name, text in self.headers.items()}
                got = Got(body, headers, time.time())
                outer.got.append(got)
                status, more, text = outer.answer(got)
                self.send_response(status)
                for name, value in {**more, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://pay.noor.localhost:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count: int, seconds: float = 10) -> list[Got]:
        """Return the callbacks once there are `count` of them."""
        until(lambda: len(self.got) >= count, seconds)
        return list(self.got)

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


def until(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is true."""
    end = time.time() + seconds
    while not true():
        assert time.time() < end, "waited in vain"
        time.sleep(0.01)


def choose(page: str, verb: str, amount: str = "") -> httpx.Response:
    """Submit a hosted page's form as a browser does; the redirect is not followed."""
    shown = httpx.get(page)
    assert shown.status_code == 200, shown.text
    assert f'value="{verb}"' in shown.text, shown.text
    fields = {"verb": verb}
    found = re.search(r'name="amount"[^>]*value="([^"]*)"', shown.text)
    if found:
        fields["amount"] = amount or found[1]
    return httpx.post(page, data=fields)
