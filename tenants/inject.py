"""What a handler receives as `ports`; apart, so that background processes load no web framework."""

from __future__ import annotations

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from tenants.ports import Ports

Outside = NamedDependency[SkipValidation[Ports]]
