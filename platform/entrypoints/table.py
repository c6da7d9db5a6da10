"""The table that closes a start: brands, addresses, logins, inbox and console."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from entrypoints.brands import DEMO
from identity import logins
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
        for email, password in known[brand.slug].items():
            role = staff.get(email) or _PORTAL.get(email.split("@")[0], "partner")
            lines.append(f"  {role:<22}{email:<30}{password}")
        lines.append("")
    lines.append(f"{'Vendor console':<24}{address('console')}")
    for email, password in known.get("console", {}).items():
        lines.append(f"  {'vendor':<22}{email:<30}{password}")
    lines.append(f"{'Inbox (all mail)':<24}{environment.get('MARQUE_INBOX_URL', '')}")
    lines.append("Stop with Ctrl-C, or `make down` when detached.")
    return "\n".join(lines)
