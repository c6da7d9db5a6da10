"""DNS by dnspython: through the operator's server (MARQUE_DNS) or the machine's own.

Answers too large for UDP are fetched again over TCP by the library.
"""

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT
from dns.resolver import Answer

from connectors.dns.port import DnsFailed

_TIMEOUT_SECONDS = 3.0
_LIFETIME_SECONDS = 6.0
_PORT = 53


class DnsResolver:
    """A `Dns` over UDP and TCP."""

    def __init__(self, server: str = "") -> None:
        """Take `host` or `host:port` of a server; empty is what the machine uses.

        Raises ValueError when the host is no IP address.
        """
        self._server = server
        self._made: dns.asyncresolver.Resolver | None = None

    async def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name, each with its parts joined; raises DnsFailed."""
        answer = await self._ask(name, "TXT")
        rows = [row for row in answer or () if isinstance(row, TXT)]
        return [b"".join(row.strings).decode("latin-1") for row in rows]

    async def addresses(self, name: str) -> list[str]:
        """Return the A and AAAA records of a name; raises DnsFailed."""
        found: list[str] = []
        for kind in ("A", "AAAA"):
            answer = await self._ask(name, kind)
            found += [row.to_text() for row in answer or ()]
        return found

    async def mail_hosts(self, name: str) -> list[str]:
        """Return the hosts that take a domain's mail, the preferred first; raises DnsFailed."""
        answer = await self._ask(name, "MX")
        rows = sorted(
            (row for row in answer or () if isinstance(row, MX)), key=lambda row: row.preference
        )
        return [row.exchange.to_text(omit_final_dot=True) for row in rows]

    async def _ask(self, name: str, kind: str) -> Answer | None:
        try:
            return await self._resolver().resolve(
                name, kind, lifetime=_LIFETIME_SECONDS, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        except (dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong):
            return None  # no such name can exist
        except (dns.exception.DNSException, OSError) as error:
            raise DnsFailed(type(error).__name__) from None

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._made is None:
            own = bool(self._server)
            try:
                made = dns.asyncresolver.Resolver(configure=not own)
            except dns.resolver.NoResolverConfiguration as error:
                raise DnsFailed(type(error).__name__) from None
            if own:
                host, _, port = self._server.rpartition(":")
                # The port first: the library takes it when the servers are named.
                made.port = int(port) if host else _PORT
                made.nameservers = [host or port]
            made.timeout = _TIMEOUT_SECONDS
            self._made = made
        return self._made
