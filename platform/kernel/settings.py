"""Settings: one frozen tree read from the environment once, at the start of a process.

Every error names the variable and says what to write there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(Exception):
    """A variable of the environment is missing or can't be used."""

    def __init__(self, variable: str, advice: str) -> None:
        """Name the variable first, so that the reader knows where to look."""
        super().__init__(f"{variable}: {advice}")
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Storage:
    """Where documents are kept: an S3 endpoint, or a folder when no endpoint is given."""

    endpoint: str
    bucket: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str


@dataclass(frozen=True, slots=True)
class Simulators:
    """Addresses of the local counterparts; empty strings where none is running.

    `psp_url` is the base address of every payment provider that is simulated: no two of them
    share a path, so they share one process and one port.
    """

    mt5_url: str
    mt5_login: str
    mt5_password: str = field(repr=False)
    mt5_fingerprint: str
    psp_url: str
    operator_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process reads from outside."""

    data: Path
    port: int
    domain: str
    secret_key: bytes = field(repr=False)
    egress_allow: frozenset[str]
    dns: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    storage: Storage
    smtp_url: str = field(repr=False)
    inbox_url: str
    sms_url: str = field(repr=False)
    rates_url: str
    simulators: Simulators
    https: bool
    quiet_seconds: float

    @property
    def scheme(self) -> str:
        """The scheme people's browsers use."""
        return "https" if self.https else "http"

    def origin(self, host: str) -> str:
        """Return the address of a host of ours as a browser writes it."""
        default = 443 if self.https else 80
        suffix = "" if self.https or self.port == default else f":{self.port}"
        return f"{self.scheme}://{host}{suffix}"


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; raise SettingsError that names the first wrong variable."""
    env = os.environ if environment is None else environment
    secret = env.get("MARQUE_SECRET_KEY", "")
    if len(secret) < 32:
        raise SettingsError("MARQUE_SECRET_KEY", "give at least 32 random characters")
    return Settings(
        data=Path(env.get("MARQUE_DATA", ".marque")).resolve(),
        port=_integer(env, "MARQUE_PORT", 8000),
        domain=_domain(env),
        secret_key=secret.encode(),
        egress_allow=frozenset(filter(None, env.get("MARQUE_EGRESS_ALLOW", "").split(","))),
        dns=env.get("MARQUE_DNS", ""),
        database_url=_address(env, "DATABASE_URL", ("postgresql", "postgres")),
        redis_url=_address(env, "REDIS_URL", ("redis", "rediss")),
        storage=Storage(
            endpoint=env.get("S3_ENDPOINT_URL", ""),
            bucket=env.get("S3_BUCKET", "marque"),
            access_key=env.get("S3_ACCESS_KEY", ""),
            secret_key=env.get("S3_SECRET_KEY", ""),
            region=env.get("S3_REGION", "us-east-1"),
        ),
        smtp_url=_address(env, "SMTP_URL", ("smtp", "smtps")),
        inbox_url=env.get("MARQUE_INBOX_URL", ""),
        sms_url=env.get("SMS_URL", "") and _address(env, "SMS_URL", ("https", "http")),
        rates_url=env.get("MARQUE_RATES_URL", "") and _rates(env),
        simulators=_simulators(env),
        https=env.get("MARQUE_HTTPS", "") == "1",
        quiet_seconds=float(_integer(env, "MARQUE_QUIET_SECONDS", 90)),
    )


def _simulators(env: Mapping[str, str]) -> Simulators:
    return Simulators(
        mt5_url=env.get("MARQUE_SIM_MT5_URL", ""),
        mt5_login=env.get("MARQUE_SIM_MT5_LOGIN", ""),
        mt5_password=env.get("MARQUE_SIM_MT5_PASSWORD", ""),
        mt5_fingerprint=env.get("MARQUE_SIM_MT5_FINGERPRINT", ""),
        psp_url=env.get("MARQUE_SIM_PSP_URL", ""),
        operator_token=env.get("MARQUE_SIM_OPERATOR_TOKEN", ""),
    )


def _integer(env: Mapping[str, str], variable: str, default: int) -> int:
    text = env.get(variable, "")
    if not text:
        return default
    if not text.isdigit():
        raise SettingsError(variable, f"give a whole number, not {text!r}")
    return int(text)


def _rates(env: Mapping[str, str]) -> str:
    """Return an address, or the path of a file where the variable begins with a slash."""
    variable = "MARQUE_RATES_URL"
    written = env[variable]
    return written if written.startswith("/") else _address(env, variable, ("https", "http"))


def _domain(env: Mapping[str, str]) -> str:
    domain = env.get("MARQUE_DOMAIN", "localhost").lower().strip(".")
    if not domain or "/" in domain or ":" in domain:
        raise SettingsError("MARQUE_DOMAIN", "give a host name such as example.com, no port")
    return domain


def _address(env: Mapping[str, str], variable: str, schemes: tuple[str, ...]) -> str:
    address = env.get(variable, "")
    parts = urlsplit(address)
    if parts.scheme not in schemes or not parts.hostname:
        raise SettingsError(variable, f"give an address that starts with {schemes[0]}://")
    return address
