"""Reads the mails that the product sent, from the inbox's JSON."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit


@dataclass(frozen=True)
class Mail:
    """A mail: its number in the inbox, subject, words and the links in it."""

    number: int
    subject: str
    text: str
    links: tuple[str, ...]


@dataclass(frozen=True)
class Inbox:
    """The inbox at an address such as `http://127.0.0.1:8025`."""

    address: str

    def mails_to(self, recipient: str) -> list[Mail]:
        """Return the mails to an address, oldest first."""
        listed = self._get(f"/api/messages?to={quote(recipient)}")
        return [self._mail(number) for number in sorted(int(one["id"]) for one in listed)]

    def _mail(self, number: int) -> Mail:
        found = self._get(f"/api/messages/{number}")
        return Mail(number, found["subject"], found["text"], tuple(found["links"]))

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=20)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
