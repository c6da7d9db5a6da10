"""What an expression may see: named roots such as `body`, `header` and `secret`, and the rules
by which this provider writes money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from connectors.payments.engine.amounts import MoneyForm
from connectors.payments.engine.literals import Value
from kernel.money import Money

ROOTS = frozenset(
    {
        *("body", "item", "list", "header", "query", "part", "raw", "verb", "path"),
        *("secret", "cred", "env", "auth", "sandbox", "now"),
        *("tx", "client", "urls", "beneficiary", "method"),
        *("holder", "hold", "error"),
    }
)
# The names under these roots may hold dots and come in any case.
FLAT_ROOTS = frozenset({"header", "query", "part"})

Thing: TypeAlias = "Value | Money | datetime | bytes"


@dataclass(frozen=True, slots=True)
class Scope:
    """The values that expressions of one provider are evaluated against."""

    roots: Mapping[str, Thing | Mapping[str, Thing]] = field(repr=False)
    money: MoneyForm

    def plus(self, **roots: Thing | Mapping[str, Thing]) -> Scope:
        """Return the same scope with some roots put in or replaced."""
        return Scope({**self.roots, **roots}, self.money)
