"""What runs again and again for every brokerage; rooms offer jobs, the scheduler runs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kernel.actor import TenantRef
from tenants.ports import Ports


@dataclass(frozen=True)
class Job:
    """A repeated job: it opens its own transactions and bears being run twice."""

    name: str
    every_seconds: float
    run: Callable[[Ports, TenantRef], Awaitable[None]]
