"""What goes wrong between us and a payment provider, whichever way it is reached.

The words of the calls themselves are in `connectors.payments.engine.port`.
"""


class PaymentError(Exception):
    """The base of everything a payment provider raises; its text holds no secrets."""


class PaymentRefused(PaymentError):
    """The provider answered with a definite no: no payment exists for this key."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the provider's code and its text, which may be shown to staff."""
        super().__init__(f"The payment provider refused: {code} {text}".rstrip())
        self.code = code
        self.text = text


class PaymentUnknown(PaymentError):
    """The outcome is unknown; the same call with the same idempotency key is safe to repeat."""


class CredentialsRefused(PaymentRefused):
    """The provider does not accept the key: ask for the account's current secret key."""


class SignatureRefused(PaymentError):
    """A webhook is not from the provider, or too old: nothing in it may be believed."""
