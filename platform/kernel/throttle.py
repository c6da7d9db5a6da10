"""Limits per caller in a window of time, counted in Redis; without Redis nothing is limited.

Logins and money must go on when Redis is down, so this is a brake, not a lock.
"""

from __future__ import annotations

import hashlib

import redis.asyncio
from redis.exceptions import RedisError

from kernel.actor import TenantRef
from kernel.errors import TooManyRequests
from kernel.keys import redis_key, shared_key


async def spend(
    client: redis.asyncio.Redis,
    tenant: TenantRef | None,
    *,
    what: str,
    caller: str,
    limit: int,
    seconds: int,
) -> None:
    """Count one use of `what` by a caller; raise TooManyRequests beyond the limit.

    The caller (an IP address, say) is kept as a hash. Without a tenant it is the vendor's own.
    """
    digest = hashlib.sha256(caller.encode()).hexdigest()[:24]
    parts = ("throttle", what, digest)
    key = redis_key(tenant, *parts) if tenant is not None else shared_key(*parts)
    try:
        used = await client.incr(key)
        if used == 1:
            await client.expire(key, seconds)
        if used > limit:
            left = await client.ttl(key)
            raise TooManyRequests(max(1, int(left)))
    except (RedisError, OSError):
        return
