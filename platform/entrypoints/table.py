"""The table that closes a start: brands, addresses, logins, inbox and console."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from entrypoints.brands import DEMO
from identity import logins
from identity.logins import Kept
from identity.provisioning import wanted

_PORTAL = {"trader": "trader"}


def text(environment: Mapping[str, str]) -> str:
    """Return the table for the processes' environment."""
    domain, port = environment["MARQUE_DOMAIN"], environment["MARQUE_PORT"]
    known = logins.known(Path(environment["MARQUE_DATA"]))

    def address(host: str) -> str:
        return f"http://{host}.{domain}:{port}/"

    lines = ["", "Marque is running.", ""]
    for brand in DEMO:
        if brand.slug not in known:
            continue
        lines.append(f"{brand.name}")
        for prefix, label in (
            ("www", "public site"),
            ("my", "Trader's Room"),
            ("ib", "Partner portal"),
            ("team", "CRM and Back Office"),
        ):
            lines.append(f"  {label:<22}{address(f'{prefix}.{brand.slug}')}")
        staff = {email: role for role, _, email in wanted(brand.slug, demo=True)}
        for email, kept in known[brand.slug].items():
            role = staff.get(email) or _PORTAL.get(email.split("@")[0], "partner")
            lines.append(_line(role, email, kept))
        lines.append("")
    lines.append(f"{'Vendor console':<24}{address('console')}")
    lines += [_line("vendor", email, kept) for email, kept in known.get("console", {}).items()]
    lines.append(f"{'Inbox (all mail)':<24}{environment.get('MARQUE_INBOX_URL', '')}")
    lines.append(f"{'Inbox (all SMS)':<24}{environment.get('MARQUE_SMS_INBOX_URL', '')}")
    lines.append("The last column is the key to type into an authenticator app.")
    lines.append("Stop with Ctrl-C, or `make down` when detached.")
    return "\n".join(lines)


def _line(role: str, email: str, kept: Kept) -> str:
    return f"  {role:<22}{email:<30}{kept.password:<30}{kept.authenticator}".rstrip()
