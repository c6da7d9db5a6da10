"""The hosted page of a payment: what is paid, what can happen now, and the way back."""

import html
from collections.abc import Sequence
from decimal import Decimal

from connectors.payments.simulator.desk import amounts
from connectors.payments.simulator.desk.protocols import Choice
from connectors.payments.simulator.pages import shell
from connectors.payments.simulator.store import JsonObject

TITLES = {"deposit": "Pay", "payout": "Withdraw from"}


def payment_page(
    payment: JsonObject,
    merchant: str,
    choices: Sequence[Choice],
    lines: Sequence[tuple[str, str]],
    *,
    typed: dict[str, str],
    wrong: str = "",
    told: str = "",
    cancel: str = "",
) -> str:
    """Return the page; `wrong` belongs to the amount field, `told` is said on top."""
    amount = amounts.written(Decimal(payment["amount"]), payment["currency"])
    title = f"{TITLES.get(payment['direction'], 'Pay')} {merchant}"
    rows = "".join(
        f"<li><span>{html.escape(name)}</span><span>{html.escape(value)}</span></li>"
        for name, value in [*lines, ("Reference", payment["reference"])]
    )
    notice = f'<p class="notice" role="alert">{html.escape(told)}</p>' if told else ""
    summary = (
        f'<div><p class="merchant">{html.escape(title)}</p>'
        f'<h1><span class="amount">{html.escape(amount)}</span></h1>'
        f'<ul class="items">{rows}</ul></div>'
    )
    return shell(
        f"{title} {amount}",
        summary + _form(payment, choices, notice, typed=typed, wrong=wrong, cancel=cancel),
    )


def _form(
    payment: JsonObject,
    choices: Sequence[Choice],
    notice: str,
    *,
    typed: dict[str, str],
    wrong: str,
    cancel: str,
) -> str:
    back = (
        f'<a class="cancel" href="{html.escape(cancel)}">Back to the merchant</a>' if cancel else ""
    )
    if not choices:
        status = f"<p>This payment is finished: {html.escape(payment['status'])}.</p>"
        return f'<div class="card">{notice}{status}{back}</div>'
    chosen = typed.get("verb", choices[0].verb)
    radios = "".join(_choice(choice, checked=choice.verb == chosen) for choice in choices)
    amount = _amount(typed.get("amount", _whole(payment)), wrong) if _asks(choices) else ""
    return (
        f'<form class="card" method="post" novalidate>{notice}'
        f"<fieldset><legend>What should happen?</legend>{radios}</fieldset>{amount}"
        f'<button class="pay" type="submit">Continue</button>{back}'
        '<p class="test">Test mode: no money moves.</p></form>'
    )


def _whole(payment: JsonObject) -> str:
    return str(payment["extra"].get("page_amount", payment["amount"]))


def _asks(choices: Sequence[Choice]) -> bool:
    return any(choice.amount for choice in choices)


def _choice(choice: Choice, *, checked: bool) -> str:
    name = f"verb-{choice.verb}"
    described = f' aria-describedby="{name}-hint"' if choice.hint else ""
    hint = f'<p class="hint" id="{name}-hint">{html.escape(choice.hint)}</p>' if choice.hint else ""
    return (
        f'<div class="choice"><input type="radio" id="{name}" name="verb" value="{choice.verb}"'
        f"{' checked' if checked else ''}{described}>"
        f'<label for="{name}">{html.escape(choice.label)}</label></div>{hint}'
    )


def _amount(value: str, wrong: str) -> str:
    described, marks, error = "amount-hint", "", ""
    if wrong:
        described = "amount-wrong amount-hint"
        marks = ' aria-invalid="true" autofocus'
        error = f'<p class="wrong" id="amount-wrong">{html.escape(wrong)}</p>'
    return (
        '<div class="field"><label for="amount">Amount that is sent</label>'
        f'<input id="amount" name="amount" inputmode="decimal" autocomplete="off"'
        f' value="{html.escape(value)}" aria-describedby="{described}"{marks}>{error}'
        '<p class="hint" id="amount-hint">Used by the outcomes that say so.</p></div>'
    )
