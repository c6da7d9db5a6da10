"""Pushes are encrypted as RFC 8291 says: by its own example, and read by independent code."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from connectors.push import encryption, port
from connectors.push.port import PushTarget, Sender
from tests.fixtures.push_service import Receiver, base64url, claims_of, unbase64

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER_PRIVATE = unbase64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
RECEIVER_PRIVATE = unbase64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
RECEIVER_PUBLIC = unbase64(
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SECRET = unbase64("BTBZMqHH6r4Tts7J_aSIgg")
SALT = unbase64("DGv6ra1nlYgDCS1FRnbzlw")
BODY = unbase64(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg"
    "Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVB"
    "St2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def _example() -> Receiver:
    return Receiver(int.from_bytes(RECEIVER_PRIVATE), SECRET)


def test_the_example_of_the_rfc_comes_out_byte_for_byte() -> None:
    """Our encryption, with the salt and key of the example."""
    target = PushTarget("https://push.example/", RECEIVER_PUBLIC, SECRET)
    own = encryption.key_of(SENDER_PRIVATE)

    assert encryption.encrypted(PLAIN, target, salt=SALT, own=own) == BODY


def test_the_independent_reader_reads_the_example_of_the_rfc() -> None:
    """The tests' own code is right too, so that its verdict means something."""
    assert _example().public == RECEIVER_PUBLIC
    assert _example().read(BODY) == PLAIN


def test_a_push_is_read_by_its_browser_and_by_no_other() -> None:
    """Another private key, and another secret, read nothing."""
    browser = Receiver()
    target = PushTarget("https://push.example/", browser.public, browser.secret)
    one, two = (encryption.encrypted(b"told", target) for _ in range(2))

    assert (browser.read(one), browser.read(two)) == (b"told", b"told")
    assert one[:16] != two[:16]
    assert one[21:86] != two[21:86]
    for other in (Receiver(secret=browser.secret), Receiver(private=browser.private)):
        with pytest.raises(InvalidTag):
            other.read(one)


def test_the_token_names_the_service_with_its_port_and_is_signed() -> None:
    """For twelve hours, by the key that the browser was given; a changed claim breaks it."""
    private, public = port.new_key()
    header = encryption.authorization(
        "https://push.example:8443/send/1?x=y", Sender(private, "mailto:ops@alpha.example")
    )
    claims = claims_of(header)

    assert claims["aud"] == "https://push.example:8443"
    assert claims["sub"] == "mailto:ops@alpha.example"
    assert claims["k"] == base64url(public)
    _, other = port.new_key()
    with pytest.raises(AssertionError, match="another's"):
        claims_of(header.replace(base64url(public), base64url(other)))


def test_what_does_not_fit_or_is_no_key_is_refused() -> None:
    """Push services take four kilobytes; a point off the curve is no key."""
    browser = Receiver()
    target = PushTarget("https://push.example/", browser.public, browser.secret)
    largest = bytes(encryption.MESSAGE_BYTES_MAX)

    assert len(encryption.encrypted(largest, target)) <= 4096
    with pytest.raises(ValueError, match="at most"):
        encryption.encrypted(largest + b"x", target)
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the library's
        encryption.encrypted(b"x", PushTarget("https://push.example/", b"\x04" + bytes(64), SECRET))
