"""What a payer sees between starting a deposit and its arrival: codes, addresses, instructions."""

from __future__ import annotations

import io
from typing import Any

import segno
from litestar import Request, Response
from markupsafe import Markup

from connectors.payments.engine.port import Step
from kernel.language import gettext
from kernel.money import Money
from kernel.web.pages import page
from themes.formats import money_text
from treasury import words
from treasury.models import Deposit
from treasury.offers import queries
from treasury.offers.queries import Session

_OPEN = ("created", "pending")


async def of(session: Session, deposit: Deposit) -> dict[str, Any]:
    """Return what a deposit's page shows of its payment: the step, the price and the proofs."""
    step = words.step_of(deposit.step)
    shown = step if deposit.state in _OPEN else None
    by_hand = step is not None and step.kind == "instructions"
    return {
        "step": shown,
        "qr": _code(shown),
        "copies": _copies(shown, deposit),
        "total": deposit.ordered,
        "charge": deposit.charge if deposit.charge.amount > 0 else None,
        "by_hand": by_hand,
        "proofs": await queries.proofs(session, deposit_id=deposit.id) if by_hand else [],
    }


async def post_page(request: Request[Any, Any, Any], deposit: Deposit, step: Step) -> Response[Any]:
    """Show the form that the payer's browser posts to the provider."""
    return await page(
        request,
        "trader/deposit_post.html",
        title=gettext("Deposit %s") % deposit.reference,
        active="/deposit",
        deposit=deposit,
        total=deposit.ordered,
        step=step,
    )


def _code(step: Step | None) -> Markup | None:
    """Return the QR code of a step as SVG, drawn here; a provider's picture is not fetched."""
    text = "" if step is None else step.qr or step.address
    if not text or len(text) > 1000:
        return None
    held = io.BytesIO()
    segno.make(text, error="m").save(
        held, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=3, light="#fff",
        dark="#000", svgclass=None, lineclass=None,
    )  # fmt: skip
    return Markup(held.getvalue().decode())  # noqa: S704 - drawn here; the text is only its dots


def _copies(step: Step | None, deposit: Deposit) -> list[tuple[str, str]]:
    """Return the lines that the payer copies, by their labels."""
    if step is None:
        return []
    if step.kind == "instructions":
        return [(label, text) for label, text in step.instructions]
    lines = [(gettext("Amount"), money_text(Money(deposit.ordered.amount, deposit.currency)))]
    if step.address:
        lines.append((gettext("Address"), step.address))
    if step.address_tag:
        lines.append((gettext("Tag or memo"), step.address_tag))
    if step.qr and not step.address:
        lines.append((gettext("Code to copy"), step.qr))
    return lines if step.kind in ("address", "qr") else []
