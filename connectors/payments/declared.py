"""Declared providers over the network: the engine's requests sent, tokens kept, answers judged.

What a provider says and how is in its file; this module only carries it. It holds no state but
two caches that may be lost at any time: access tokens and pinned certificates.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from connectors.payments.engine import answers, callbacks, requests
from connectors.payments.engine.answers import Reading
from connectors.payments.engine.definitions import Operation, Provider
from connectors.payments.engine.failures import CallbackRefused, CertificateNeeded, OrderRefused
from connectors.payments.engine.literals import parse_form
from connectors.payments.engine.port import (
    Account,
    Addresses,
    Answering,
    Call,
    Notice,
    Order,
    Payer,
    Received,
    Request,
    Standing,
    Step,
    Transport,
)
from connectors.payments.port import CredentialsRefused, PaymentRefused, PaymentUnknown
from kernel.clock import now as wall_clock
from kernel.errors import ProductError
from kernel.money import Money

_TOKEN_MARGIN_SECONDS = 60
_TOKENS_MAX = 512
_CERTIFICATE_SECONDS = 24 * 3600
_CERTIFICATE_BYTES_MAX = 64 * 1024

# A token that belongs to no payment is asked for on nobody's behalf.
_NOBODY = Order(
    reference="token",
    amount=Money.of("0", "USD"),
    payer=Payer(public_id=""),
    addresses=Addresses("", "", ""),
    idempotency_key="token",
)


class GuardedTransport:
    """Carries requests through the one client that refuses inner addresses."""

    def __init__(self, *, allow: frozenset[str]) -> None:
        """Take the operator's `host:port` exceptions."""
        self._allow = allow

    async def send(self, request: Request) -> Received:
        """Send one request once; raise PaymentUnknown when no answer came."""
        import httpx  # noqa: PLC0415 - a fifth of a second, for the few processes that need it

        from kernel import http  # noqa: PLC0415

        try:
            answer = await http.request(
                request.method,
                request.url,
                allow=self._allow,
                body=request.body,
                headers=request.headers,
            )
        except ProductError as error:
            raise PaymentRefused("egress", error.text) from None
        except (httpx.HTTPError, OSError) as error:
            what = type(error).__name__
            raise PaymentUnknown(f"The payment provider gave no clear answer ({what}).") from None
        return Received(answer.status, answer.body)


class Tokens:
    """Access tokens and certificates of one process, by account; losing them costs one request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none."""
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}
        self.lock = asyncio.Lock()

    def get(self, key: str) -> str:
        """Return what is kept and still good, else an empty text."""
        until, text = self._kept.get(key, (0.0, ""))
        return text if self._clock() < until else ""

    def keep(self, key: str, text: str, seconds: float) -> None:
        """Keep a text for a while."""
        if len(self._kept) >= _TOKENS_MAX:
            self._kept.clear()
        self._kept[key] = (self._clock() + seconds, text)

    def forget(self, key: str) -> None:
        """Forget a text that did not work."""
        self._kept.pop(key, None)


class Declared:
    """A `DeclaredGateway` for one merchant account.

    `credentials` are as unsealed. `api_base` among them names a local counterpart that stands in
    for the provider, and must be among the operator's exceptions.
    """

    def __init__(
        self,
        provider: Provider,
        credentials: Mapping[str, str],
        *,
        environment: str,
        transport: Transport,
        tokens: Tokens | None = None,
        egress_allow: frozenset[str] = frozenset(),
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        """Take the file and the account; nothing is sent yet."""
        stand_in = credentials.get("api_base", "")
        if stand_in:
            _require_allowed(stand_in, egress_allow)
        known = {name: text for name, text in credentials.items() if name in provider.credentials}
        self.provider = provider
        self._account = Account(environment, known, stand_in)
        self._transport = transport
        self._tokens = tokens or Tokens()
        self._clock = clock

    async def deposit(self, order: Order) -> Step:
        """Create the payment and say what the payer sees next."""
        provider = self.provider
        if provider.capabilities.deposit == "instructions":
            lines = requests.instructions(provider, self._account, order, now=self._clock())
            return Step("instructions", instructions=lines)
        operation = self._operation("deposit")
        if operation.sent_by == "browser":
            request = requests.build(provider, operation, self._account, order, now=self._clock())
            fields = {name: str(text) for name, text in parse_form(request.body).items()}
            return Step("form_post", url=request.url, fields=fields)
        return self._step(operation, await self._asked(operation, order))

    async def open_withdrawal(self, order: Order) -> Step:
        """Open the provider's own page for a payout."""
        if not self.provider.opens_page("withdraw"):
            raise OrderRefused("withdraw", "This provider has no page for payouts.")
        operation = self._operation("withdraw")
        return self._step(operation, await self._asked(operation, order))

    async def withdraw(self, order: Order) -> Standing:
        """Pay out."""
        if self.provider.capabilities.withdraw != "api":
            raise OrderRefused("withdraw", "This provider pays out in another way.")
        return await self._standing("withdraw", order)

    async def refund(self, order: Order) -> Standing:
        """Send a payment, or a part of it, back to its source."""
        return await self._standing("refund", order)

    async def query(self, order: Order) -> Standing:
        """Ask what became of a payment."""
        return await self._standing("query", order)

    async def follow_up(self, notice: Notice, order: Order) -> Standing:
        """Make the call that a notice asks for."""
        known = replace(order, session_ref=notice.session_ref or order.session_ref)
        return await self._standing(notice.follow_up, known)

    async def receive(self, call: Call) -> Sequence[Notice]:
        """Verify a callback and read it; a pinned certificate is fetched when it is not known."""
        known: dict[str, str] = {}
        try:
            return self._received(call, known)
        except CertificateNeeded as needed:
            known[needed.url] = await self._certificate(needed.url)
            return self._received(call, known)

    def answering(self, call: Call) -> Answering:
        """What to answer to a callback once its notices are committed."""
        del call
        return callbacks.answering(self.provider, self._account, now=self._clock())

    async def check(self) -> None:
        """Make sure that the credentials work, as far as that can be told without a payment.

        Raises CredentialsRefused for those that a token is refused for; a provider without tokens
        only says so with the first payment of a test.
        """
        name = self.provider.auth.token_from
        if not name:
            return
        try:
            await self._fresh_token(None)
        except CredentialsRefused:
            raise
        except PaymentRefused as error:
            raise CredentialsRefused(error.code, error.text) from None

    async def register(self, callback: str) -> Mapping[str, str]:
        """Nothing: a declared provider is told with each payment, or by a person."""
        del callback
        return {}

    async def close(self) -> None:
        """Nothing is kept open."""

    def _received(self, call: Call, certificates: Mapping[str, str]) -> Sequence[Notice]:
        return callbacks.receive(
            self.provider, self._account, call, now=self._clock(), certificates=certificates
        )

    async def _certificate(self, url: str) -> str:
        """Fetch a certificate from a host that the engine has found among the pinned ones."""
        async with self._tokens.lock:
            if kept := self._tokens.get(url):
                return kept
            host = urlsplit(url).hostname or ""
            answer = await self._transport.send(Request("GET", url, host, {}, b""))
            if answer.status != 200 or len(answer.body) > _CERTIFICATE_BYTES_MAX:
                raise CallbackRefused("no_certificate", "The certificate could not be fetched.")
            text = answer.body.decode("ascii", "replace")
            self._tokens.keep(url, text, _CERTIFICATE_SECONDS)
            return text

    def _step(self, operation: Operation, reading: Reading) -> Step:
        return answers.step_of(self.provider, operation, reading, stand_in=self._account.stand_in)

    async def _standing(self, name: str, order: Order) -> Standing:
        operation = self._operation(name)
        return answers.standing_of(operation, await self._asked(operation, order))

    def _operation(self, name: str) -> Operation:
        operation = self.provider.operations.get(name)
        if operation is None or not self.provider.enabled:
            raise OrderRefused(name or "operation", "This provider's file has no such request.")
        return operation

    async def _asked(self, operation: Operation, order: Order) -> Reading:
        """Send a request and judge the answer; a token that has ended is fetched again once."""
        if not self.provider.needs_token(operation.name):
            return await self._sent(operation, order, "")
        token = self._tokens.get(self._key) or await self._fresh_token(order)
        try:
            return await self._sent(operation, order, token)
        except PaymentRefused as error:
            if error.code != "401" and not isinstance(error, CredentialsRefused):
                raise
        self._tokens.forget(self._key)
        return await self._sent(operation, order, await self._fresh_token(order))

    async def _sent(self, operation: Operation, order: Order, token: str) -> Reading:
        now = self._clock()
        request = requests.build(
            self.provider, operation, self._account, order, now=now, token=token
        )
        received = await self._transport.send(request)
        scope = requests.order_scope(self.provider, self._account, order, now)
        if received.status == 401:
            raise CredentialsRefused("401", "The provider does not accept these credentials.")
        return answers.read(self.provider, operation, received, scope)

    async def _fresh_token(self, order: Order | None) -> str:
        """Get an access token; kept as long as the answer says, less a margin."""
        async with self._tokens.lock:
            if kept := self._tokens.get(self._key):
                return kept
            operation = self._operation(self.provider.auth.token_from)
            reading = await self._sent(operation, order or _NOBODY, "")
            token = reading.text("token")
            if not token:
                raise PaymentUnknown("The provider gave no access token.")
            seconds = reading.text("token_seconds")
            if seconds.isdigit():
                self._tokens.keep(self._key, token, int(seconds) - _TOKEN_MARGIN_SECONDS)
            return token

    @property
    def _key(self) -> str:
        """What a token is kept under: a digest, so that no secret is a key in memory."""
        parts = [self.provider.id, self._account.environment, self._account.stand_in]
        parts += [f"{name}={text}" for name, text in sorted(self._account.credentials.items())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _require_allowed(base: str, allow: frozenset[str]) -> None:
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if f"{parts.hostname}:{port}" not in allow:
        raise CredentialsRefused("api_base", "The operator does not allow this base address.")
