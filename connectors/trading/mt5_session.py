"""An authenticated session with an MT5 access server, used by one caller at a time.

The session lives as long as its TCP connection. It is kept alive by a ping when idle, because
the server closes after 180 seconds of silence, and it is built anew once when a read finds it
lost. A write is sent at most once: when any byte of it may have left and no clear answer came,
the outcome is `Unknown` and the connection is dropped, so that whatever was still waiting on it
dies with it.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from connectors.trading import mt5_protocol as protocol
from connectors.trading.mt5_wire import Address, LostWire, Wire, dial
from connectors.trading.port import (
    NotAdmitted,
    RateLimited,
    Refused,
    TradingError,
    Unknown,
    Unreachable,
    Untrusted,
)

_VERSION = "3470"
_AGENT = "Marque"
_SESSION_LOST = frozenset({400, 401, 403, 408})
_BACKOFF_SECONDS_MAX = 15.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The time and size limits of a connection, in seconds and bytes."""

    connect_seconds: float = 10.0
    request_seconds: float = 15.0
    bulk_seconds: float = 60.0
    ping_after_seconds: float = 20.0
    prove_after_seconds: float = 5.0
    body_bytes_max: int = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """A manager login, its API password, and the certificate to insist on (SHA-256, hex).

    `egress_allow` is None where the operator typed the address, and else the operator's
    exceptions to the rule that a tenant's address must be public.
    """

    login: int
    password: str = field(repr=False)
    fingerprint: str | None = None
    egress_allow: frozenset[str] | None = None


@dataclass(slots=True)
class _Breaker:
    """After a failed attempt to connect, the next callers are told at once for a little while."""

    failures: int = 0
    until: float = 0.0
    error: TradingError | None = None

    def check(self) -> None:
        """Raise the last failure again while its pause lasts."""
        if self.error is not None and time.monotonic() < self.until:
            raise self.error.with_traceback(None)

    def failed(self, error: TradingError) -> None:
        """Double the pause, with jitter so that many processes do not return together."""
        pause = min(_BACKOFF_SECONDS_MAX, 0.25 * 2**self.failures)
        self.failures = min(self.failures + 1, 10)
        self.until = time.monotonic() + pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self.error = error

    def succeeded(self) -> None:
        """Forget all failures."""
        self.failures, self.until, self.error = 0, 0.0, None


class Session:
    """The one serial session of this process with a server; connects when first used."""

    def __init__(self, address: Address, credentials: Credentials, limits: Limits) -> None:
        """Remember where and as whom; nothing is sent yet."""
        self._address = address
        self._credentials = credentials
        self._limits = limits
        self._lock = asyncio.Lock()
        self._breaker = _Breaker()
        self._wire: Wire | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._used_at = 0.0
        self.version_access = 0
        self.version_trade = 0

    async def connect(self) -> None:
        """Make sure that there is a session; raise `Unreachable` in one of its forms."""
        async with self._lock:
            await self._ready()

    async def read(
        self, path: str, parameters: Mapping[str, object], *, bulk: bool = False
    ) -> protocol.Reply:
        """Ask for something that changes nothing; a lost session is built anew once.

        Returns done, not-found and partial answers; raises `Refused`, `RateLimited` or
        `Unreachable`.
        """
        target = _target(path, parameters)
        seconds = self._limits.bulk_seconds if bulk else self._limits.request_seconds
        async with self._lock:
            await self._ready()
            try:
                reply = await self._exchange(target, None, seconds)
            except LostWire:
                await self._ready()
                try:
                    reply = await self._exchange(target, None, seconds)
                except LostWire as error:
                    raise Unreachable(f"The trading server ended the session ({error}).") from None
            except TimeoutError:
                raise Unreachable("The trading server did not answer in time.") from None
            except protocol.Malformed as error:
                raise Unreachable(f"The trading server's answer is unreadable: {error}.") from None
        return _sorted_read(reply)

    async def write(
        self, path: str, parameters: Mapping[str, object], body: object = None
    ) -> protocol.Reply:
        """Send something that changes the server, at most once.

        Raises `Unreachable` when nothing left, `Refused` and `RateLimited` when the server
        said so, and `Unknown` in every other case without a clear yes.
        """
        target = _target(path, parameters)
        data = None if body is None else msgspec.json.encode(body)
        async with self._lock:
            await self._ready()
            await self._prove()
            try:
                reply = await self._exchange(target, data, self._limits.request_seconds)
            except (LostWire, TimeoutError, protocol.Malformed) as error:
                self._drop()
                raise Unknown(
                    f"The trading server gave no clear answer ({type(error).__name__})."
                ) from None
            if protocol.outcome(reply.code) in ("transport", "partial"):
                self._drop()
                raise Unknown(f"The trading server answered {reply.code} {reply.text}".rstrip())
        return _sorted_write(reply)

    async def close(self) -> None:
        """Say goodbye and close; a later call connects again."""
        async with self._lock:
            if self._wire is not None and self._wire.usable:
                with contextlib.suppress(LostWire, TimeoutError, TradingError, protocol.Malformed):
                    await self._exchange("/api/quit", None, 2.0)
            self._drop()
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def _ready(self) -> None:
        """Have an authenticated wire, or raise."""
        if self._wire is not None and self._wire.usable:
            return
        self._drop()
        self._breaker.check()
        try:
            self._wire = await self._sign_in()
        except TradingError as error:
            self._breaker.failed(error)
            raise
        self._breaker.succeeded()
        self._used_at = time.monotonic()
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep_alive())

    async def _sign_in(self) -> Wire:
        wire = await dial(
            self._address,
            fingerprint=self._credentials.fingerprint,
            egress_allow=self._credentials.egress_allow,
            timeout_seconds=self._limits.connect_seconds,
            body_bytes_max=self._limits.body_bytes_max,
        )
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                await self._authenticate(wire)
        except (LostWire, TimeoutError, protocol.Malformed) as error:
            wire.drop()
            raise Unreachable(f"The trading server broke off the sign-in ({error}).") from None
        except BaseException:
            wire.drop()
            raise
        return wire

    async def _authenticate(self, wire: Wire) -> None:
        """Prove the password to the server and have it prove the same, in two exchanges."""
        start = await self._sign_in_step(
            wire,
            "/api/auth/start",
            version=_VERSION,
            agent=_AGENT,
            login=self._credentials.login,
            type="manager",
        )
        password = self._credentials.password
        challenge = protocol.new_challenge()
        answer = await self._sign_in_step(
            wire,
            "/api/auth/answer",
            srv_rand_answer=protocol.challenge_answer(password, start.envelope.srv_rand),
            cli_rand=challenge,
        )
        if not protocol.is_proof(password, challenge, answer.envelope.cli_rand_answer):
            raise Untrusted("The trading server can't prove that it knows the manager's password.")
        self.version_access = _version(answer.envelope.version_access)
        self.version_trade = _version(answer.envelope.version_trade)

    async def _sign_in_step(self, wire: Wire, path: str, **parameters: object) -> protocol.Reply:
        http = await wire.request(
            _target(path, parameters), None, timeout_seconds=self._limits.connect_seconds
        )
        if http.status != 200:
            raise LostWire(f"HTTP {http.status}")
        reply = protocol.parse(http.body)
        kind = protocol.outcome(reply.code)
        if kind == "slow_down":
            raise RateLimited("The trading server asks to sign in less often.")
        if kind == "transport":
            raise Unreachable(f"The trading server is busy: {reply.code} {reply.text}".rstrip())
        if kind != "done":
            raise NotAdmitted(reply.code, reply.text)
        return reply

    async def _prove(self) -> None:
        """Ping a session that has been idle before a write, so that fewer writes end unknown."""
        if time.monotonic() - self._used_at < self._limits.prove_after_seconds:
            return
        try:
            await self._exchange("/api/test/access", None, self._limits.request_seconds)
        except (LostWire, TimeoutError, protocol.Malformed):
            self._drop()
            await self._ready()

    async def _exchange(self, target: str, body: bytes | None, seconds: float) -> protocol.Reply:
        """Send and parse; anything but a clean answer drops the wire, also a cancelled caller."""
        wire = self._wire
        assert wire is not None
        try:
            http = await wire.request(target, body, timeout_seconds=seconds)
            if http.status in _SESSION_LOST or http.status >= 500:
                raise LostWire(f"HTTP {http.status}")
            if http.status == 429:
                raise RateLimited("The trading server asks to slow down.")
            if http.status != 200:
                raise Refused(12002, f"HTTP {http.status}")
            reply = protocol.parse(http.body)
        except TradingError:
            raise
        except BaseException:
            self._drop()
            raise
        self._used_at = time.monotonic()
        return reply

    async def _keep_alive(self) -> None:
        """Ping whenever the session has been idle; end with the wire."""
        while self._wire is not None:
            idle = time.monotonic() - self._used_at
            if idle < self._limits.ping_after_seconds:
                await asyncio.sleep(self._limits.ping_after_seconds - idle)
                continue
            async with self._lock:
                if self._wire is None or time.monotonic() - self._used_at < idle:
                    continue
                with contextlib.suppress(LostWire, TimeoutError, protocol.Malformed, TradingError):
                    await self._exchange("/api/test/access", None, self._limits.request_seconds)
                # A refused ping counts as used, so that a slow server is not pinged in a loop.
                self._used_at = time.monotonic()

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.drop()
            self._wire = None


def _sorted_read(reply: protocol.Reply) -> protocol.Reply:
    kind = protocol.outcome(reply.code)
    if kind == "slow_down":
        raise RateLimited("The trading server asks to slow down.")
    if kind == "transport":
        raise Unreachable(f"The trading server answered {reply.code} {reply.text}".rstrip())
    if kind == "refused":
        raise Refused(reply.code, reply.text)
    return reply


def _sorted_write(reply: protocol.Reply) -> protocol.Reply:
    kind = protocol.outcome(reply.code)
    if kind == "slow_down":
        raise RateLimited("The trading server asks to slow down.")
    if kind != "done":
        raise Refused(reply.code, reply.text)
    return reply


def _target(path: str, parameters: Mapping[str, object]) -> str:
    query = "&".join([f"{name}={_encoded(str(value))}" for name, value in parameters.items()])
    return f"{path}?{query}" if query else path


def _encoded(value: str) -> str:
    """Percent-encode a parameter; most are numbers and need nothing."""
    return value if value.isascii() and value.isalnum() else quote(value, safe="")


def _version(value: str | int) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
