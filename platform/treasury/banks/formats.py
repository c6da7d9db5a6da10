"""Which format a statement is in, by its first bytes and not by its name."""

from __future__ import annotations

from treasury.banks import camt_files, mt940_files
from treasury.banks.documents import BYTES_MAX, Document, UnreadableStatement


def read(data: bytes) -> tuple[str, list[Document]]:
    """Return a file's format and its statements; raise UnreadableStatement saying why not."""
    if not data.strip():
        msg = "The file is empty."
        raise UnreadableStatement(msg)
    if len(data) > BYTES_MAX:
        msg = f"The file is larger than {BYTES_MAX // 1024 // 1024} MB. Import it in parts."
        raise UnreadableStatement(msg)
    if _looks_like_xml(data):
        return "camt.053", camt_files.read(data)
    if b":20:" in data:
        return "mt940", mt940_files.read(data)
    raise UnreadableStatement


def _looks_like_xml(data: bytes) -> bool:
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))
