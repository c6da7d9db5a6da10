"""Praxis' signature: lower-hex SHA-384 over values in the order of the page, then the secret.

Source: doc.praxiscashier.com/integration_docs/latest, pages overview/authentication,
cashier_api/cashier, agent_api/find_order, agent_api/manage_withdrawal_request,
webhooks/notification. Null values are skipped. The pages are built on PHP: a number is signed as
PHP writes it, so that the literal `1.000000` is signed as `1`.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

HEADER = "Gt-Authentication"
REQUESTS = {
    "/cashier/cashier": (
        "merchant_id", "application_key", "timestamp", "intent", "cid", "order_id",
    ),
    "/agent/find-order": ("merchant_id", "application_key", "timestamp", "order_id"),
    "/agent/manage-withdrawal-request": (
        "merchant_id", "application_key", "timestamp", "intent", "withdrawal_request_id",
    ),
    # The order of this one is from memory: the page's list was not to be had.
    "/direct/refund": (
        "merchant_id", "application_key", "timestamp", "transaction_type", "cid", "order_id",
        "currency", "amount",
    ),
}  # fmt: skip
NOTIFICATION = (
    "merchant_id", "application_key", "timestamp", "customer.customer_token", "session.order_id",
    "transaction.tid", "transaction.currency", "transaction.amount",
    "transaction.conversion_rate", "transaction.processed_currency",
    "transaction.processed_amount",
)  # fmt: skip
TRANSACTION_REPLY = (
    "status", "timestamp", "transaction.tid", "transaction.transaction_status",
    "transaction.processed_currency", "transaction.processed_amount",
)  # fmt: skip
MERCHANT_REPLY = ("status", "timestamp")


def find(tree: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path; None when a step is missing."""
    value: Any = tree
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _php(value: Any) -> str:
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def digest(secret: str, values: Iterable[Any]) -> str:
    """Return the signature of values in order."""
    message = "".join(_php(value) for value in values if value is not None)
    return hashlib.sha384((message + secret).encode()).hexdigest()


def sign(secret: str, tree: Mapping[str, Any], paths: Iterable[str]) -> str:
    """Return the signature of the values at dotted paths."""
    return digest(secret, (find(tree, path) for path in paths))


def fits(secret: str, tree: Mapping[str, Any], paths: Iterable[str], given: str) -> bool:
    """Return whether a given signature is right; compared in constant time."""
    return hmac.compare_digest(sign(secret, tree, paths).encode(), given.lower().encode())
