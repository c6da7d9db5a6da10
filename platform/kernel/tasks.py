"""Messages to workers: dramatiq rings, PostgreSQL knows. Every message names its tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import dramatiq
from dramatiq.broker import MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO, Middleware, SkipMessage

from kernel.log import logger
from kernel.settings import Settings

_LOG = logger(__name__)
LANES = ("money", "default", "mail")
_PRIORITY = {"money": 0, "default": 10, "mail": 20}
_NAMESPACE = "marque:tasks"


class TenantRequired(Middleware):
    """Refuses a message that does not say for which tenant and schema generation it is."""

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """Skip the message, and say so, when the tenant is missing."""
        del broker
        options = message.kwargs
        if not options.get("tenant_id") or not isinstance(options.get("generation"), int):
            _LOG.error("a message without tenant was refused", actor_name=message.actor_name)
            raise SkipMessage("no tenant")


class OneLoop(AsyncIO):
    """One event loop for all workers of a process, from the first one's start to the last's end.

    dramatiq's own middleware makes a loop for each worker and forgets the one before.
    """

    def __init__(self) -> None:
        """Start without a loop."""
        super().__init__()
        self._workers = 0

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Start the loop for the first worker."""
        self._workers += 1
        if self._workers == 1:
            super().before_worker_boot(broker, worker)  # type: ignore[no-untyped-call]

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """End the loop with the last worker."""
        self._workers -= 1
        if self._workers == 0:
            super().after_worker_shutdown(broker, worker)  # type: ignore[no-untyped-call]


def make_broker(settings: Settings) -> RedisBroker:
    """Return the broker of this process, with the middleware that our messages need."""
    broker: RedisBroker = RedisBroker(  # type: ignore[no-untyped-call]
        url=settings.redis_url, middleware=[], namespace=_NAMESPACE
    )
    broker.add_middleware(OneLoop())
    broker.add_middleware(TenantRequired())
    for lane in LANES:
        broker.declare_queue(lane)
    return broker


def actor(
    broker: dramatiq.Broker, lane: str, work: Callable[..., Awaitable[None]], name: str
) -> dramatiq.Actor[..., Any]:
    """Declare an async actor on a lane; failures are retried by the outbox, not by dramatiq."""
    decorate = dramatiq.actor(
        broker=broker, actor_name=name, queue_name=lane, priority=_PRIORITY[lane]
    )
    made: dramatiq.Actor[..., Any] = decorate(work)
    return made
