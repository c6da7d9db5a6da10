"""Errors in the shape the API gives them to its callers."""

from typing import Any


class ApiError(Exception):
    """A refusal of one API request, rendered as `{"error": {...}}`.

    `executed` says that work had begun when it was raised: such an outcome is kept in the
    database and replayed under its idempotency key, while refused parameters are not.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
        **more: Any,
    ) -> None:
        """Keep the parts of the reply."""
        super().__init__(message)
        self.status = status
        self.executed = executed
        self.body: dict[str, Any] = {"type": kind, "message": message}
        if code is not None:
            self.body["code"] = code
            self.body["doc_url"] = "https://stripe.com/docs/error-codes/" + code.replace("_", "-")
        if param is not None:
            self.body["param"] = param
        self.body.update(more)


def missing_parameter(param: str) -> ApiError:
    """Return the error for a required parameter that was not sent."""
    return ApiError(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(noun: str, object_id: str, *, param: str | None = "id", status: int = 404) -> ApiError:
    """Return the error for an id that this account does not have."""
    return ApiError(status, f"No such {noun}: '{object_id}'", code="resource_missing", param=param)
