"""The API's requests on webhook endpoints."""

import time
from typing import Any

from connectors.payments.simulator import forms, targets
from connectors.payments.simulator.errors import ApiError, missing_parameter
from connectors.payments.simulator.events import API_VERSION
from connectors.payments.simulator.store import JsonObject, Store, new_id

ENDPOINTS_MAX = 16


def create(store: Store, account: str, parameters: dict[str, Any]) -> JsonObject:
    """Register an address for events; only this reply carries its signing secret."""
    forms.allow_only(
        parameters, {"url", "enabled_events", "description", "metadata", "api_version"}
    )
    wanted = forms.strings(parameters, "enabled_events")
    url = _address(forms.required_text(parameters, "url"))
    if not wanted:
        raise missing_parameter("enabled_events")
    if len(store.everything(account, "webhook_endpoint")) >= ENDPOINTS_MAX:
        raise ApiError(400, f"You have reached the maximum of {ENDPOINTS_MAX} webhook endpoints.")
    endpoint: JsonObject = {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": forms.text(parameters, "api_version") or API_VERSION,
        "application": None,
        "created": int(time.time()),
        "description": forms.text(parameters, "description"),
        "enabled_events": wanted,
        "livemode": False,
        "metadata": forms.metadata(parameters),
        "status": "enabled",
        "url": url,
    }
    secret = new_id("whsec", 32)
    store.put(account, endpoint)
    store.save_endpoint_secret(endpoint["id"], secret)
    return {**endpoint, "secret": secret}


def _address(url: str) -> str:
    try:
        targets.parse(url)
    except ValueError as error:
        raise ApiError(400, f"Invalid URL: {error}", code="url_invalid", param="url") from None
    return url


def update(
    store: Store, account: str, endpoint: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Change an endpoint's address, events, words, or switch it off."""
    forms.allow_only(parameters, {"url", "enabled_events", "description", "metadata", "disabled"})
    url = forms.text(parameters, "url")
    if url is not None:
        endpoint["url"] = _address(url)
    endpoint["enabled_events"] = (
        forms.strings(parameters, "enabled_events") or endpoint["enabled_events"]
    )
    if "description" in parameters:
        endpoint["description"] = forms.text(parameters, "description")
    endpoint["metadata"] |= forms.metadata(parameters)
    disabled = forms.boolean(parameters, "disabled")
    if disabled is not None:
        endpoint["status"] = "disabled" if disabled else "enabled"
    store.put(account, endpoint)
    return endpoint


def delete(
    store: Store, account: str, endpoint: JsonObject, parameters: dict[str, Any]
) -> JsonObject:
    """Forget an endpoint; deliveries still open to it are dropped."""
    forms.allow_only(parameters, set())
    del account
    store.remove(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
