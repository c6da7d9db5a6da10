"""What the product asks of the DNS."""

from typing import Protocol


class DnsFailed(Exception):
    """The DNS gave no answer: not that there is no record, but that nobody could say."""


class Dns(Protocol):
    """A way to look names up. An empty list means that there is no such record or name."""

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name, each with its parts joined; raises DnsFailed."""

    async def addresses(self, name: str) -> list[str]:
        """Return the A and AAAA records of a name; raises DnsFailed."""

    async def mail_hosts(self, name: str) -> list[str]:
        """Return the hosts that take a domain's mail, the preferred first; raises DnsFailed."""
