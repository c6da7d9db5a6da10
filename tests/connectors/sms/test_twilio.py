"""Short messages through the gateway, against the catcher on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from connectors.sms.port import Sms, SmsDeferred, SmsRefused
from connectors.sms.twilio import SmsAddress, Twilio
from kernel.clock import now
from tests.fixtures.services import ensure_services


@pytest.fixture
def to() -> str:
    """A number that no other test writes to."""
    return f"+4915{random.randrange(10**9):09d}"


def _gateway(url: str = "") -> Twilio:
    url = url or ensure_services().sms_url
    host = url.rpartition("@")[2].partition("?")[0]
    return Twilio(url, egress_allow=frozenset({host}))


async def test_a_message_arrives_as_it_was_written(to: str) -> None:
    """Arabic, an ampersand and a plus sign survive the form; the page escapes what it shows."""
    text = "وصل 1+1 & <b>250</b> USD"

    reference = await _gateway().send(Sms(to, text))

    assert reference.startswith("SM")
    async with httpx.AsyncClient() as client:
        page = await client.get(ensure_services().sms_origin, params={"to": to})
    assert "وصل 1+1 &amp; &lt;b&gt;250&lt;/b&gt; USD" in page.text
    assert "<b>250" not in page.text


async def test_a_message_is_found_again_by_telephone_text_and_time(to: str) -> None:
    """An equal one since then is it; another text, another telephone or an older one is not."""
    gateway, begun = _gateway(), now()
    reference = await gateway.send(Sms(to, "Your deposit D-1 arrived"))

    assert await gateway.find(Sms(to, "Your deposit D-1 arrived"), since=begun) == reference
    assert await gateway.find(Sms(to, "Your deposit D-2 arrived"), since=begun) == ""
    other = Sms("+4915000000001", "Your deposit D-1 arrived")
    assert await gateway.find(other, since=begun) == ""
    later = begun + timedelta(hours=1)
    assert await gateway.find(Sms(to, "Your deposit D-1 arrived"), since=later) == ""


@pytest.mark.parametrize("number", ["", "12345", "+0123456789", "+49 151 123", "+49151\r\nTo: +1"])
async def test_what_is_no_telephone_is_refused_before_it_is_sent(number: str) -> None:
    """No carrier is asked."""
    with pytest.raises(SmsRefused):
        await _gateway("http://AC1:token@127.0.0.1:1?from=Marque").send(Sms(number, "x"))


async def test_a_gateway_that_is_away_is_tried_again(to: str) -> None:
    """Nobody listens there."""
    with pytest.raises(SmsDeferred):
        await _gateway("http://AC1:token@127.0.0.1:1?from=Marque").send(Sms(to, "x"))


async def test_an_address_inside_the_network_is_not_reached(to: str) -> None:
    """Only what the operator allows may be inside."""
    with pytest.raises(SmsDeferred, match="EgressRefused"):
        await Twilio(ensure_services().sms_url).send(Sms(to, "x"))


@contextlib.asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[str]:
    """Run a gateway that gives one answer to everything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://AC1:token@127.0.0.1:{server.sockets[0].getsockname()[1]}?from=Marque"


def _said(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return (head + body).encode()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_said("503 Busy", "{}"), SmsDeferred),
        (_said("429 Slow", "{}"), SmsDeferred),
        (_said("401 Who", "{}"), SmsDeferred),
        (_said("201 Made", "<html>"), SmsDeferred),
        (_said("201 Made", '{"sid": "../x"}'), SmsDeferred),
        (_said("302 Found", ""), SmsRefused),
        (_said("400 Bad", '{"code": 21211, "message": "+4915112345678 is bad"}'), SmsRefused),
    ],
)
async def test_an_answer_says_whether_to_try_again(
    answer: bytes, expected: type[Exception], to: str
) -> None:
    """Its words, which may hold the number, are not repeated."""
    async with _answering(answer) as url:
        with pytest.raises(expected) as caught:
            await _gateway(url).send(Sms(to, "x"))
    assert "+49" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "https://AC1@host?from=M",
        "https://AC1:t@host",
        "ftp://AC1:t@host?from=M",
        "https://AC/1:t@host?from=M",
        "https://AC1:t@host?from=Much-too-long-a-name",
    ],
)
def test_what_is_no_gateway_is_refused(url: str) -> None:
    """The form is told, the address is not repeated."""
    with pytest.raises(ValueError, match="SMS_URL must look like") as caught:
        SmsAddress.parse(url)
    assert "host" in str(caught.value)
    assert "token" not in repr(SmsAddress.parse("https://AC1:token@host?from=M"))


async def test_the_catcher_answers_as_a_carrier_does(to: str) -> None:
    """Without credentials there is nothing; a message without text or number is refused."""
    origin = ensure_services().sms_origin
    path = "/2010-04-01/Accounts/AC1/Messages.json"

    async def post(form: dict[str, str], auth: httpx.BasicAuth | None) -> httpx.Response:
        async with httpx.AsyncClient(base_url=origin, auth=auth) as client:
            return await client.post(path, data=form)

    whole = {"To": to, "From": "Marque", "Body": "x"}
    assert (await post(whole, None)).status_code == 404
    assert (await post(whole, httpx.BasicAuth("AC2", "t"))).status_code == 404
    assert (await post({**whole, "To": "123"}, httpx.BasicAuth("AC1", "t"))).json()["code"] == 21211
    assert (await post({**whole, "Body": ""}, httpx.BasicAuth("AC1", "t"))).json()["code"] == 21602
    assert (await post(whole, httpx.BasicAuth("AC1", "t"))).status_code == 201
