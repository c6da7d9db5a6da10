"""The API's requests on products and prices, and what a price means on a checkout session.

Source: docs.stripe.com/api/products, /prices; one-time and recurring prices are kept, tiers are
not. A price's amount never changes: only `active`, `metadata`, `nickname` and `lookup_key` do.
"""

import time
from typing import Any

from connectors.payments.simulator import currencies, events, forms
from connectors.payments.simulator.errors import ApiError, missing_parameter, no_such
from connectors.payments.simulator.store import JsonObject, Store, new_id

PRODUCT_KNOWN = {"name", "description", "metadata", "active", "id", "default_price"}
PRICE_KNOWN = {
    "currency", "unit_amount", "product", "product_data", "recurring", "metadata", "active",
    "nickname", "lookup_key", "tax_behavior", "billing_scheme", "transfer_lookup_key",
}  # fmt: skip
PRICE_CHANGES = {"metadata", "active", "nickname", "lookup_key", "tax_behavior"}
INTERVALS = ("day", "week", "month", "year")


def _product(name: str, metadata: dict[str, str], product_id: str | None) -> JsonObject:
    moment = int(time.time())
    return {
        "id": product_id or new_id("prod", 14),
        "object": "product",
        "active": True,
        "created": moment,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": metadata,
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": moment,
        "url": None,
    }


def create_product(store: Store, account: str, parameters: dict[str, Any]) -> JsonObject:
    """Create a product. Raises ApiError(400)."""
    forms.allow_only(parameters, PRODUCT_KNOWN - {"default_price"})
    wanted = forms.text(parameters, "id")
    if wanted and store.owner(wanted) is not None:
        raise ApiError(400, "Product already exists.", code="resource_already_exists", param="id")
    product = _product(forms.required_text(parameters, "name"), forms.metadata(parameters), wanted)
    product["description"] = forms.text(parameters, "description")
    product["active"] = forms.boolean(parameters, "active") is not False
    store.put(account, product)
    events.record(store, account, "product.created", product)
    return product


def update_product(
    store: Store, account: str, product: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Change a product's words, metadata or whether it is sold."""
    forms.allow_only(parameters, PRODUCT_KNOWN - {"id"})
    for name in ("name", "description", "default_price"):
        if name in parameters:
            product[name] = forms.text(parameters, name)
    _change(product, parameters)
    product["updated"] = int(time.time())
    store.put(account, product)
    events.record(store, account, "product.updated", product)
    return product


def _change(thing: JsonObject, parameters: dict[str, Any]) -> None:
    active = forms.boolean(parameters, "active")
    if active is not None:
        thing["active"] = active
    merged = {**thing["metadata"], **forms.metadata(parameters)}
    thing["metadata"] = {key: value for key, value in merged.items() if value != ""}


def create_price(store: Store, account: str, parameters: dict[str, Any]) -> JsonObject:
    """Create a price of a product, which may be made with it. Raises ApiError(400)."""
    forms.allow_only(parameters, PRICE_KNOWN)
    currency = currencies.checked(forms.text(parameters, "currency"))
    amount = forms.integer(parameters, "unit_amount")
    if amount is None:
        raise missing_parameter("unit_amount")
    if amount < 0:
        raise ApiError(400, "This value can't be negative.", param="unit_amount")
    data = forms.mapping(parameters, "product_data")
    product_id = forms.text(parameters, "product")
    if product_id is None and not data:
        raise missing_parameter("product")
    if product_id is None:
        name = forms.required_text(data, "name")
        product = _product(name, forms.metadata(data), None)
        store.put(account, product)
        events.record(store, account, "product.created", product)
        product_id = product["id"]
    found = store.get(account, str(product_id))
    if found is None or found["object"] != "product":
        raise no_such("product", str(product_id), param="product", status=400)
    price = blank(currency, amount, str(product_id)) | {
        "active": forms.boolean(parameters, "active") is not False,
        "lookup_key": forms.text(parameters, "lookup_key"),
        "metadata": forms.metadata(parameters),
        "nickname": forms.text(parameters, "nickname"),
    }
    recurring = forms.mapping(parameters, "recurring")
    if recurring:
        price |= {"recurring": _recurring(recurring), "type": "recurring"}
    store.put(account, price)
    events.record(store, account, "price.created", price)
    return price


def _recurring(sent: dict[str, Any]) -> JsonObject:
    interval = forms.choice(sent, "interval", INTERVALS)
    if interval is None:
        raise missing_parameter("recurring[interval]")
    return {
        "interval": interval,
        "interval_count": forms.integer(sent, "interval_count") or 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def blank(currency: str, amount: int, product: str) -> JsonObject:
    """Return a one-time price."""
    return {
        "id": new_id("price"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": int(time.time()),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def update_price(
    store: Store, account: str, price: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Change what may change of a price: never its amount or currency."""
    forms.allow_only(parameters, PRICE_CHANGES)
    for name in ("nickname", "lookup_key"):
        if name in parameters:
            price[name] = forms.text(parameters, name)
    _change(price, parameters)
    store.put(account, price)
    events.record(store, account, "price.updated", price)
    return price


def of_line(store: Store, account: str, price_id: str, param: str) -> tuple[JsonObject, str]:
    """Return the price that a line names and its product's name. Raises ApiError(400)."""
    price = store.get(account, price_id)
    if price is None or price["object"] != "price":
        raise no_such("price", price_id, param=param, status=400)
    if not price["active"]:
        raise ApiError(400, "The price specified is inactive.", param=param)
    if price["type"] != "one_time":
        raise ApiError(400, "You must use a one-time price in payment mode.", param=param)
    product = store.get(account, price["product"])
    return price, str(product["name"]) if product else "Payment"
