"""Addresses that somebody typed never lead inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kernel.http import EgressRefused, check_address, request, resolve

_INSIDE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
    *("100.64.0.1", "192.0.0.8", "224.0.0.1", "::1", "::ffff:127.0.0.1", "fe80::1", "fc00::1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "::", "255.255.255.255", "198.18.0.1"),
]
_SPELLINGS = ["127.1", "0x7f000001", "2130706433", "localhost", "LOCALHOST", "127.0.0.1"]


@pytest.mark.parametrize("address", _INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    """However it is written."""
    with pytest.raises(EgressRefused):
        check_address(address)


@pytest.mark.parametrize("host", _SPELLINGS)
async def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    """Addresses are judged, not strings."""
    with pytest.raises(EgressRefused):
        await resolve(host, 443, allow=frozenset())


async def test_an_unusual_port_is_refused() -> None:
    """Only 443 and 8443 lead out."""
    with pytest.raises(EgressRefused):
        await resolve("1.1.1.1", 22, allow=frozenset())


@pytest.fixture
async def trap() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on this machine that counts who comes."""
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(1000))
        writer.write(
            b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], seen
    server.close()
    await server.wait_closed()


async def test_a_refused_address_is_never_connected_to(trap: tuple[int, list[bytes]]) -> None:
    """The trap hears nothing."""
    port, seen = trap
    for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/", f"http://127.1:{port}/"):
        with pytest.raises(EgressRefused):
            await request("GET", url, allow=frozenset())

    assert seen == []


async def test_the_operators_exception_is_reached_and_its_redirect_is_not_followed(
    trap: tuple[int, list[bytes]],
) -> None:
    """MARQUE_EGRESS_ALLOW names host and port exactly."""
    port, seen = trap
    answer = await request(
        "GET", f"http://127.0.0.1:{port}/x", allow=frozenset({f"127.0.0.1:{port}"})
    )

    assert answer.status == 302
    assert len(seen) == 1
