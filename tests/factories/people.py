"""Builders of people: staff with their roles, and clients."""

from __future__ import annotations

import itertools
from typing import Any

from factory.base import DictFactory
from factory.declarations import Sequence

from clients import profiles
from clients.models import Client
from entrypoints import catalogue
from identity import roles, users
from identity.models import UserAccount
from kernel.database import TenantSession

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


class _Details(DictFactory):
    """What somebody types about themselves; each person differs from every other."""

    first_name = Sequence(lambda n: f"Amina{n}")  # type: ignore[no-untyped-call]
    last_name = "Haddad"
    email = Sequence(lambda n: f"amina{n}@mail.example")  # type: ignore[no-untyped-call]
    phone = Sequence(lambda n: f"+9715{n:08d}")  # type: ignore[no-untyped-call]
    country = "AE"
    language = "en"


def details(**fields: str) -> dict[str, Any]:
    """Return what a new person types about themselves, with some of it given."""
    made: dict[str, Any] = _Details.build(**fields)
    return made


async def staff(
    session: TenantSession, role: str, *, name: str = "", password: str | None = None
) -> UserAccount:
    """Create an active member of staff who holds a role; every role's grants are there."""
    await roles.seed(session, catalogue.grants())
    number = next(_numbers)
    user = await users.create(
        session,
        kind="staff",
        email=f"staff{number}@alpha.example",
        name=name or f"{role.replace('_', ' ').title()} {number}",
        password=password,
    )
    user.state = "active"
    await users.grant_role(session, user=user, role=role)
    await session.flush()
    return user


async def client(session: TenantSession, **fields: str) -> Client:
    """Create a client's profile."""
    return await profiles.create(session, **details(**fields))
