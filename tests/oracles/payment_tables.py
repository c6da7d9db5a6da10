"""Providers' statuses and decimals as their prose has them, apart from our files.

STATUSES is by (provider, operation); the empty operation is the callback's. Taken from the tables
of payments.md and the pages that it names.
"""

from __future__ import annotations


def _states(**words: str) -> dict[str, str]:
    """Spread `succeeded="A|B"` to a word's state."""
    return {word: state for state, some in words.items() for word in some.split("|")}


_VPG = _states(
    pending="redirect/success|redirect/undefined|3ds/success|3ds/undefined|sale/waiting"
    "|sale/undefined|debit/waiting|debit/undefined|transfer/waiting|transfer/undefined"
    "|capture/waiting|capture/undefined",
    succeeded="sale/success|debit/success|transfer/success|capture/success",
    failed="sale/fail|debit/fail|transfer/fail|capture/fail",
    cancelled="void/success",
    refunded="refund/success",
    chargeback="chargeback/success",
    ignored="refund/waiting|refund/undefined|refund/fail|void/waiting|void/undefined|void/fail"
    "|recurring/success|recurring/fail|recurring/waiting|recurring/undefined",
)
_VPG_STATUS = _states(
    pending="prepare|pending|3ds|redirect",
    succeeded="settled",
    failed="decline",
    cancelled="void",
    refunded="refund|reversal",
    chargeback="chargeback",
)
_PRAXIS = _states(
    pending="sale/pending|sale/pending_async|sale/authorized|authorize/pending"
    "|authorize/pending_async|authorize/authorized|payout/requested|payout/pending_async"
    "|payout/authorized|payout/in progress",
    succeeded="sale/approved|payout/approved",
    failed="sale/declined|sale/rejected|sale/error|authorize/rejected|authorize/error"
    "|payout/rejected|payout/error",
    cancelled="sale/cancelled|authorize/cancelled",
    refunded="sale/reversed|payout/reversed|refund/approved",
    chargeback="sale/chargeback",
)
_NOWPAYMENTS = _states(
    pending="waiting|confirming|confirmed|sending",
    succeeded="finished",
    held="partially_paid",
    failed="failed",
    cancelled="expired",
    refunded="refunded",
)

STATUSES: dict[tuple[str, str], dict[str, str]] = {
    ("praxis", ""): _PRAXIS,
    ("vpg", ""): _VPG,
    ("vpg", "query"): _VPG_STATUS,
    ("vpg", "refund"): _states(pending="accepted"),
    ("examplepay", ""): _VPG,
    ("examplepay", "query"): _VPG_STATUS,
    ("examplepay", "refund"): _states(pending="accepted"),
    ("skrill", ""): _states(
        pending="0|1", succeeded="2", failed="-2", cancelled="-1|-4", chargeback="-3"
    ),
    ("adyen", ""): _states(
        pending="PENDING/true|PENDING/false",
        succeeded="AUTHORISATION/true",
        failed="AUTHORISATION/false|CAPTURE_FAILED/true",
        cancelled="CANCELLATION/true",
        refunded="REFUND/true",
        chargeback="CHARGEBACK/true|NOTIFICATION_OF_CHARGEBACK/true|SECOND_CHARGEBACK/true",
        ignored="CAPTURE/true|CAPTURE/false|CANCELLATION/false|REFUND/false"
        "|REPORT_AVAILABLE/true|OFFER_CLOSED/true",
    ),
    ("adyen", "query"): _states(
        pending="active|paymentPending", succeeded="completed", cancelled="expired"
    ),
    ("adyen", "refund"): _states(pending="received"),
    ("nuvei", ""): _states(
        pending="PENDING|PROCESSING|REDIRECT", succeeded="APPROVED", failed="DECLINED|ERROR"
    ),
    ("nuvei", "refund"): _states(
        pending="PENDING|PROCESSING", refunded="APPROVED", failed="DECLINED|ERROR"
    ),
    ("nowpayments", ""): _NOWPAYMENTS,
    ("stripe", ""): _states(
        pending="checkout.session.completed/unpaid|payment_intent.processing/none"
        "|payment_intent.requires_action/none",
        succeeded="checkout.session.completed/paid"
        "|checkout.session.completed/no_payment_required"
        "|checkout.session.async_payment_succeeded/paid",
        failed="checkout.session.async_payment_failed/unpaid",
        cancelled="checkout.session.expired/unpaid|payment_intent.canceled/none",
        refunded="charge.refunded/none",
        chargeback="charge.dispute.created/none",
        ignored="payment_intent.payment_failed/none|payment_intent.succeeded/none"
        "|payment_intent.created/none",
    ),
    ("bank_wire", ""): _states(pending="PDNG|INFO", succeeded="BOOK", refunded="RVSL"),
}

# Where a provider's number of decimals is its own; everything else follows ISO 4217.
EXPONENTS: dict[str, dict[str, int]] = {
    "praxis": dict.fromkeys(
        ("JPY", "CLP", "KRW", "VND", "BHD", "IQD", "JOD", "LYD", "OMR", "TND"), 0
    ),
    "adyen": {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2},
    "stripe": {"ISK": 2, "UGX": 2},
}

# What a payer sees first.
SHOWS: dict[str, str] = {
    **dict.fromkeys(
        ("praxis", "vpg", "examplepay", "skrill", "adyen", "nuvei", "nowpayments", "stripe"),
        "redirect",
    ),
    "bank_wire": "instructions",
}

# The ways to pay of each provider: our name, and the provider's code for it.
METHODS: dict[str, dict[str, str]] = {
    "praxis": {"cashier": ""},
    "vpg": {},
    "examplepay": {"card": "", "pix": "xprowirelatam-pix", "upi": "vpayapp_upi"},
    "skrill": {"wallet": ""},
    "adyen": {"link": ""},
    "nuvei": {"card_page": "cc_card", "neteller": "apmgw_Neteller"},
    "nowpayments": {"usdt_trc20": "usdttrc20", "btc": "", "eth": ""},
    "stripe": {"checkout": ""},
    "bank_wire": {"wire": ""},
}
