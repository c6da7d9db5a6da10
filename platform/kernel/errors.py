"""The base of all errors a person may meet, with the words and status they are shown."""

from __future__ import annotations

from kernel.language import gettext, marked


class ProductError(Exception):
    """An expected failure: a stable code, an HTTP status and a message that says what to do.

    Subclasses stand beside the function that raises them and are named for the state.
    Details are kept as attributes and are never shown or logged by themselves.
    """

    code = "error"
    status = 400
    message = marked("The request can't be carried out.")

    def __init__(self, message: str | None = None, **details: object) -> None:
        """Keep the message for the person and the details for the code that catches it."""
        self.text = message or gettext(self.message)
        self.details = details
        self.fields: dict[str, str] = {}
        super().__init__(self.text)


class NotFound(ProductError):
    """The thing does not exist, or belongs to somebody else, which is answered alike."""

    code = "not_found"
    status = 404
    message = marked("There is nothing at this address.")


class Forbidden(ProductError):
    """The signed-in person lacks the permission."""

    code = "forbidden"
    status = 403
    message = marked("Your role does not allow this. Ask an administrator of your brokerage.")


class Unauthenticated(ProductError):
    """Nobody is signed in, or the session has ended."""

    code = "unauthenticated"
    status = 401
    message = marked("Sign in to continue.")


class ConfirmationNeeded(ProductError):
    """What is asked for needs a fresh proof of who is asking."""

    code = "confirmation_needed"
    status = 403
    message = marked("Confirm that it is you to go on.")


class Conflict(ProductError):
    """The state of the thing has moved on since it was read."""

    code = "conflict"
    status = 409
    message = marked("This has changed in the meantime. Reload the page and try again.")


class TooManyRequests(ProductError):
    """A limit was reached; `seconds` says when to try again."""

    code = "too_many_requests"
    status = 429
    message = marked("Too many attempts. Wait a moment and try again.")

    def __init__(self, seconds: int, message: str | None = None) -> None:
        """Remember after how many seconds a new attempt makes sense."""
        super().__init__(message)
        self.seconds = seconds


class InvalidInput(ProductError):
    """What was typed can't be used; `fields` names each field and what to do."""

    code = "invalid_input"
    status = 422
    message = marked("Some fields need your attention.")

    def __init__(self, fields: dict[str, str], message: str | None = None) -> None:
        """Keep one sentence per field."""
        super().__init__(message)
        self.fields = fields
