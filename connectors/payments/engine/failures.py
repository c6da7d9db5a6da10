"""What can go wrong in the engine, each with words that say what to do."""

from connectors.payments.port import PaymentError, PaymentRefused, SignatureRefused


class DefinitionInvalid(PaymentError):
    """A provider file can't be used: the text names the file, the field and what to do."""

    def __init__(self, file: str, field: str, advice: str) -> None:
        """Keep where it is wrong apart from what to do about it."""
        super().__init__(f"{file}: {field}: {advice}")
        self.file = file
        self.field = field
        self.advice = advice


class ProviderUnknown(PaymentError):
    """There is no provider file of this name."""


class ValueMissing(PaymentError):
    """Something that a request or a signature needs was not given; `path` names it."""

    def __init__(self, path: str) -> None:
        """Name what is missing; a value is never repeated."""
        super().__init__(f"{path} is missing.")
        self.path = path


class ValueUnusable(PaymentError):
    """A value is there but can't be what the definition takes it for."""


class OrderRefused(PaymentRefused):
    """The order can't be sent to this provider as it stands: nothing was sent."""


class EgressForbidden(PaymentError):
    """A request would leave for a host that the provider's file does not declare."""


class CallbackRefused(SignatureRefused):
    """A callback is not believed. `reason` is one stable word, the text says more."""

    def __init__(self, reason: str, text: str) -> None:
        """Keep the word for counters and the sentence for people; neither holds secrets."""
        super().__init__(text)
        self.reason = reason


class CertificateNeeded(PaymentError):
    """The signature is to be checked with the certificate at `url`, whose host is a pinned one."""

    def __init__(self, url: str) -> None:
        """Keep where the certificate is."""
        super().__init__("The provider's certificate has to be fetched first.")
        self.url = url
