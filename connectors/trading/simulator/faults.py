"""Faults on demand: late answers, lost answers, lost requests, requests applied late, refusals.

Times are milliseconds. A rule without a command meets every command but the log-in.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

DELAY = "delay_ms"
DROP_REPLY = "drop_reply"
DROP_REQUEST = "drop_request"
LATE_APPLY = "late_apply_ms"
RETCODE = "retcode"
_KINDS = (DELAY, DROP_REPLY, DROP_REQUEST, LATE_APPLY, RETCODE)


@dataclass(slots=True)
class Rule:
    """One fault: its kind, its value, the command it meets, and how often still (None: always)."""

    kind: str
    value: int
    command: str | None
    remaining: int | None


@dataclass(slots=True)
class Faults:
    """The rules in force, the oldest first."""

    rules: list[Rule] = field(default_factory=list)

    def replace(self, given: Mapping[str, Any]) -> None:
        """Put these rules in the place of all others; an empty mapping clears them.

        Raises ValueError with what to send instead when a value is not usable.
        """
        rules = []
        command = given.get("command")
        times = given.get("times")
        for kind in _KINDS:
            if kind not in given:
                continue
            value, name, count = given[kind], command, times
            if kind in (DROP_REPLY, DROP_REQUEST):
                if isinstance(value, str):
                    name, value = value, 1
                count, value = value, 0
            elif kind == LATE_APPLY and count is None:
                count = 1
            if not isinstance(value, int) or value < 0 or not isinstance(count, int | None):
                raise ValueError(f"{kind} must be a whole number of zero or more")
            if count != 0:
                rules.append(Rule(kind, value, name, count))
        self.rules = rules

    def take(self, command: str) -> Rule | None:
        """Return the first rule that meets a command and count it; None when none does."""
        for rule in self.rules:
            if rule.command in (None, command):
                if rule.remaining is not None:
                    rule.remaining -= 1
                    if rule.remaining <= 0:
                        self.rules.remove(rule)
                return rule
        return None

    def shown(self) -> list[dict[str, Any]]:
        """Return the rules in force for the operator."""
        return [asdict(rule) for rule in self.rules]
