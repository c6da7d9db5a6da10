"""The demo brokerages that `marque up` provisions, as features of the sample data name them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoBrand:
    """A demo brokerage: its short name, its name and its brand."""

    slug: str
    name: str
    brand: dict[str, str]


DEMO = (
    DemoBrand(
        "meridian",
        "Meridian Markets",
        {
            "main": "#0B2545",
            "accent": "#13A89E",
            "language": "en",
            "demo": "yes",
            "legal_name": "Meridian Markets Ltd",
            "regulator_line": "Meridian Markets is an invented firm for demonstration.",
        },
    ),
    DemoBrand(
        "noor",
        "Noor Capital",
        {
            "main": "#0F5132",
            "accent": "#C9A227",
            "language": "ar",
            "demo": "yes",
            "legal_name": "Noor Capital LLC",
            "regulator_line": "Noor Capital is an invented firm for demonstration.",
        },
    ),
)
