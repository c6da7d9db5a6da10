"""The hosted checkout page as plain HTML: no scripts, own style sheet, errors beside fields."""

import html

from connectors.payments.simulator.currencies import written
from connectors.payments.simulator.store import JsonObject

STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;background:#f5f6f8;color:#111827;font:16px/24px system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:24px 16px 48px;display:grid;gap:24px}
.merchant{margin:0;color:#475063;font-size:15px}
h1{margin:4px 0 0;font-size:20px;line-height:28px}
.amount{display:block;font-size:36px;line-height:44px;font-weight:600;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
.items{list-style:none;margin:16px 0 0;padding:0;border-top:1px solid #d2d7df}
.items li{display:flex;justify-content:space-between;gap:16px;padding:12px 0;
border-bottom:1px solid #d2d7df;font-variant-numeric:tabular-nums}
.items span:last-child{min-width:0;overflow-wrap:anywhere;text-align:end}
.card{background:#fff;border:1px solid #d2d7df;border-radius:10px;padding:20px}
fieldset{border:0;margin:0 0 8px;padding:0}legend{padding:0;font-weight:600;margin-bottom:8px}
.choice{display:flex;gap:10px;align-items:center;min-height:44px}
.choice input{width:20px;height:20px;margin:0}
label{font-weight:500}.field{margin-bottom:16px}
.field label{display:block;margin-bottom:4px;font-size:14px;line-height:20px}
.field input{width:100%;min-height:44px;padding:8px 12px;font:inherit;border:1px solid #8b94a5;
border-radius:6px;background:#fff;color:inherit}
.field input[aria-invalid]{border:2px solid #b42318}
.hint{margin:4px 0 0;color:#475063;font-size:14px;line-height:20px}
.wrong{margin:4px 0 0;color:#b42318;font-size:14px;line-height:20px;font-weight:500}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:16px}
.bank{display:none}form:has(#bank:checked) .bank{display:block}
form:has(#bank:checked) .cards{display:none}
.pay,.cancel{display:block;width:100%;min-height:48px;padding:12px;border-radius:6px;
font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.pay{border:0;background:#1c4fb8;color:#fff}.pay:hover{background:#163f94}
.cancel{margin-top:12px;border:1px solid #8b94a5;color:#111827;background:#fff}
:focus-visible{outline:3px solid #1c5fb8;outline-offset:2px}
.notice{margin:0 0 16px;padding:12px;border-radius:6px;background:#fdecea;color:#8c1b12}
.test{margin:16px 0 0;color:#475063;font-size:14px;line-height:20px}
@media(min-width:52rem){main{grid-template-columns:1fr 1fr;gap:64px;padding-top:72px}}
"""


def shell(title: str, content: str) -> str:
    """Return a whole page around its content."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/pay/style.css"></head>'
        f"<body><main>{content}</main></body></html>"
    )


def message(title: str, words: str, *, address: str | None = None) -> str:
    """Return a page that says one thing, with a way back when there is one."""
    link = (
        f'<p><a class="cancel" href="{html.escape(address)}">Back to the merchant</a></p>'
        if address
        else ""
    )
    body = f"<div><h1>{html.escape(title)}</h1><p>{html.escape(words)}</p>{link}</div>"
    return shell(title, body)


def _field(
    name: str,
    label: str,
    typed: dict[str, str],
    wrong: dict[str, str],
    *,
    more: str,
    hint: str = "",
) -> str:
    notes, described = "", []
    if name in wrong:
        described.append(f"{name}-wrong")
        notes += f'<p class="wrong" id="{name}-wrong">{html.escape(wrong[name])}</p>'
    if hint:
        described.append(f"{name}-hint")
        notes += f'<p class="hint" id="{name}-hint">{html.escape(hint)}</p>'
    extra = f' aria-describedby="{" ".join(described)}"' if described else ""
    if name in wrong:
        extra += ' aria-invalid="true"'
        extra += " autofocus" if next(iter(wrong)) == name else ""
    value = html.escape(typed.get(name, ""))
    return (
        f'<div class="field"><label for="{name}">{label}</label>'
        f'<input id="{name}" name="{name}" value="{value}" {more}{extra}>{notes}</div>'
    )


def _card_fields(typed: dict[str, str], wrong: dict[str, str]) -> str:
    number = 'inputmode="numeric" autocomplete="cc-number" maxlength="24"'
    expiry = 'inputmode="numeric" autocomplete="cc-exp" maxlength="7" placeholder="MM / YY"'
    cvc = 'inputmode="numeric" autocomplete="cc-csc" maxlength="4"'
    return (
        '<div class="cards">'
        + _field("number", "Card number", typed, wrong, more=number)
        + '<div class="pair">'
        + _field("expiry", "Expiry date", typed, wrong, more=expiry)
        + _field("cvc", "Security code (CVC)", typed, wrong, more=cvc)
        + "</div>"
        + _field("holder", "Name on card (optional)", typed, wrong, more='autocomplete="cc-name"')
        + "</div>"
    )


def _methods(methods: list[str], chosen: str) -> str:
    words = {"card": ("card", "Card"), "sepa_debit": ("bank", "Bank debit, confirmed later")}
    if len(methods) == 1:
        return (
            f'<input type="radio" hidden id="{words[methods[0]][0]}" name="method"'
            f' value="{methods[0]}" checked>'
        )
    rows = "".join(
        f'<div class="choice"><input type="radio" id="{words[method][0]}" name="method"'
        f' value="{method}"{" checked" if method == chosen else ""}>'
        f'<label for="{words[method][0]}">{words[method][1]}</label></div>'
        for method in methods
    )
    return f"<fieldset><legend>Payment method</legend>{rows}</fieldset>"


def checkout(
    session: JsonObject, merchant: str, typed: dict[str, str], wrong: dict[str, str]
) -> str:
    """Return the form that pays an open session, with what was typed and what is wrong."""
    amount = written(session["amount_total"], session["currency"])
    items = "".join(
        f"<li><span>{html.escape(item['description'])}"
        f"{' × ' + str(item['quantity']) if item['quantity'] > 1 else ''}</span>"
        f"<span>{written(item['amount_total'], item['currency'])}</span></li>"
        for item in session["_line_items"]
    )
    methods = session["payment_method_types"]
    notice = (
        '<p class="notice" role="alert">You were not charged. Correct the marked field.</p>'
        if wrong
        else ""
    )
    bank = (
        '<div class="bank">'
        + _field(
            "iban",
            "IBAN",
            typed,
            wrong,
            more='autocomplete="off" maxlength="42"',
            hint="The payment is confirmed after the bank has taken it.",
        )
        + "</div>"
        if "sepa_debit" in methods
        else ""
    )
    cards = _card_fields(typed, wrong) if "card" in methods else ""
    back = (
        f'<a class="cancel" href="{html.escape(session["cancel_url"])}">Cancel</a>'
        if session["cancel_url"]
        else ""
    )
    summary = (
        f'<div><p class="merchant">Pay {html.escape(merchant)}</p>'
        f'<h1><span class="amount">{amount}</span></h1><ul class="items">{items}</ul></div>'
    )
    form = (
        f'<form class="card" method="post" novalidate>{notice}'
        f"{_methods(methods, typed.get('method', methods[0]))}{cards}{bank}"
        f'<button class="pay" type="submit">Pay {amount}</button>{back}'
        '<p class="test">Test mode: no money moves. Use card 4242 4242 4242 4242 with any later'
        " date and any code.</p></form>"
    )
    return shell(f"Pay {merchant} {amount}", summary + form)
