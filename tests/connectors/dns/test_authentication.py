"""SPF, DKIM and DMARC of a domain, asked of a DNS server over real sockets."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.dns.port import DnsFailed
from connectors.dns.resolver import DnsResolver
from messaging.delivery import authentication
from tests.fixtures.dns_server import serving

DOMAIN, SERVER = "alpha.example", "203.0.113.9"


def key(bits: int) -> str:
    """Return the public half of a new RSA key as a record holds it."""
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    return base64.b64encode(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


@pytest.mark.parametrize(
    ("records", "include", "state"),
    [
        ({}, "", "bad"),
        ({(DOMAIN, "TXT"): [f"v=spf1 ip4:{SERVER} ~all"]}, "", "good"),
        ({(DOMAIN, "TXT"): ["v=spf1 ip4:203.0.113.0/24 -all"]}, "", "good"),
        ({(DOMAIN, "TXT"): ["v=spf1 ip4:198.51.100.1 ~all"]}, "", "bad"),
        ({(DOMAIN, "TXT"): [f"v=spf1 -ip4:{SERVER} +all"]}, "", "bad"),
        ({(DOMAIN, "TXT"): [f"v=spf1 ip4:{SERVER} +all"]}, "", "bad"),
        ({(DOMAIN, "TXT"): [f"v=spf1 ip4:{SERVER}"]}, "", "warning"),
        ({(DOMAIN, "TXT"): [f"v=spf1 ip4:{SERVER} ~all", "v=spf1 -all"]}, "", "bad"),
        ({(DOMAIN, "TXT"): ["v=spf1 ip4:nonsense ~all"]}, "", "bad"),
        ({(DOMAIN, "TXT"): ["v=spf1 frob:x ~all"]}, "", "bad"),
        ({(DOMAIN, "TXT"): ["v=spf1 include:p.example ~all"]}, "p.example", "bad"),
        (
            {
                (DOMAIN, "TXT"): ["v=spf1 include:p.example ~all"],
                ("p.example", "TXT"): ["v=spf1 ip4:198.51.100.0/24 -all"],
            },
            "p.example",
            "good",
        ),
        (
            {
                (DOMAIN, "TXT"): ["v=spf1 redirect=p.example"],
                ("p.example", "TXT"): ["v=spf1 mx -all"],
                ("p.example", "MX"): ["mx.p.example"],
                ("mx.p.example", "A"): [SERVER],
            },
            "",
            "good",
        ),
        ({(DOMAIN, "TXT"): [f"v=spf1 include:{DOMAIN} ~all"]}, "", "bad"),
    ],
)
async def test_an_spf_record_is_evaluated_as_receivers_do(
    records: dict[tuple[str, str], list[str]], include: str, state: str
) -> None:
    """Mechanisms in order, include and redirect followed, loops ended by the tenth look-up."""
    async with serving(records) as address:
        found = await authentication.check_spf(
            DnsResolver(address), DOMAIN, addresses=[SERVER], include=include
        )

    assert found.state == state, found.says
    if state == "bad":
        assert found.publish_value.startswith("v=spf1")


async def test_eleven_look_ups_are_too_many_and_ten_are_not() -> None:
    """The limit of RFC 7208, 4.6.4."""
    for count, state in ((10, "good"), (11, "bad")):
        includes = " ".join(f"include:p{one}.example" for one in range(count))
        records = {(f"p{one}.example", "TXT"): ["v=spf1 -all"] for one in range(count)}
        records[DOMAIN, "TXT"] = [f"v=spf1 {includes} ip4:{SERVER} ~all"]
        async with serving(records) as address:
            found = await authentication.check_spf(DnsResolver(address), DOMAIN, addresses=[SERVER])
        assert found.state == state, found.says


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ("v=DKIM1; k=rsa; p=" + key(2048), "good"),
        ("v=DKIM1; k=rsa; p=" + key(1024), "warning"),
        ("v=DKIM1; t=y; p=" + key(2048), "warning"),
        ("v=DKIM1; p=", "bad"),
        ("v=DKIM1; p=" + key(2048)[:-40], "bad"),
        ("v=DKIM1; k=ed25519; p=" + base64.b64encode(b"k" * 32).decode(), "good"),
        ("", "bad"),
    ],
)
async def test_a_dkim_key_must_be_usable(record: str, state: str) -> None:
    """Withdrawn, cut, short and test keys are told apart; long ones come over TCP."""
    name = f"s1._domainkey.{DOMAIN}"
    async with serving({(name, "TXT"): [record]} if record else {}) as address:
        found = await authentication.check_dkim(DnsResolver(address), DOMAIN, selector="s1")

    assert found.state == state, found.says


@pytest.mark.parametrize(
    ("record", "returned", "signed", "state"),
    [
        ("v=DMARC1; p=reject", DOMAIN, False, "good"),
        ("v=DMARC1; p=quarantine", "bounces.provider.example", True, "good"),
        ("v=DMARC1; p=reject", "bounces.provider.example", False, "bad"),
        ("v=DMARC1; p=reject; aspf=s", f"bounces.{DOMAIN}", False, "bad"),
        ("v=DMARC1; p=reject", f"bounces.{DOMAIN}", False, "good"),
        ("v=DMARC1; p=none", DOMAIN, True, "warning"),
        ("v=DMARC1; q=none", DOMAIN, True, "bad"),
        ("", DOMAIN, True, "bad"),
    ],
)
async def test_dmarc_says_policy_and_alignment(
    record: str,
    returned: str,
    signed: bool,  # noqa: FBT001 - a parameter of the table above
    state: str,
) -> None:
    """A mail passes when its return address or its signature is of the sender's domain."""
    async with serving({(f"_dmarc.{DOMAIN}", "TXT"): [record]} if record else {}) as address:
        found = await authentication.check_dmarc(
            DnsResolver(address), DOMAIN, return_domain=returned, signed=signed
        )

    assert found.state == state, found.says


async def test_a_silent_dns_is_no_missing_record() -> None:
    """Nobody is told to publish what may well be there."""
    dns = DnsResolver("127.0.0.1:1")

    with pytest.raises(DnsFailed):
        await dns.texts(DOMAIN)
    found = await authentication.check_spf(dns, DOMAIN, addresses=[SERVER])
    assert found.state == "unknown"


async def test_an_answer_too_large_for_a_datagram_comes_whole() -> None:
    """Over TCP, its parts joined."""
    long = "v=spf1 " + "x" * 900
    async with serving({(DOMAIN, "TXT"): [long]}) as address:
        assert await DnsResolver(address).texts(DOMAIN) == [long]
