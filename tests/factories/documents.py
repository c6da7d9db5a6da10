"""Builders of files as clients send them, good and bad."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

EXIF_MAKER = b"SECRET-CAMERA"


def jpeg(size: tuple[int, int] = (640, 420), *, colour: str = "steelblue") -> bytes:
    """A photo with EXIF that names its camera and place."""
    exif = Image.Exif()
    exif[0x010F] = EXIF_MAKER.decode()
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, "JPEG", exif=exif)
    return written.getvalue()


def png(size: tuple[int, int] = (640, 420)) -> bytes:
    """A picture without loss."""
    written = io.BytesIO()
    Image.new("RGB", size, "linen").save(written, "PNG")
    return written.getvalue()


def pixel_flood(side: int = 30_000) -> bytes:
    """A PNG of a few kilobytes that says it has `side` times `side` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def pdf(extra: bytes = b"", *, stream: bytes = b"", head: bytes = b"") -> bytes:
    """A PDF of one empty page; `extra` goes into its catalogue, `stream` into an object."""
    parts = [
        b"%PDF-1.7\n",
        b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R " + extra + b" >>\nendobj\n",
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n",
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>\nendobj\n",
    ]
    if stream:
        length = str(len(stream)).encode()
        parts.append(
            b"4 0 obj\n<< /Length "
            + length
            + b" "
            + head
            + b" >>\nstream\n"
            + stream
            + b"\nendstream\nendobj\n"
        )
    parts.append(b"trailer\n<< /Root 1 0 R /Size 5 >>\n%%EOF\n")
    return b"".join(parts)


def packed_objects(content: bytes) -> bytes:
    """A PDF whose objects lie compressed in an object stream."""
    return pdf(
        stream=zlib.compress(content), head=b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode"
    )
