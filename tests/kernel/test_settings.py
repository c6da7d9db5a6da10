"""A wrong variable is named, with what to write there."""

from __future__ import annotations

import pytest

from kernel import settings
from kernel.settings import SettingsError

GOOD = {
    "MARQUE_SECRET_KEY": "x" * 40,
    "DATABASE_URL": "postgresql://u:p@127.0.0.1/marque",
    "REDIS_URL": "redis://127.0.0.1/0",
    "SMTP_URL": "smtp://127.0.0.1:25",
}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MARQUE_SECRET_KEY", "short"),
        ("DATABASE_URL", "mysql://x"),
        ("REDIS_URL", ""),
        ("SMTP_URL", "nonsense"),
        ("MARQUE_PORT", "eighty"),
        ("MARQUE_DOMAIN", "example.com:8000"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str) -> None:
    """The first word of the error is the variable."""
    with pytest.raises(SettingsError) as error:
        settings.load({**GOOD, variable: value})

    assert str(error.value).startswith(f"{variable}: ")
    assert error.value.variable == variable


def test_secrets_stay_out_of_the_settings_text() -> None:
    """Settings may be printed in a trace."""
    loaded = settings.load({**GOOD, "S3_SECRET_KEY": "hidden-key-1", "S3_ENDPOINT_URL": "http://s"})

    for secret in ("x" * 40, "hidden-key-1", "u:p@"):
        assert secret not in repr(loaded)
