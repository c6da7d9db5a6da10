"""Password hashes: argon2id with OWASP's minimum cost, at most two computed at a time.

One hash takes about 30 ms of a core and 19 MiB, so a flood of logins must queue, and be
turned away when the queue is long, rather than stop the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kernel.errors import InvalidInput, TooManyRequests
from kernel.language import gettext

_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# The hash of 32 random bytes that nobody kept: made here it would cost every process 40 ms.
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$W5w1meNnAQyI1HanXhcxIg$FwdkMnxl7iGM6mbJBny4LJ/2u9gXc7N3qKp6042rIE4"
)
_POOL = ThreadPoolExecutor(2, "argon2")
_QUEUE_MAX = 50
_waiting = 0

LENGTH_MIN = 10
LENGTH_MAX = 128
# The commonest passwords of this length and up; a password that contains one is refused.
_COMMON = (
    *("password", "passw0rd", "1234567890", "0123456789", "qwertyuiop", "letmein", "iloveyou"),
    *("administrator", "welcome123", "abc1234567", "1q2w3e4r5t", "sunshine12", "football12"),
)


def check(password: str, *, forbidden: tuple[str, ...] = ()) -> None:
    """Raise InvalidInput when a new password is too short, too long, common or telling.

    `forbidden` holds words such as the brand's and the person's own address.
    """
    lowered = password.lower()
    if len(password) < LENGTH_MIN:
        raise InvalidInput({"password": gettext("Use at least %d characters.") % LENGTH_MIN})
    if len(password) > LENGTH_MAX:
        raise InvalidInput({"password": gettext("Use at most %d characters.") % LENGTH_MAX})
    if len(set(lowered)) < 5 or any(word in lowered for word in _COMMON):
        raise InvalidInput(
            {"password": gettext("This is easy to guess. Join three unrelated words.")}
        )
    if any(word and word.lower() in lowered for word in forbidden):
        raise InvalidInput(
            {"password": gettext("Leave out your address and the name of the brand.")}
        )


async def hashed(password: str) -> str:
    """Return the argon2id hash; raise TooManyRequests when too many wait."""
    return await _queued(lambda: _HASHER.hash(password))


async def matches(password_hash: str | None, password: str) -> bool:
    """Say whether the password is right; an absent hash costs the same time and is wrong."""
    stored = password_hash or _NOBODY

    def verify() -> str:
        try:
            return "yes" if _HASHER.verify(stored, password) else ""
        except (VerificationError, InvalidHashError):
            return ""

    return bool(await _queued(verify)) and password_hash is not None


async def _queued(work: Callable[[], str]) -> str:
    global _waiting  # noqa: PLW0603 - a counter of this process's own queue
    if _waiting >= _QUEUE_MAX:
        raise TooManyRequests(5, gettext("Many people are signing in. Try again in a few seconds."))
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_POOL, work)
    finally:
        _waiting -= 1
