"""The HTTPS front: keep-alive connections whose log-in lives and dies with the connection."""

import asyncio
import hmac
import itertools
import json
import logging
import os
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from . import commands, control, generator, queries
from .faults import DELAY, DROP_REPLY, DROP_REQUEST, LATE_APPLY, RETCODE, Faults
from .parameters import Call
from .protocol import (
    ACCOUNT_INVALID,
    BODY_MAX_BYTES,
    CLIENT_OLD,
    CLIENT_TYPE,
    HEAD_MAX_BYTES,
    PARAMETERS,
    TIMEOUT,
    VERSION_MIN,
    VERSION_SERVER,
    BadRequest,
    Refused,
    Reply,
    Request,
    answers_match,
    challenge_answer,
    parse_head,
    password_hash,
    response_head,
)
from .scales import SCALE
from .simulation import Simulation

_API = "/api/"
_SPOOL_BYTES = 2_097_152
_SEND_BYTES = 262_144
_LIVE_BALANCE_MIN = 100 * SCALE
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: from challenge to answer, and of silence before the connection is closed."""

    challenge_seconds: float = 10
    idle_seconds: float = 180


@dataclass(slots=True)
class Session:
    """What one TCP connection knows: whether it is logged in, and its open challenge."""

    authenticated: bool = False
    challenge: bytes = b""
    challenged_at: float = 0
    claimed_login: str = ""


@dataclass(slots=True)
class Front:
    """The listening server; the token opens operator calls, an empty one closes them."""

    simulation: Simulation
    password: str
    operator_token: str
    limits: Limits
    faults: Faults = field(default_factory=Faults)
    _late: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests in order until it ends."""
        session = Session()
        try:
            while await self._exchange(session, reader, writer):
                pass
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except (BadRequest, asyncio.LimitOverrunError):
            with suppress(ConnectionError):
                writer.write(response_head(400, 0, keep_alive=False))
                await writer.drain()
        except asyncio.CancelledError:
            # The process ends: a client that stays connected would hold it up for seconds.
            writer.transport.abort()
            raise
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    async def _exchange(
        self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        async with asyncio.timeout(self.limits.idle_seconds):
            request = await _read(reader)
        if request.path.startswith(control.PREFIX):
            status, shown = await self._operator(request)
            return await _send(writer, request, status, iter([shown]))
        if not request.path.startswith(_API):
            return await _send(writer, request, 404, iter([]))
        name = request.path.removeprefix(_API).strip("/")
        try:
            if name == "auth/start":
                reply = self._challenge(session, request)
            elif name == "auth/answer":
                reply = self._authenticate(session, request)
            elif not session.authenticated:
                return await _send(writer, request, 403, iter([]))
            elif name not in commands.COMMANDS:
                return await _send(writer, request, 404, iter([]))
            else:
                return await self._command(name, request, writer)
        except Refused as refusal:
            reply = Reply(refusal.code)
        return await _send(writer, request, 200, reply.chunks())

    def _challenge(self, session: Session, request: Request) -> Reply:
        version = request.query.get("version", "")
        agent = request.query.get("agent", "")
        if not version.isdigit() or not agent or " " in agent:
            raise Refused(PARAMETERS)
        if int(version) < VERSION_MIN:
            raise Refused(CLIENT_OLD)
        if request.query.get("type", "").lower() != "manager":
            raise Refused(CLIENT_TYPE)
        session.challenge = os.urandom(16)
        session.challenged_at = time.monotonic()
        session.claimed_login = request.query.get("login", "")
        beside = {"version_access": VERSION_SERVER, "srv_rand": session.challenge.hex()}
        return Reply(beside=beside)

    def _authenticate(self, session: Session, request: Request) -> Reply:
        challenge, session.challenge, session.authenticated = session.challenge, b"", False
        if not challenge:
            raise Refused(PARAMETERS)
        if time.monotonic() - session.challenged_at > self.limits.challenge_seconds:
            raise Refused(TIMEOUT)
        try:
            client_challenge = bytes.fromhex(request.query.get("cli_rand", ""))
        except ValueError as error:
            raise Refused(PARAMETERS) from error
        if len(client_challenge) != 16:
            raise Refused(PARAMETERS)
        hashed = password_hash(self.password)
        given = request.query.get("srv_rand_answer", "")
        known = session.claimed_login == str(self.simulation.manager)
        if not answers_match(given, challenge_answer(hashed, challenge)) or not known:
            raise Refused(ACCOUNT_INVALID)
        session.authenticated = True
        versions = {"version_access": VERSION_SERVER, "version_trade": VERSION_SERVER}
        mine = challenge_answer(hashed, client_challenge)
        return Reply(beside=versions | {"cli_rand_answer": mine})

    async def _command(self, name: str, request: Request, writer: asyncio.StreamWriter) -> bool:
        call = Call(request.query, request.body_object())
        rule = self.faults.take(name)
        kind = rule.kind if rule is not None else ""
        value = rule.value if rule is not None else 0
        if kind == DROP_REQUEST:
            return _cut(writer)
        if kind == LATE_APPLY:
            task = asyncio.create_task(self._apply_late(name, call, value))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return _cut(writer)
        if kind == RETCODE:
            return await _send(writer, request, 200, Reply(value).chunks())
        reply = commands.run(self.simulation, name, call)
        if kind == DROP_REPLY:
            for _ in reply.chunks():
                pass
            return _cut(writer)
        if kind == DELAY:
            await asyncio.sleep(value / 1000)
        last = name == "quit"
        return await _send(writer, request, 200, reply.chunks(), last=last)

    async def _apply_late(self, name: str, call: Call, delay_ms: int) -> None:
        await asyncio.sleep(delay_ms / 1000)
        reply = commands.run(self.simulation, name, call)
        _log.info("applied %s late with code %s", name, reply.code)

    async def _operator(self, request: Request) -> tuple[int, bytes]:
        given = request.headers.get("x-operator-token", "")
        expected = self.operator_token
        if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            return 403, b'{"error":"the operator token is missing or wrong"}'
        try:
            answer: Any = await control.answer(self.simulation, self.faults, request)
        except KeyError:
            return 404, b'{"error":"no such operator call"}'
        except control.Unusable as error:
            return 400, json.dumps({"error": str(error)}).encode()
        return 200, json.dumps(answer).encode()

    async def trade_live(self, seconds: float, seed: int) -> None:
        """Let accounts with money trade, again and again after that many seconds."""
        random = Random(seed)
        while True:
            await asyncio.sleep(seconds)
            logins = queries.solvent_logins(self.simulation.store, _LIVE_BALANCE_MIN)
            made = generator.live_step(self.simulation, logins, random)
            _log.info("live trading made %d deals", made)


async def _read(reader: asyncio.StreamReader) -> Request:
    """Read one request; raise BadRequest when it is malformed or too large."""
    request = parse_head((await reader.readuntil(b"\r\n\r\n"))[:-4])
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or not length.isdigit():
        raise BadRequest("body without a length")
    if int(length) > BODY_MAX_BYTES:
        raise BadRequest("body too large")
    if int(length) == 0:
        return request
    return replace(request, body=await reader.readexactly(int(length)))


async def _send(
    writer: asyncio.StreamWriter,
    request: Request,
    status: int,
    chunks: Iterator[bytes],
    *,
    last: bool = False,
) -> bool:
    """Send an answer of any size in bounded memory; return whether the connection goes on."""
    keep_alive = request.keeps_alive() and not last
    first, second = next(chunks, b""), next(chunks, None)
    if second is None:
        writer.write(response_head(status, len(first), keep_alive=keep_alive) + first)
        await writer.drain()
        return keep_alive
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        for chunk in itertools.chain((first, second), chunks):
            spool.write(chunk)
            await asyncio.sleep(0)
        length = spool.tell()
        spool.seek(0)
        head = response_head(status, length, keep_alive=keep_alive)
        writer.write(head + spool.read(_SEND_BYTES))
        await writer.drain()
        while part := spool.read(_SEND_BYTES):
            writer.write(part)
            await writer.drain()
    return keep_alive


def _cut(writer: asyncio.StreamWriter) -> bool:
    """End the connection without an answer."""
    writer.transport.abort()
    return False


async def listen(front: Front, context: ssl.SSLContext, host: str, port: int) -> asyncio.Server:
    """Start listening and return the server."""
    return await asyncio.start_server(front.serve, host, port, ssl=context, limit=HEAD_MAX_BYTES)
