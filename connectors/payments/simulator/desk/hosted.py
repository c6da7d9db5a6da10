"""The hosted page's requests under /hosted: show a payment, do what the payer chose, go back."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from connectors.payments.simulator import pages as plain_pages
from connectors.payments.simulator.checkout import POLICY, TYPED_MAX
from connectors.payments.simulator.desk import amounts, pages
from connectors.payments.simulator.desk.protocols import Protocol, Refused
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.wire import Request, Response

PREFIX = "/hosted/"


def _page(status: int, text: str) -> Response:
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    return Response(status, text.encode(), "text/html; charset=utf-8", headers)


def answer(records: Records, protocols: Mapping[str, Protocol], request: Request) -> Response:
    """Answer a request under /hosted."""
    payment = records.payment(request.path.removeprefix(PREFIX))
    if payment is None:
        words = "Check the link, or start the payment again at the merchant."
        return _page(404, plain_pages.message("This payment was not found", words))
    protocol = protocols[payment["protocol"]]
    if request.method == "GET":
        return _shown(records, protocol, payment)
    if request.method != "POST":
        words = "This page is shown and submitted only."
        return _page(405, plain_pages.message("Not possible", words))
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    typed = {name: value.strip()[:TYPED_MAX] for name, value in pairs}
    choice = next((one for one in protocol.choices(payment) if one.verb == typed.get("verb")), None)
    if choice is None:
        told = "Choose what should happen." if protocol.choices(payment) else ""
        return _shown(records, protocol, payment, typed=typed, told=told, status=422)
    details: dict[str, str] = {}
    if choice.amount:
        try:
            details["amount"] = f"{amounts.read(typed.get('amount', '')):f}"
        except ValueError as error:
            return _shown(records, protocol, payment, typed=typed, wrong=str(error), status=422)
    try:
        with records.store.transaction():
            protocol.act(records, payment, choice.verb, details)
    except Refused as error:
        return _shown(records, protocol, payment, typed=typed, told=str(error), status=409)
    payment = records.payment(payment["id"]) or payment
    address = protocol.back(payment)
    if address:
        return Response(303, headers={"Location": address})
    return _shown(records, protocol, payment, told=f"Status: {payment['status']}.")


def _shown(
    records: Records,
    protocol: Protocol,
    payment: JsonObject,
    *,
    typed: dict[str, str] | None = None,
    wrong: str = "",
    told: str = "",
    status: int = 200,
) -> Response:
    text = pages.payment_page(
        payment,
        records.merchant(payment["merchant"])["name"],
        protocol.choices(payment),
        protocol.lines(payment),
        typed=typed or {},
        wrong=wrong,
        told=told,
        cancel=payment["urls"].get("cancel") or payment["urls"].get("done", ""),
    )
    return _page(status, text)
