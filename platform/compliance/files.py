"""What a file really is: sniffed, measured before it is decoded, written anew or refused.

Nothing here trusts a name or a declared type. Images are decoded and written again, which
leaves behind metadata and whatever was hidden beside the picture. PDFs are kept as they came,
so those that could act by themselves are refused.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass, field

from PIL import Image, ImageOps, UnidentifiedImageError

from kernel.errors import InvalidInput
from kernel.language import gettext, marked

BYTES_MAX = 10 * 1024 * 1024
PIXELS_MAX = 40_000_000
# Pillow by itself only warns at more than twice this; `_picture` asks before decoding as well.
Image.MAX_IMAGE_PIXELS = PIXELS_MAX
_JPEG_QUALITY = 90
_SIDE_MIN = 200
# What a PDF may grow to when its streams are unpacked for the search.
_UNPACKED_MAX = 64 * 1024 * 1024
_JPEG, _PNG, _PDF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-"
_STREAM = re.compile(rb"(?<!end)stream(?=[\r\n])\r?\n?")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_ACTIVE = re.compile(
    rb"/(JavaScript|OpenAction|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|XFA)"
    rb"(?![A-Za-z0-9])"
)
_SCRIPT_NAME = re.compile(rb"/(JS|AA)(?![A-Za-z0-9])")
_TAIL = 2048

_WRONG_KIND = marked(
    "Send a JPG, a PNG or a PDF. Take a photo with your telephone if you have neither."
)
_BROKEN = marked("This file can't be read. Save or photograph it again and send it once more.")
_TOO_LARGE = marked("This file is larger than 10 MB. Send a smaller photo or scan.")
_TOO_MANY_PIXELS = marked("This picture has more than 40 megapixels. Send a smaller one.")
_TOO_SMALL = marked("This picture is too small to be read. Send a sharper one.")
_ACTIVE_PDF = marked(
    "This PDF holds scripts, actions or attachments. Print it to a new PDF, or photograph it."
)
_LOCKED_PDF = marked("This PDF is protected by a password. Send it without one.")


@dataclass(frozen=True, slots=True)
class CleanFile:
    """Bytes that are safe to keep and show, and what they are."""

    data: bytes = field(repr=False)
    media_type: str
    extension: str


def clean(data: bytes) -> CleanFile:
    """Return the file as it may be kept; raise InvalidInput for the field `file`.

    Slow for large pictures: call it in a thread.
    """
    if not data:
        raise _refused(marked("Choose a file first."))
    if len(data) > BYTES_MAX:
        raise _refused(_TOO_LARGE)
    if data.startswith(_JPEG):
        return _picture(data, "JPEG")
    if data.startswith(_PNG):
        return _picture(data, "PNG")
    if data.startswith(_PDF):
        _check_pdf(data)
        return CleanFile(data, "application/pdf", "pdf")
    raise _refused(_WRONG_KIND)


def _picture(data: bytes, kind: str) -> CleanFile:
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as opened:
            width, height = opened.size
            if width * height > PIXELS_MAX:
                raise _refused(_TOO_MANY_PIXELS)
            if min(width, height) < _SIDE_MIN:
                raise _refused(_TOO_SMALL)
            turned = ImageOps.exif_transpose(opened)
            mode = "RGBA" if kind == "PNG" and "A" in turned.getbands() else "RGB"
            # A new picture carries the pixels and nothing that came with them.
            fresh = Image.new(mode, turned.size)
            fresh.paste(turned.convert(mode))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refused(_TOO_MANY_PIXELS) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError):
        raise _refused(_BROKEN) from None
    written = io.BytesIO()
    if kind == "JPEG":
        fresh.save(written, "JPEG", quality=_JPEG_QUALITY)
        return CleanFile(written.getvalue(), "image/jpeg", "jpg")
    fresh.save(written, "PNG")
    return CleanFile(written.getvalue(), "image/png", "png")


def _check_pdf(data: bytes) -> None:
    """Refuse a PDF that could act, hide an attachment, is locked or goes on after its end."""
    if b"%%EOF" not in data[-_TAIL:]:
        raise _refused(_BROKEN)
    outside = bytearray()
    left = _UNPACKED_MAX
    position = 0
    for match in _STREAM.finditer(data):
        # A stream inside a stream is how objects are hidden from whoever looks for them.
        end = data.find(b"endstream", match.end()) if match.start() >= position else -1
        if end < 0:
            raise _refused(_BROKEN)
        before = data[max(position, match.start() - _TAIL) : match.start()]
        head = _plain(before[max(before.rfind(b" obj"), 0) :])
        outside += data[position : match.start()]
        left -= _look_into(data[match.end() : end], head, left)
        position = end
    outside += data[position:]
    names = _plain(bytes(outside))
    if b"/Encrypt" in names:
        raise _refused(_LOCKED_PDF)
    if _SCRIPT_NAME.search(names) or _ACTIVE.search(_plain(data)):
        raise _refused(_ACTIVE_PDF)


def _look_into(body: bytes, head: bytes, left: int) -> int:
    """Search a stream for what could act and return how many bytes it was unpacked to."""
    holds_objects = b"/ObjStm" in head
    packed = b"/FlateDecode" in head
    if holds_objects:
        # Objects behind a predictor, a cipher or an uncommon filter can't be looked at here.
        masked = b"/DecodeParms" in head or b"/Crypt" in head
        if masked or (b"/Filter" in head and not packed):
            raise _refused(_ACTIVE_PDF)
    elif b"/Image" in head or not packed:
        return 0
    content = body
    if packed:
        unpacking = zlib.decompressobj()
        try:
            content = unpacking.decompress(body, left + 1)
        except zlib.error:
            content = b""
        if len(content) > left or (holds_objects and not unpacking.eof):
            raise _refused(_BROKEN)
    names = _plain(content)
    if _ACTIVE.search(names) or (holds_objects and _SCRIPT_NAME.search(names)):
        raise _refused(_ACTIVE_PDF)
    return len(content)


def _plain(content: bytes) -> bytes:
    """Write out the escapes of names, as in `/J#61vaScript`."""
    if b"#" not in content:
        return content
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), content)


def _refused(text: str) -> InvalidInput:
    return InvalidInput({"file": gettext(text)})
