"""Pictures of documents, drawn from nothing: a valid PNG with stripes and noise."""

from __future__ import annotations

import random
import struct
import zlib


def document(seed: str, *, width: int = 640, height: int = 420) -> bytes:
    """Return a PNG of that many pixels; the same seed gives the same picture."""
    dice = random.Random(seed)
    paper = tuple(dice.randrange(200, 240) for _ in range(3))
    ink = tuple(dice.randrange(20, 110) for _ in range(3))
    rows = []
    lengths = [dice.randrange(width // 4, width - 40) for _ in range(height // 20 + 1)]
    for row in range(height):
        line = bytearray(paper * width)
        if row % 20 < 6:
            start, end = 24 * 3, lengths[row // 20] * 3
            line[start:end] = bytes(ink * ((end - start) // 3))
        for _ in range(8):
            place = dice.randrange(width) * 3
            line[place] = dice.randrange(256)
        rows.append(b"\0" + bytes(line))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 6)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
