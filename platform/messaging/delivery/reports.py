"""Reports about mails: delivery status (RFC 3464) and abuse complaints (RFC 5965). Pure.

Only the machine-readable part is believed; what a server wrote for people is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
# Headers that say to which return path a report was sent; servers differ.
_ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Return-Path")
_ORIGINAL = ("message/rfc822", "text/rfc822-headers", "message/global-headers")
# Not the address's fault, or not for ever: full mailboxes, size, and what a policy refused.
_PASSING = re.compile(r"^5\.(2\.[23]|3\.4|7\.\d+)$")


@dataclass(frozen=True)
class Report:
    """What became of one mail; `addressed` is every text that may hold its return path."""

    kind: str  # hard, soft or complaint
    status: str
    addressed: tuple[str, ...]


def kind_of(status: str) -> str:
    """Return hard for a failure that will not pass, soft for one that may (RFC 3463)."""
    return "hard" if status.startswith("5.") and not _PASSING.match(status) else "soft"


def read(body: bytes) -> list[Report]:
    """Return the failures that a mail reports; nothing for any other mail."""
    message = message_from_bytes(body)
    if message.get_content_type() != "multipart/report":
        return []
    addressed = tuple(_addressed(message))
    parts = {part.get_content_type(): part for part in message.walk()}
    status = parts.get("message/delivery-status") or parts.get("message/global-delivery-status")
    if status is not None:
        return [
            Report(kind_of(code), code, addressed)
            for block in _blocks(status)
            if (code := _failure(block))
        ]
    feedback = parts.get("message/feedback-report")
    if feedback is not None and _says(_first(feedback), "Feedback-Type") in ("abuse", "fraud"):
        return [Report("complaint", "", addressed)]
    return []


def _addressed(message: Message) -> list[str]:
    found = [str(one) for name in _ADDRESSED for one in message.get_all(name, [])]
    for part in message.walk():
        if part.get_content_type() in _ORIGINAL:
            returned = _first(part)
            found += [str(one) for one in returned.get_all("Return-Path", [])]
        elif part.get_content_type().endswith("delivery-status"):
            found += [str(block.get("Original-Envelope-Id", "")) for block in _blocks(part)]
    return found


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        return [one for one in payload if isinstance(one, Message)]
    # Some servers send the fields as plain text in a part that says otherwise.
    raw = part.get_payload(decode=True)
    text = raw if isinstance(raw, bytes) else b""
    return [message_from_bytes(one) for one in re.split(rb"\r?\n\r?\n", text) if one.strip()]


def _first(part: Message) -> Message:
    blocks = _blocks(part)
    return blocks[0] if blocks else Message()


def _failure(block: Message) -> str:
    """Return the status of a recipient that failed; empty for every other block."""
    if _says(block, "Action") != "failed":
        return ""
    found = _STATUS.search(str(block.get("Status", "")))
    if found is None:
        found = _STATUS.search(str(block.get("Diagnostic-Code", "")))
    return found.group(1) if found else "5.0.0"


def _says(block: Message, name: str) -> str:
    return str(block.get(name, "")).strip().lower()
