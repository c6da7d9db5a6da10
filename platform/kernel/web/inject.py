"""What handlers receive by the parameter's name: session, tenant and viewer."""

from __future__ import annotations

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from kernel.actor import TenantRef
from kernel.database import ControlSession, TenantSession
from kernel.viewer import Viewer

# These are our own objects, so that validating them again would be work for nothing.
# `session`: the request's own transaction, committed before the answer leaves.
Session = NamedDependency[SkipValidation[TenantSession]]
VendorSession = NamedDependency[SkipValidation[ControlSession]]
AnySession = NamedDependency[SkipValidation[TenantSession | ControlSession]]
# `tenant`: the brokerage of the host.
Tenant = NamedDependency[SkipValidation[TenantRef]]
# `viewer`: who is signed in; only where the route's permission demands somebody.
Seen = NamedDependency[SkipValidation[Viewer]]
# `viewer` on PUBLIC routes: somebody or nobody.
MaybeSeen = NamedDependency[SkipValidation[Viewer | None]]
