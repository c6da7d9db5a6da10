"""Checks of the sender's domain: made when asked and every day, kept, and told when worse."""

from __future__ import annotations

from connectors.dns.port import Dns, DnsFailed
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from messaging import notifications
from messaging.delivery import addresses, authentication, queries
from messaging.delivery.authentication import Finding
from messaging.models import CHECKS, MailCheck, MailServer

_RANK = {"good": 0, "warning": 1, "bad": 2}
_WORDS = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC"}


async def run(database: Database, tenant: TenantRef, *, dns: Dns) -> list[Finding]:
    """Look at the domain that mails are sent from, keep what was found, tell what got worse.

    Nothing is looked at while the tenant has no server of its own: the product's own domain is
    the operator's matter. A DNS that gives no answer changes nothing that is known.
    """
    async with database.tenant_read(tenant) as reading:
        server = await queries.server(reading)
    if server is None or not server.host or not server.sender_address:
        return []
    findings = await look(dns, server)
    async with database.tenant(tenant) as session:
        await _keep(session, server, findings)
    return findings


async def look(dns: Dns, server: MailServer) -> list[Finding]:
    """Return what the DNS says now about a server's sender, in the order of `CHECKS`."""
    domain = addresses.domain_of(server.sender_address)
    try:
        hosts = await dns.addresses(server.host)
    except DnsFailed:
        hosts = []
    return_domain = server.bounce_domain or domain
    spf = await authentication.check_spf(
        dns, return_domain, addresses=hosts, include=server.spf_include
    )
    dkim = await authentication.check_dkim(dns, domain, selector=server.dkim_selector)
    dmarc = await authentication.check_dmarc(
        dns, domain, return_domain=return_domain, signed=dkim.state in ("good", "warning")
    )
    return [spf, dkim, dmarc]


async def _keep(session: TenantSession, server: MailServer, findings: list[Finding]) -> None:
    known = {one.kind: one for one in await queries.checks(session)}
    domain = addresses.domain_of(server.sender_address)
    worse: list[str] = []
    for finding in findings:
        row = known.get(finding.kind)
        if row is None or row.domain != domain:
            if row is None:
                row = MailCheck(kind=finding.kind)
                session.add(row)
            row.domain, row.state, row.since = domain, finding.state, now()
        elif finding.state == "unknown" and row.state != "unknown":
            continue
        elif finding.state != row.state:
            if _RANK.get(finding.state, 0) > _RANK.get(row.state, 0):
                worse.append(_WORDS[finding.kind])
            row.state, row.since = finding.state, now()
        row.says, row.found = finding.says[:400], finding.found[:2000]
        row.publish_name = finding.publish_name[:253]
        row.publish_value = finding.publish_value[:2000]
        row.checked_at = now()
    if worse:
        await _tell(session, worse)


async def _tell(session: TenantSession, worse: list[str]) -> None:
    for user_id in await queries.who_may(session, "messaging.server.change"):
        await notifications.notify(
            session,
            user_id=user_id,
            kind="mail",
            title="The DNS of your mail domain has got worse",
            body="%(checks)s: mails may go to spam. The page says what to publish.",
            facts={"checks": ", ".join(worse)},
            href="/settings/mail",
        )


def ordered(checks: dict[str, MailCheck]) -> list[MailCheck]:
    """Return the checks in the order in which they are read."""
    return [checks[kind] for kind in CHECKS if kind in checks]
