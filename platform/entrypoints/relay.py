"""The relay process: turns waiting rows of the outboxes into messages for the workers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from uuid import UUID

import dramatiq
import uvloop

from entrypoints import wiring
from entrypoints.subscriptions import subscriptions
from kernel import gate, memory, tasks
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.doorbell import RedisDoorbell
from kernel.log import configure
from kernel.relay import Relay, Send
from kernel.subscriptions import Subscription
from tenants import queries


def sender(broker: dramatiq.Broker) -> Send:
    """Return what puts a message on a lane's queue."""

    async def send(
        subscription: Subscription, tenant: TenantRef, event_ids: Sequence[UUID]
    ) -> None:
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=subscription.lane,
            actor_name=f"deliver_{subscription.lane}",
            args=(),
            kwargs={
                "tenant_id": str(tenant.id),
                "generation": tenant.generation,
                "event_ids": [str(event_id) for event_id in event_ids],
                "topic": subscription.event.topic,
                "subscriber": subscription.name,
            },
            options={},
        )
        await asyncio.to_thread(broker.enqueue, message)

    return send


async def tenants(database: Database) -> list[TenantRef]:
    """Return the brokerages whose outboxes are drained."""
    async with database.control() as session:
        found = await queries.all_tenants(session)
    return [queries.ref(t) for t in found if t.state not in ("archived", "provisioning")]


async def run() -> None:
    """Relay until told to stop."""
    settings = kernel_settings.load()
    ports = wiring.ports(settings, pool_size=4)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    relay = Relay(
        ports.database,
        RedisDoorbell(ports.redis),
        subscriptions(ports),
        tenants=lambda: tenants(ports.database),
        send=sender(tasks.make_broker(settings)),
    )
    memory.settle()
    os.write(1, b"ready\n")
    await relay.run(stop)
    await wiring.close(ports)


def main() -> None:
    """Start the process."""
    configure("relay")
    gate.wait()
    uvloop.run(run())


if __name__ == "__main__":
    main()
