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
    pending="sale/none|sale/pending|sale/pending_async|sale/authorized|authorize/pending"
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
_PAYSAFE = _states(
    pending="PROCESSING|PENDING", succeeded="COMPLETED", failed="FAILED", cancelled="CANCELLED"
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
    ("fintech360", ""): _PRAXIS,
    ("space_app", ""): _PRAXIS,
    ("bridgerpay", ""): _states(
        pending="preauth",
        succeeded="approved|capture",
        failed="declined",
        cancelled="void",
        refunded="refunded",
        held="partly_refunded",
        ignored="cashier.session.init|cashier.session.close",
    ),
    ("bridgerpay", "query"): _states(
        pending="init|in_process|pending|authorized",
        succeeded="approved",
        failed="declined",
        refunded="refunded",
        held="partly_refunded",
    ),
    ("payneteasy", ""): _states(
        pending="processing|unknown", succeeded="approved", failed="declined|error|filtered"
    ),
    ("hyperswitch", ""): _states(
        pending="payment_processing|payment_authorized|action_required",
        succeeded="payment_succeeded|payment_captured",
        failed="payment_failed",
        cancelled="payment_cancelled",
        refunded="refund_succeeded",
        chargeback="dispute_opened|dispute_lost",
        ignored="refund_failed|dispute_won|dispute_expired|dispute_accepted|dispute_cancelled"
        "|dispute_challenged|mandate_active|mandate_revoked",
    ),
    ("hyperswitch", "query"): _states(
        pending="requires_payment_method|requires_confirmation|requires_customer_action"
        "|requires_merchant_action|requires_capture|processing",
        succeeded="succeeded",
        failed="failed",
        cancelled="cancelled|expired",
        held="partially_captured|partially_captured_and_capturable",
    ),
    ("hyperswitch", "refund"): _states(
        pending="pending|review", refunded="succeeded", failed="failed"
    ),
    ("paypal", ""): _states(
        pending="CHECKOUT.ORDER.APPROVED|CHECKOUT.ORDER.PROCESSED|PAYMENT.CAPTURE.PENDING",
        succeeded="PAYMENT.CAPTURE.COMPLETED",
        failed="PAYMENT.CAPTURE.DECLINED|PAYMENT.CAPTURE.DENIED",
        refunded="PAYMENT.CAPTURE.REFUNDED|PAYMENT.CAPTURE.REVERSED",
        chargeback="CUSTOMER.DISPUTE.CREATED|RISK.DISPUTE.CREATED",
        ignored="CHECKOUT.ORDER.COMPLETED|CUSTOMER.DISPUTE.UPDATED|CUSTOMER.DISPUTE.RESOLVED",
    ),
    ("paypal", "confirm"): _states(
        pending="PENDING",
        succeeded="COMPLETED",
        failed="DECLINED|FAILED|DENIED",
        refunded="REFUNDED",
        held="PARTIALLY_REFUNDED",
    ),
    ("paypal", "query"): _states(
        pending="CREATED|SAVED|APPROVED|PAYER_ACTION_REQUIRED",
        succeeded="COMPLETED",
        cancelled="VOIDED",
    ),
    ("paypal", "refund"): _states(
        pending="PENDING", refunded="COMPLETED", failed="FAILED", cancelled="CANCELLED"
    ),
    ("neteller", ""): _states(
        pending="PAYMENT_HANDLE_INITIATED|PAYMENT_HANDLE_PAYABLE|PAYMENT_HANDLE_PROCESSING"
        "|PAYMENT_HANDLE_COMPLETED|PAYMENT_PROCESSING|PAYMENT_PENDING",
        succeeded="PAYMENT_COMPLETED",
        failed="PAYMENT_HANDLE_FAILED|PAYMENT_HANDLE_ERROR|PAYMENT_FAILED",
        cancelled="PAYMENT_HANDLE_EXPIRED|PAYMENT_CANCELLED",
    ),
    ("neteller", "confirm"): _PAYSAFE,
    ("neteller", "query"): _PAYSAFE,
    ("neteller", "refund"): _states(
        pending="PROCESSING|PENDING", refunded="COMPLETED", failed="FAILED", cancelled="CANCELLED"
    ),
    ("checkout_com", ""): _states(
        pending="payment_approved|payment_pending|payment_retry_scheduled|card_verified",
        succeeded="payment_captured",
        failed="payment_declined|payment_capture_declined",
        cancelled="payment_canceled|payment_expired|payment_voided",
        refunded="payment_refunded",
        chargeback="dispute_received",
    ),
    ("checkout_com", "query"): _states(
        pending="Authorized|Pending|Retry Scheduled|Card Verified",
        succeeded="Captured",
        failed="Declined",
        cancelled="Canceled|Expired|Voided",
        refunded="Refunded",
        held="Partially Captured|Partially Refunded",
    ),
    ("mercado_pago", "query"): _states(
        pending="pending|in_process|authorized|in_mediation",
        succeeded="approved",
        failed="rejected",
        cancelled="cancelled",
        refunded="refunded",
        chargeback="charged_back",
    ),
    ("mercado_pago", "refund"): _states(
        pending="in_process", refunded="approved", failed="rejected"
    ),
    ("razorpay", ""): _states(
        succeeded="payment_link.paid",
        held="payment_link.partially_paid",
        cancelled="payment_link.cancelled|payment_link.expired",
        failed="payment.failed",
        chargeback="payment.dispute.created",
        refunded="refund.processed",
        ignored="payment.authorized|payment.captured|order.paid",
    ),
    ("razorpay", "query"): _states(
        pending="created", succeeded="paid", held="partially_paid", cancelled="cancelled|expired"
    ),
    ("razorpay", "refund"): _states(pending="pending", refunded="processed", failed="failed"),
    ("ebanx", "query"): _states(pending="OP|PE", succeeded="CO", cancelled="CA"),
    ("mpesa", ""): _states(succeeded="0", cancelled="1032", failed="1|1037|2001"),
    ("btcpay", ""): _states(
        pending="InvoiceCreated|InvoiceReceivedPayment|InvoiceProcessing|InvoicePaymentSettled",
        succeeded="InvoiceSettled",
        cancelled="InvoiceExpired",
        failed="InvoiceInvalid",
    ),
    ("btcpay", "query"): _states(
        pending="New/None|Processing/None",
        succeeded="Settled/None",
        cancelled="Expired/None",
        failed="Invalid/None",
        held="New/PaidPartial|Processing/PaidOver|Processing/PaidLate|Settled/PaidOver"
        "|Settled/PaidLate|Settled/Marked|Expired/PaidPartial|Expired/PaidLate|Invalid/Marked",
    ),
    ("btcpay", "withdraw"): _states(
        pending="AwaitingApproval|AwaitingPayment|InProgress",
        succeeded="Completed",
        cancelled="Cancelled",
    ),
    ("coinbase_commerce", ""): _states(
        pending="charge:created|charge:pending",
        succeeded="charge:confirmed",
        failed="charge:failed",
        held="charge:delayed|charge:resolved",
    ),
    ("coinbase_commerce", "query"): _states(
        pending="NEW|SIGNED|PENDING",
        succeeded="COMPLETED",
        cancelled="EXPIRED|CANCELED",
        held="UNRESOLVED|RESOLVED",
    ),
    ("coinpayments", ""): _states(
        pending="0|1|3|5", succeeded="100|2", cancelled="-1", refunded="-2"
    ),
    ("coinpayments", "withdraw"): _states(pending="0|1", succeeded="2", cancelled="-1"),
    ("coinspaid", ""): _states(
        pending="not_confirmed|processing", succeeded="confirmed", cancelled="cancelled"
    ),
    ("coinspaid", "withdraw"): _states(
        pending="processing", succeeded="confirmed", cancelled="cancelled"
    ),
    ("cryptopay", ""): _states(
        pending="new",
        succeeded="completed",
        held="unresolved",
        refunded="refunded",
        cancelled="cancelled",
    ),
    ("cryptopay", "withdraw"): _states(
        pending="new|pending|processing|on_hold",
        succeeded="completed",
        failed="failed|refused",
        cancelled="cancelled",
    ),
    ("match2pay", ""): _states(
        pending="NEW|PENDING|IN_PROGRESS",
        succeeded="DONE",
        failed="FAILED|ERROR",
        cancelled="EXPIRED",
    ),
    ("help2pay", ""): _states(
        pending="006|009", succeeded="000", failed="001|007", cancelled="008"
    ),
}

# Where a provider's number of decimals is its own; everything else follows ISO 4217.
_PRAXIS_DECIMALS = dict.fromkeys(
    ("JPY", "CLP", "KRW", "VND", "BHD", "IQD", "JOD", "LYD", "OMR", "TND"), 0
)
EXPONENTS: dict[str, dict[str, int]] = {
    **dict.fromkeys(("praxis", "fintech360", "space_app"), _PRAXIS_DECIMALS),
    **dict.fromkeys(("vpg", "examplepay"), dict.fromkeys(("UGX", "JPY", "KRW", "CLP"), 2)),
    "adyen": {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2},
    "stripe": {"ISK": 2, "UGX": 2},
    "paypal": {"HUF": 0, "JPY": 0, "TWD": 0},
}

# More names of coins that come in: Match2Pay has one for each chain.
ALIASES: dict[str, dict[str, str]] = {
    "match2pay": {
        **dict.fromkeys(("USX", "UST", "USB", "USP", "USS"), "USDT"),
        **dict.fromkeys(("UCC", "UCB", "UCS"), "USDC"),
    }
}

# What a payer sees first.
_REDIRECTS = (
    *("praxis", "fintech360", "space_app", "vpg", "examplepay", "skrill", "adyen", "nuvei"),
    *("nowpayments", "stripe", "bridgerpay", "payneteasy", "hyperswitch", "paypal", "neteller"),
    *("checkout_com", "razorpay", "ebanx", "btcpay", "coinbase_commerce", "cryptopay"),
    "match2pay",
)
SHOWS: dict[str, str] = {
    **dict.fromkeys(_REDIRECTS, "redirect"),
    **dict.fromkeys(("coinpayments", "coinspaid"), "address"),
    "bank_wire": "instructions",
    "help2pay": "form_post",
    "mercado_pago": "qr",
    "mpesa": "push",
    "paymentiq": "inverted",
}

# The ways to pay of each provider: our name, and the provider's code for it.
METHODS: dict[str, dict[str, str]] = {
    **{
        name: {"cashier": ""}
        for name in ("praxis", "fintech360", "space_app", "bridgerpay", "paymentiq")
    },
    "vpg": {},
    "payneteasy": {},
    "examplepay": {"card": "", "pix": "xprowirelatam-pix", "upi": "vpayapp_upi"},
    "skrill": {"wallet": ""},
    "adyen": {"link": ""},
    "nuvei": {"card_page": "cc_card", "neteller": "apmgw_Neteller"},
    "nowpayments": {"usdt_trc20": "usdttrc20", "btc": "", "eth": ""},
    "stripe": {"checkout": ""},
    "bank_wire": {"wire": ""},
    "hyperswitch": {"link": ""},
    "paypal": {"paypal": ""},
    "neteller": {"neteller": ""},
    "checkout_com": {"hosted": ""},
    "razorpay": {"upi": ""},
    "ebanx": {"pix": "", "boleto": "", "spei": ""},
    "mercado_pago": {"pix": ""},
    "mpesa": {"stk": ""},
    "btcpay": {"btc": "BTC", "lightning": "BTC-LN"},
    "coinbase_commerce": {"crypto": ""},
    "coinpayments": {"btc": "BTC", "usdt_trc20": "USDT.TRC20"},
    "coinspaid": {"btc": "BTC", "usdt_trc20": "USDTT"},
    "cryptopay": {"btc": "BTC", "usdt": "USDT"},
    "match2pay": {"usdt_trc20": "USX", "usdt_erc20": "UST", "btc": "BTC"},
    "help2pay": {
        "vietqr": "VIETQR",
        "qris": "QRIS",
        "maybank": "MBB",
        "vietcombank": "VCB",
        "bca": "BCA",
    },
}
