"""How a person wants pages to look: kept with the person, so that another device has it too."""

from __future__ import annotations

from sqlalchemy import update

from identity import audit
from identity.models import DENSITIES, SIDEBARS, THEMES, UserAccount, VendorAccount
from kernel.database import ControlSession, TenantSession
from kernel.errors import InvalidInput
from kernel.viewer import Viewer

CHOICES = {"theme": THEMES, "density": DENSITIES, "sidebar": SIDEBARS}


async def change(
    session: TenantSession | ControlSession, *, viewer: Viewer, wanted: dict[str, str]
) -> dict[str, str]:
    """Keep what the viewer chose and return it; raise InvalidInput for a choice there is not.

    What is not among `CHOICES` is not looked at, and what is not named stays as it was.
    """
    kept = {name: value for name, value in wanted.items() if name in CHOICES}
    for name, value in kept.items():
        if value not in CHOICES[name]:
            raise InvalidInput({name: f"Choose one of: {', '.join(CHOICES[name])}."})
    before = {name: getattr(viewer.looks, name) for name in kept}
    if not kept or kept == before:
        return kept
    model = UserAccount if isinstance(session, TenantSession) else VendorAccount
    await session.execute(update(model).where(model.id == viewer.id).values(**kept))
    audit.record(
        session,
        "identity.preference.change",
        subject=("user", viewer.id),
        before=before,
        after=dict(kept),
    )
    return kept
