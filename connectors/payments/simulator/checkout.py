"""The hosted page's requests: show a session, pay it, and go back to the merchant."""

from urllib.parse import parse_qsl

from connectors.payments.simulator import pages, sessions
from connectors.payments.simulator.instruments import read_card, read_iban
from connectors.payments.simulator.store import JsonObject, Store
from connectors.payments.simulator.wire import Request, Response

POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
)
TYPED_MAX = 100


def _page(status: int, text: str) -> Response:
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    return Response(status, text.encode(), "text/html; charset=utf-8", headers)


def _to_success(session: JsonObject) -> Response:
    address = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return Response(303, headers={"Location": address})


def answer(store: Store, request: Request) -> Response:
    """Answer a request under /pay."""
    name = request.path.removeprefix("/pay/")
    if name == "style.css":
        return Response(200, pages.STYLE.encode(), "text/css; charset=utf-8")
    if request.method not in ("GET", "POST"):
        return _page(405, pages.message("Not possible", "This page is shown and submitted only."))
    account = store.owner(name)
    session = store.get(account, name) if account else None
    if account is None or session is None or session["object"] != "checkout.session":
        words = "Check the link, or start the payment again at the merchant."
        return _page(404, pages.message("This payment was not found", words))
    if session["status"] == "complete":
        return _to_success(session)
    if session["status"] == "expired":
        words = "Nothing was charged. Start the payment again at the merchant."
        text = pages.message("This payment has expired", words, address=session["cancel_url"])
        return _page(410, text)
    if request.method == "GET":
        return _page(200, pages.checkout(session, store.account_name(account), {}, {}))
    return _pay(store, account, session, request)


def _pay(store: Store, account: str, session: JsonObject, request: Request) -> Response:
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    typed = {name: value[:TYPED_MAX] for name, value in pairs}
    methods = session["payment_method_types"]
    bank = typed.get("method", methods[0]) == "sepa_debit" and "sepa_debit" in methods
    if bank:
        instrument, wrong = read_iban(typed.get("iban", ""))
    else:
        instrument, wrong = read_card(
            typed.get("number", ""), typed.get("expiry", ""), typed.get("cvc", "")
        )
    status = 422
    if instrument is not None:
        with store.transaction():
            refused = sessions.pay(
                store,
                account,
                session=session,
                instrument=instrument,
                holder=typed.get("holder") or None,
            )
        if refused is None:
            return _to_success(session)
        status = 402
        wrong = {"iban" if bank else "number": refused + " Try another one."}
    merchant = store.account_name(account)
    return _page(status, pages.checkout(session, merchant, typed, wrong))
