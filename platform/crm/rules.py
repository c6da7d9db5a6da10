"""Pure rules of the CRM: which rule takes a lead, whose turn it is, and what a lead is worth."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from clients import rules as clients_rules
from crm.models import RoutingRule
from kernel.errors import InvalidInput

NOTE_MAX = 1000
CAMPAIGN_MAX = 80
_CODE = re.compile(r"^[A-Za-z0-9_-]{2,24}$")
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member of staff who may be given leads."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose lead it is, why, and the place in the pool to remember."""

    owner: Colleague
    index: int
    reason: str


def matches(rule: RoutingRule, *, country: str, language: str) -> bool:
    """Say whether a rule takes leads of this country and language."""
    return (not rule.countries or country in rule.countries) and (
        not rule.languages or language[:2] in rule.languages
    )


def available(rule: RoutingRule, agents: Sequence[Colleague]) -> list[Colleague]:
    """Return who of the pool can take a lead now, in the pool's order; all agents when empty."""
    if not rule.pool:
        return list(agents)
    by_id = {str(agent.id): agent for agent in agents}
    return [by_id[member] for member in rule.pool if member in by_id]


def next_in_turn(
    rule: RoutingRule, pool: Sequence[Colleague], *, country: str, language: str
) -> Choice:
    """Return whose turn it is in a pool that is not empty, with the reason in words."""
    index = (rule.last_index + 1) % len(pool)
    owner = pool[index]
    why = []
    if rule.countries:
        why.append(f"country {country}")
    if rule.languages:
        why.append(f"language {language}")
    matched = " and ".join(why) or "takes every lead"
    turn = f"next of {len(pool)}" if len(pool) > 1 else "the only one"
    return Choice(owner, index, f"Rule '{rule.name}': {matched}; {turn}: {owner.name}")


def nobody(*, country: str, language: str) -> str:
    """Return the reason of a lead that no rule could give to anybody."""
    return (
        f"No rule with somebody free takes country {country} and language {language};"
        " assign it by hand."
    )


def worth(
    *, source: str, campaign: str | None, referral_code: str | None, phone: str
) -> list[tuple[str, int]]:
    """Return a lead's score as its parts, at most 100 in sum: what is known at the first visit."""
    parts = [("Left contact details", 20)]
    if referral_code:
        parts.append(("Comes through a partner", 30))
    if source in ("form", "embed", "referral"):
        parts.append(("Asked for a call", 25))
    if source == "register":
        parts.append(("Registered by themselves", 25))
    if campaign:
        parts.append(("Answers a campaign", 10))
    if phone.startswith("+"):
        parts.append(("Number with country code", 15))
    return parts


def utm(values: Mapping[str, str]) -> dict[str, str]:
    """Return the campaign values of a link, each cut to 80 characters and one line."""
    return {
        name: " ".join(values[name].split())[:80]
        for name in _UTM
        if values.get(name) and values[name].isprintable()
    }


def campaign(value: str | None) -> str | None:
    """Return a campaign's name in one line, or None; raise InvalidInput when it is too long."""
    if not value or not value.strip():
        return None
    return clients_rules.line(value, field="campaign", label="campaign", limit=CAMPAIGN_MAX)


def referral_code(value: str | None) -> str | None:
    """Return a partner's code in capitals, or None for anything that is none."""
    value = (value or "").strip()
    return value.upper() if _CODE.match(value) else None


def note(value: str) -> str:
    """Return a note's text; raise InvalidInput when it is empty or too long."""
    value = "".join(one for one in value.strip() if one.isprintable() or one == "\n")
    if not value:
        raise InvalidInput({"text": "Write what happened."})
    if len(value) > NOTE_MAX:
        raise InvalidInput({"text": f"Shorten the note to {NOTE_MAX} characters."})
    return value
