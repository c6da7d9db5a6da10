"""Read what matters out of a raw message: subject, texts, attachments and links."""

import base64
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

INLINE_BYTES_MAX = 500_000
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")
_PICTURE = re.compile(r"cid:([^\s\"'<>)]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """An attachment or an inline picture; `number` counts from 0 in the order of the mail."""

    number: int
    name: str
    kind: str
    content_id: str
    data: bytes


@dataclass(frozen=True)
class Content:
    """A message in the form in which it is shown."""

    subject: str
    sender: str
    text: str
    html: str
    parts: tuple[Part, ...]
    links: tuple[str, ...]


class _Links(HTMLParser):
    """Collects the targets of anchors, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an anchor's target."""
        if tag == "a":
            self.found.extend(value.strip() for name, value in attrs if name == "href" and value)


def parse(raw: bytes) -> Content:
    """Read a message; whatever is damaged in it becomes empty, nothing is raised."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    text, html, parts = "", "", list[Part]()
    for leaf in message.walk():
        if leaf.is_multipart():
            continue
        assert isinstance(leaf, EmailMessage)
        kind = leaf.get_content_type()
        attached = leaf.get_content_disposition() == "attachment" or leaf.get_filename()
        if kind == "text/plain" and not attached and not text:
            text = _text(leaf)
        elif kind == "text/html" and not attached and not html:
            html = _text(leaf)
        else:
            parts.append(_part(leaf, len(parts)))
    return Content(
        subject=_header(message, "subject"),
        sender=_header(message, "from"),
        text=text,
        html=html,
        parts=tuple(parts),
        links=links_of(text, html),
    )


def links_of(text: str, html: str) -> tuple[str, ...]:
    """Return the web addresses of a mail, each once: the anchors first, then those in the text."""
    reader = _Links()
    reader.feed(html)
    plain = [found.rstrip(".,;:!?") for found in _ADDRESS.findall(text)]
    every = [*reader.found, *plain]
    return tuple(dict.fromkeys(one for one in every if one.startswith(("http://", "https://"))))


def with_pictures(content: Content) -> str:
    """Return the HTML part with its inline pictures in it, for a page that may load nothing."""
    pictures = {part.content_id: part for part in content.parts if part.kind.startswith("image/")}

    def replace(found: re.Match[str]) -> str:
        part = pictures.get(found[1])
        if part is None or len(part.data) > INLINE_BYTES_MAX:
            return found[0]
        return f"data:{part.kind};base64,{base64.b64encode(part.data).decode()}"

    return _PICTURE.sub(replace, content.html)


def _part(leaf: EmailMessage, number: int) -> Part:
    payload = leaf.get_payload(decode=True)
    return Part(
        number=number,
        name=leaf.get_filename() or f"part-{number}",
        kind=leaf.get_content_type(),
        content_id=str(leaf.get("content-id", "")).strip("<> "),
        data=payload if isinstance(payload, bytes) else b"",
    )


def _text(leaf: EmailMessage) -> str:
    payload = leaf.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        text = payload.decode(leaf.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = payload.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError):
        # The parser of structured headers raises on some damaged ones.
        return ""
