"""Decoding of form-encoded parameters with brackets, and typed reading of them."""

import re
from typing import Any
from urllib.parse import parse_qsl

from connectors.payments.simulator.errors import ApiError, missing_parameter

KEY_PART = re.compile(r"\[([^\]]*)\]")
FIELDS_MAX = 2000


def decode(text: str) -> dict[str, Any]:
    """Turn `a[b][0]=c` pairs into nested dicts and lists.

    Raises ApiError(400) when there are too many fields or a key contradicts another.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise ApiError(400, f"More than {FIELDS_MAX} parameters were sent.") from None
    tree: dict[str, Any] = {}
    for key, value in pairs:
        head, bracket, _ = key.partition("[")
        parts = [head, *KEY_PART.findall(key[len(head) :])] if bracket else [key]
        _place(tree, parts, value, key)
    return {key: _lists(value) for key, value in tree.items()}


def _place(tree: dict[str, Any], parts: list[str], value: str, key: str) -> None:
    node = tree
    for index, part in enumerate(parts):
        name = part or str(len(node))
        if index == len(parts) - 1:
            node[name] = value
            return
        child = node.setdefault(name, {})
        if not isinstance(child, dict):
            raise ApiError(400, f"Invalid parameter: {key}", param=key)
        node = child


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isascii() and key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(child) for key, child in value.items()}


def allow_only(parameters: dict[str, Any], known: set[str]) -> None:
    """Refuse parameters the API does not know, as the provider does."""
    for name in parameters:
        if name not in known:
            raise ApiError(
                400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name
            )


def text(parameters: dict[str, Any], name: str, *, length_max: int = 5000) -> str | None:
    """Return a string parameter, or None when absent or empty."""
    value = parameters.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ApiError(400, f"Invalid string: {name} must be a string", param=name)
    if len(value) > length_max:
        raise ApiError(
            400, f"Invalid string: {name} must be at most {length_max} characters", param=name
        )
    return value


def required_text(parameters: dict[str, Any], name: str, *, length_max: int = 5000) -> str:
    """Return a string parameter, or raise the error for a missing one."""
    value = text(parameters, name, length_max=length_max)
    if value is None:
        raise missing_parameter(name)
    return value


def integer(parameters: dict[str, Any], name: str, *, param: str | None = None) -> int | None:
    """Return a whole-number parameter, or None when absent."""
    value = parameters.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ApiError(
            400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=param or name
        )
    return int(value)


def choice(parameters: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    """Return a parameter that must be one of a few words, or None when absent."""
    value = text(parameters, name)
    if value is not None and value not in allowed:
        raise ApiError(400, f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
    return value


def boolean(parameters: dict[str, Any], name: str) -> bool | None:
    """Return a true/false parameter, or None when absent."""
    value = choice(parameters, name, ("true", "false"))
    return None if value is None else value == "true"


def strings(parameters: dict[str, Any], name: str) -> list[str]:
    """Return a list of strings, empty when absent."""
    value = parameters.get(name)
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ApiError(400, "Invalid array", param=name)
    return value


def mapping(parameters: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a nested object, empty when absent."""
    value = parameters.get(name)
    if value is None or value == "":
        return {}
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict):
        raise ApiError(400, "Invalid object", param=name)
    return value


def metadata(parameters: dict[str, Any], name: str = "metadata") -> dict[str, str]:
    """Return metadata: at most 50 keys of 40 characters, values of 500."""
    found = mapping(parameters, name)
    if len(found) > 50:
        raise ApiError(400, "Metadata can have at most 50 keys.", param=name)
    for key, value in found.items():
        if len(key) > 40 or not isinstance(value, str) or len(value) > 500:
            raise ApiError(
                400,
                "Metadata keys have at most 40 characters and values are strings of at most 500.",
                param=f"{name}[{key}]",
            )
    return found
