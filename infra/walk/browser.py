"""A person's browser in small: cookies by host, forms, redirects; it reaches this machine only.

Every host of the product is reached at 127.0.0.1 with the host's name in the Host header, as a
browser does for names under `localhost`.
"""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from infra.walk.markup import Form, Missing, Page

_HOPS_MAX = 10
_MOVED = (301, 302, 303, 307, 308)
_SELF = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Upload:
    """A file that a person picks: its name, kind and bytes."""

    name: str
    kind: str
    data: bytes


@dataclass
class Browser:
    """One person's browser; `domain` and `port` are where the product listens."""

    domain: str
    port: int
    timeout: float = 30.0
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)

    def open(self, address: str) -> Page:
        """Visit an address and follow where it sends; raise Missing for an error's status."""
        return self._settled(self.once("GET", address))

    def once(
        self,
        method: str,
        address: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Send one request and return its answer, whatever it is."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = parts.port or 80
        if host not in _SELF and not host.endswith(f".{self.domain}") and host != self.domain:
            raise Missing(f"{address} leads off this machine; the walk doesn't go there")
        sent = {
            "Host": parts.netloc,
            "User-Agent": "marque-walk",
            "Accept": "text/html,application/xhtml+xml",
            **(headers or {}),
        }
        jar = self.cookies.setdefault(f"{host}:{port}", {})
        if jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self.timeout)
        try:
            connection.request(method, target, body or None, sent)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        for value in answer.headers.get_all("Set-Cookie") or ():
            _keep(jar, value)
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return Page(answer.status, address, kept, data)

    def submit(
        self,
        form: Form,
        values: Mapping[str, str] | None = None,
        *,
        files: Mapping[str, Upload] | None = None,
    ) -> Page:
        """Fill a form in and send it; follow where it sends. Raise Missing for an error's status.

        A value for a field that the form does not have is a mistake of the walk.
        """
        given = dict(values or {})
        known = {*form.fields, *form.choices, *(name for name, _ in form.buttons)}
        foreign = set(given) - known
        if foreign:
            raise Missing(f"the form to {form.action} has no field {', '.join(sorted(foreign))}")
        fields = [(name, value) for name, value in {**form.fields, **given}.items()]
        origin = urlsplit(form.action)
        headers = {"Origin": f"{origin.scheme}://{origin.netloc}"}
        if form.method == "get":
            return self.open(f"{form.action.split('?')[0]}?{urlencode(fields)}")
        if files or form.files:
            mark = f"walk{secrets.token_hex(16)}"
            headers["Content-Type"] = f"multipart/form-data; boundary={mark}"
            body = _multipart(mark, fields, files or {})
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields).encode()
        return self._settled(self.once("POST", form.action, body, headers))

    def _settled(self, page: Page) -> Page:
        self.trail = [page.address]
        for _ in range(_HOPS_MAX):
            if page.status not in _MOVED:
                break
            page = self.once("GET", urljoin(page.address, page.headers.get("location", "")))
            self.trail.append(page.address)
        if page.status >= 400:
            why = page.problems() or " / ".join(page.words.split("\n"))[:300]
            raise Missing(f"expected a page, saw {page.where()}: {why}")
        return page


def _keep(jar: dict[str, str], header: str) -> None:
    try:
        read = SimpleCookie(header)
    except CookieError:
        return
    for name, morsel in read.items():
        gone = morsel["max-age"] == "0" or "1970" in morsel["expires"] or not morsel.value
        if gone:
            jar.pop(name, None)
        else:
            jar[name] = morsel.value


def _multipart(mark: str, fields: Sequence[tuple[str, str]], files: Mapping[str, Upload]) -> bytes:
    parts = []
    for name, value in fields:
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        parts.append(f"{head}{value}\r\n".encode())
    for name, upload in files.items():
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; '
            f'filename="{upload.name}"\r\nContent-Type: {upload.kind}\r\n\r\n'
        )
        parts.append(head.encode() + upload.data + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode()
