"""Whether a domain's DNS lets our mails pass: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489).

Each check says in plain words what was found, what to do, and which record to publish. SPF is
evaluated as a receiver does: mechanisms in order, `include` and `redirect` followed, and no
more than ten look-ups.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.dns.port import Dns, DnsFailed

_LOOKUPS_MOST = 10
_TERM = re.compile(
    r"^(?P<sign>[+?~-]?)(?P<name>[a-z0-9]+)(?:[:=](?P<value>[^/\s]*))?(?P<cidr>/.*)?$"
)
_BITS_LEAST = 1024
_BITS_GOOD = 2048
_ED25519_BYTES = 32


@dataclass(frozen=True)
class Finding:
    """What one check found: good, warning, bad or unknown, in words, and what to publish."""

    kind: str
    state: str
    says: str
    found: str = ""
    publish_name: str = ""
    publish_value: str = ""


class _SpfBroken(Exception):
    """The record can't be evaluated; the text says why."""


@dataclass
class _Walk:
    """What an evaluation has used and met."""

    lookups: int = 0
    included: list[str] = field(default_factory=list)

    def spend(self) -> None:
        self.lookups += 1
        if self.lookups > _LOOKUPS_MOST:
            raise _SpfBroken(
                "The SPF record needs more than 10 look-ups, so receivers ignore it. Take out"
                " includes that you don't need."
            )


async def check_spf(dns: Dns, domain: str, *, addresses: list[str], include: str = "") -> Finding:
    """Say whether the domain lets the mail server's addresses send, or at least its include.

    `addresses` are those of the server that mails leave through; `include` is what its provider
    wants in the record. Providers often send from other addresses than the one they take mail
    at, so the include alone is enough.
    """
    wanted = f"include:{include}" if include else " ".join(_ip(one) for one in addresses)
    suggestion = f"v=spf1 {wanted} ~all" if wanted else "v=spf1 mx ~all"
    try:
        record = await _spf_record(dns, domain)
        if record is None:
            says = "There is no SPF record, so nothing says who may send for this domain."
            return Finding("spf", "bad", says, "", domain, suggestion)
        walk = _Walk()
        passing = [one for one in addresses if await _passes(dns, domain, record, one, walk)]
        if not addresses:
            await _passes(dns, domain, record, "192.0.2.1", walk)
    except _SpfBroken as broken:
        return Finding("spf", "bad", str(broken), "", domain, suggestion)
    except DnsFailed:
        return _silent("spf", domain)
    mended = _mended(record, wanted)
    if include and include not in walk.included and not passing:
        says = f"The SPF record does not name include:{include}, which your provider needs."
        return Finding("spf", "bad", says, record, domain, mended)
    if addresses and not include and not passing:
        says = "The SPF record does not name the mail server that your mails leave through."
        return Finding("spf", "bad", says, record, domain, mended)
    if re.search(r"(^|\s)\+?all$", record):
        says = "The record ends in +all: everybody may send in your name. End it in ~all."
        return Finding("spf", "bad", says, record, domain, re.sub(r"\+?all$", "~all", record))
    if not re.search(r"\s([~-]all|redirect=\S+)$", record):
        says = "The record does not say what to do with others. End it in ~all or -all."
        return Finding("spf", "warning", says, record, domain, _ended(record))
    says = f"Your mails may be sent for this domain ({walk.lookups} of 10 look-ups used)."
    return Finding("spf", "good", says, record)


async def _spf_record(dns: Dns, domain: str) -> str | None:
    found = [
        one.strip()
        for one in await dns.texts(domain)
        if one.strip().lower() == "v=spf1" or one.lower().startswith("v=spf1 ")
    ]
    if len(found) > 1:
        raise _SpfBroken(
            f"{domain} has {len(found)} SPF records. Receivers then ignore all of them: make one."
        )
    return found[0] if found else None


async def _passes(dns: Dns, domain: str, record: str, address: str, walk: _Walk) -> bool:
    """Evaluate one record for one address; raises _SpfBroken for what is a permanent error."""
    redirect = ""
    for raw in record.split()[1:]:
        term = _TERM.match(raw.lower())
        if term is None:
            raise _SpfBroken(f"The SPF record has a part that nobody understands: {raw[:60]}.")
        name = term["name"]
        if name == "redirect":
            redirect = term["value"] or ""
            continue
        if name == "exp" or (("=" in raw) and name not in _MECHANISMS):
            continue
        if name not in _MECHANISMS:
            raise _SpfBroken(f"The SPF record has a part that nobody understands: {raw[:60]}.")
        if await _matches(dns, domain, term, address, walk):
            return term["sign"] in ("", "+")
    if redirect:
        walk.spend()
        target = await _spf_record(dns, redirect)
        if target is None:
            raise _SpfBroken(f"The SPF record leads to {redirect}, which has none.")
        return await _passes(dns, redirect, target, address, walk)
    return False


_MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})


async def _matches(dns: Dns, domain: str, term: re.Match[str], address: str, walk: _Walk) -> bool:
    name, value, cidr = term["name"], term["value"] or "", term["cidr"] or ""
    if name == "all":
        return True
    if name in ("ip4", "ip6"):
        return _within(address, f"{value}{cidr}", name)
    walk.spend()
    target = value or domain
    if name == "include":
        walk.included.append(target)
        record = await _spf_record(dns, target)
        if record is None:
            raise _SpfBroken(f"The SPF record includes {target}, which has none.")
        return await _passes(dns, target, record, address, walk)
    if "%" in target or name == "ptr":
        return False  # macros and ptr depend on a real delivery; nobody should rely on ptr
    if name == "exists":
        return bool(await dns.addresses(target))
    hosts = (await dns.mail_hosts(target))[:10] if name == "mx" else [target]
    for host in hosts:
        for found in await dns.addresses(host):
            if _within(address, f"{found}{_length(found, cidr)}", ""):
                return True
    return False


def _length(found: str, cidr: str) -> str:
    """Return the prefix length for an address's family from `/24`, `//64` or `/24//64`."""
    four, _, six = cidr.partition("//")
    if ":" in found:
        return f"/{six}" if six else ""
    return four


def _within(address: str, network: str, name: str) -> bool:
    try:
        parsed = ipaddress.ip_network(network, strict=False)
        return ipaddress.ip_address(address) in parsed
    except ValueError:
        raise _SpfBroken(
            f"The SPF record has a part that nobody understands: {name}:{network[:60]}."
        ) from None


def _ip(address: str) -> str:
    return f"ip6:{address}" if ":" in address else f"ip4:{address}"


def _mended(record: str, wanted: str) -> str:
    return record.replace("v=spf1", f"v=spf1 {wanted}", 1) if wanted else record


def _ended(record: str) -> str:
    without = re.sub(r"\s+[?]all$", "", record)
    return f"{without} ~all"


async def check_dkim(dns: Dns, domain: str, *, selector: str) -> Finding:
    """Say whether the selector's record holds a key that receivers can use."""
    if not selector:
        says = "Enter the selector that your mail provider signs with; it names the key to look at."
        return Finding("dkim", "unknown", says)
    name = f"{selector}._domainkey.{domain}"
    ask = "Your provider shows the record to publish here."
    try:
        records = [one for one in await dns.texts(name) if "p=" in one]
    except DnsFailed:
        return _silent("dkim", domain)
    if not records:
        return Finding("dkim", "bad", f"There is no key at {name}. {ask}", "", name)
    record = records[0]
    tags = _tags(record)
    if tags.get("v", "DKIM1") != "DKIM1":
        return Finding("dkim", "bad", f"The record is no DKIM key. {ask}", record, name)
    if not tags.get("p"):
        return Finding("dkim", "bad", f"The key was withdrawn (p= is empty). {ask}", record, name)
    kind = tags.get("k", "rsa")
    try:
        raw = base64.b64decode(re.sub(r"\s", "", tags["p"]), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    bits = _bits(kind, raw)
    if not bits:
        says = f"The key can't be read; perhaps it was cut when it was published. {ask}"
        return Finding("dkim", "bad", says, record, name)
    if bits < _BITS_LEAST:
        says = f"The key has {bits} bits; receivers ignore fewer than 1024. Make one of 2048."
        return Finding("dkim", "bad", says, record, name)
    if "y" in tags.get("t", "").split(":"):
        says = "The key is marked as a test (t=y): receivers may treat your mails as unsigned."
        return Finding("dkim", "warning", says, record, name)
    if bits < _BITS_GOOD:
        says = f"The key works, with {bits} bits. Ask your provider for one of 2048."
        return Finding("dkim", "warning", says, record, name)
    return Finding("dkim", "good", "The key can be used to sign.", record)


def _bits(kind: str, raw: bytes) -> int:
    """Return the strength of a key in bits of RSA; 0 when it can't be read."""
    if kind == "ed25519":
        return _BITS_GOOD if len(raw) == _ED25519_BYTES else 0
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return 0
    return key.key_size if isinstance(key, RSAPublicKey) else 0


async def check_dmarc(dns: Dns, domain: str, *, return_domain: str, signed: bool) -> Finding:
    """Say which policy receivers follow, and whether our mails would be aligned with it.

    `return_domain` is that of our return paths, which SPF speaks about; `signed` says whether
    the domain has a key to sign with.
    """
    name = f"_dmarc.{domain}"
    start = f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}"
    try:
        records = [one for one in await dns.texts(name) if one.lower().startswith("v=dmarc1")]
        inherited = ""
        if not records and domain.count(".") > 1:
            # Without the list of public suffixes, the parent is as far as is safe to look.
            parent = domain.split(".", 1)[1]
            inherited = f"_dmarc.{parent}"
            records = [
                one for one in await dns.texts(inherited) if one.lower().startswith("v=dmarc1")
            ]
    except DnsFailed:
        return _silent("dmarc", domain)
    if not records:
        says = "There is no DMARC record. Large mailboxes want one; start with p=none and reports."
        return Finding("dmarc", "bad", says, "", name, start)
    if len(records) > 1:
        says = "There are several DMARC records, so receivers ignore all of them. Make one."
        return Finding("dmarc", "bad", says, " | ".join(records)[:1000], name, records[0])
    tags = _tags(records[0])
    policy = (tags.get("sp") if inherited else None) or tags.get("p", "")
    if policy not in ("none", "quarantine", "reject"):
        says = "The record names no policy: write p=none, p=quarantine or p=reject."
        return Finding("dmarc", "bad", says, records[0], name, start)
    if not signed and not _aligned(return_domain, domain, strict=tags.get("aspf") == "s"):
        says = (
            f"Policy {policy}, but neither the return address ({return_domain}) nor a signature"
            " is of your domain: mails fail the check. Publish the DKIM key, or leave the"
            " bounce domain empty."
        )
        return Finding("dmarc", "bad", says, records[0], name, records[0])
    if policy == "none":
        says = "Policy none: your domain is watched, not protected. Go on to quarantine later."
        later = re.sub(r"\bp=none\b", "p=quarantine", records[0])
        return Finding("dmarc", "warning", says, records[0], name, later)
    return Finding("dmarc", "good", f"Policy {policy}, and your mails are aligned.", records[0])


def _aligned(one: str, other: str, *, strict: bool) -> bool:
    """Say whether two domains are aligned: the same, or one below the other when relaxed."""
    if one == other:
        return True
    return not strict and (one.endswith(f".{other}") or other.endswith(f".{one}"))


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _silent(kind: str, domain: str) -> Finding:
    says = f"The DNS gave no answer about {domain}. It is asked again by itself."
    return Finding(kind, "unknown", says)
