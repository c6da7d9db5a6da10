"""Pictures from strangers: measured before they are decoded, drawn anew, cut into icons.

Nothing here trusts a name or a declared type. The size is read from the file's own header by
this module, before any decoder sees the file, because decoders set memory aside for what a
header says. What comes out is a new picture: no metadata, no profile, no second frame, nothing
that stood behind the picture's end. Sizes are in pixels.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field

from PIL import Image, ImageOps, UnidentifiedImageError

from kernel import drawings
from kernel.errors import InvalidInput

BYTES_MAX = 5 * 1024 * 1024
PIXELS_MAX = 16_000_000
SIDE_MAX = 8_000
SIDE_MIN = 32
# A progressive JPEG is drawn once for each scan, whatever the scan costs in bytes.
SCANS_MAX = 24
LOGO_SIDE = 1_200
SQUARE_MIN = 256
ICON_SIDES = (32, 180, 192, 512)
BACKGROUND_WIDTH_MIN = 800
# The heaviest font leaves a sign-in page this much of a first visit's budget.
BACKGROUND_BYTES_MAX = 36_000
# Platforms cut a maskable icon to a circle of 80 %; this square fits inside it.
_MASKABLE_SHARE = 0.56
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# Markers of JPEG that carry height and width: every SOF but DHT (C4), JPG (C8) and DAC (CC).
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD8)}

_EMPTY = "Choose a file first."
_WRONG_KIND = (
    "Send a PNG, a JPEG, a WebP or an SVG. This file is something else, whatever its name."
)
_TOO_LARGE = "This file is larger than 5 MB. Send a smaller one."
_BROKEN = "This picture can't be read. Save it again and send it once more."
_TOO_MANY_PIXELS = (
    "This picture is larger than 16 megapixels or 8000 pixels a side. Make it smaller."
)
_TOO_SMALL = "This picture is smaller than 32 pixels a side. Send a larger one."
_TOO_MANY_SCANS = "This JPEG is stored in an unusual way. Save it as PNG and send that."
_NOT_SQUARE = "This logo must be square and at least 256 pixels a side."
_TOO_NARROW = "This picture is narrower than 800 pixels. Send a larger one."
_BACKGROUND_RASTER = "Send the background as PNG, JPEG or WebP."
_SQUARE_RASTER = "Send the square logo as PNG, JPEG or WebP, so that icons can be made from it."


@dataclass(frozen=True, slots=True)
class Picture:
    """Bytes that are safe to keep and to show, and what they are."""

    data: bytes = field(repr=False)
    media_type: str
    extension: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers under which it is shown: sniffed by nobody and able to do nothing."""
        return {
            "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
            "x-content-type-options": "nosniff",
            "content-disposition": f'inline; filename="picture.{self.extension}"',
        }


def logo(data: bytes) -> Picture:
    """Return a logo as it may be shown; raise InvalidInput for the field `file`.

    Slow for large pictures: call it in a thread.
    """
    check_bytes(data)
    if drawings.looks_like(data):
        return Picture(drawings.clean(data), "image/svg+xml", "svg")
    fresh, kind = _fresh(data)
    return _written(fresh, "JPEG" if kind == "JPEG" else "PNG")


def square(data: bytes, *, background: str) -> dict[str, Picture]:
    """Return the square logo and the icons made from it by name: `square`, `icon-32` and so on.

    `background` is the `#rrggbb` that surrounds the mark in the maskable icon. Raises
    InvalidInput for the field `file`. Slow: call it in a thread.
    """
    check_bytes(data)
    if drawings.looks_like(data):
        raise refused(_SQUARE_RASTER)
    fresh, _ = _fresh(data)
    width, height = fresh.size
    if abs(width - height) * 50 > width or min(width, height) < SQUARE_MIN:
        raise refused(_NOT_SQUARE)
    mark = fresh.convert("RGBA").resize((512, 512), Image.Resampling.LANCZOS)
    made = {"square": _written(mark, "PNG")}
    for side in ICON_SIDES:
        made[f"icon-{side}"] = _written(mark.resize((side, side), Image.Resampling.LANCZOS), "PNG")
    inner = round(512 * _MASKABLE_SHARE)
    maskable = Image.new("RGBA", (512, 512), background)
    small = mark.resize((inner, inner), Image.Resampling.LANCZOS)
    maskable.alpha_composite(small, ((512 - inner) // 2, (512 - inner) // 2))
    made["icon-maskable"] = _written(maskable.convert("RGB"), "PNG")
    return made


def background(data: bytes) -> Picture:
    """Return a large picture for behind words, drawn anew as WebP and made light.

    It loses detail, then size, until it is at most BACKGROUND_BYTES_MAX. Raises InvalidInput for
    the field `file`. Slow: call it in a thread.
    """
    check_bytes(data)
    if drawings.looks_like(data):
        raise refused(_BACKGROUND_RASTER)
    if measured(data, sniffed(data))[0] < BACKGROUND_WIDTH_MIN:
        raise refused(_TOO_NARROW)
    picture = _fresh(data)[0].convert("RGB")
    while True:
        for quality in (70, 50, 34):
            target = io.BytesIO()
            picture.save(target, "WEBP", quality=quality)
            if target.tell() <= BACKGROUND_BYTES_MAX:
                return Picture(target.getvalue(), "image/webp", "webp")
        picture = picture.reduce(2)


def check_bytes(data: bytes) -> None:
    """Refuse nothing at all, and too much."""
    if not data:
        raise refused(_EMPTY)
    if len(data) > BYTES_MAX:
        raise refused(_TOO_LARGE)


def sniffed(data: bytes) -> str:
    """Return PNG, JPEG or WEBP by what the file holds; raise InvalidInput for anything else."""
    if data.startswith(_PNG):
        return "PNG"
    if data.startswith(_JPEG):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise refused(_WRONG_KIND)


def measured(data: bytes, kind: str) -> tuple[int, int]:
    """Return width and height as the file's header says, without decoding anything."""
    measure = {"PNG": _png_size, "JPEG": _jpeg_size, "WEBP": _webp_size}[kind]
    try:
        return measure(data)
    except (struct.error, IndexError):
        raise refused(_BROKEN) from None


def check_size(size: tuple[int, int]) -> None:
    """Refuse what would fill the memory, and what is too small to be seen."""
    width, height = size
    if width * height > PIXELS_MAX or max(size) > SIDE_MAX:
        raise refused(_TOO_MANY_PIXELS)
    if min(size) < SIDE_MIN:
        raise refused(_TOO_SMALL)


def check_scans(data: bytes, kind: str) -> None:
    """Refuse a JPEG of very many scans, which takes long to draw although it is small."""
    if kind == "JPEG" and data.count(b"\xff\xda") > SCANS_MAX:
        raise refused(_TOO_MANY_SCANS)


def refused(text: str) -> InvalidInput:
    """Return the error for the field `file`."""
    return InvalidInput({"file": text})


def _fresh(data: bytes) -> tuple[Image.Image, str]:
    """Decode the first frame into a new picture that carries pixels and nothing else."""
    kind = sniffed(data)
    size = measured(data, kind)
    check_size(size)
    check_scans(data, kind)
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as opened:
            if opened.size != size:
                raise refused(_BROKEN)
            clear = kind != "JPEG" and opened.has_transparency_data
            mode = "RGBA" if clear else "RGB"
            # Made small before it is copied: a large picture is in memory once, not four times.
            small = _eight_bits(opened, mode)
            small.thumbnail((LOGO_SIDE, LOGO_SIDE), Image.Resampling.LANCZOS)
            ImageOps.exif_transpose(small, in_place=True)
            fresh = Image.new(mode, small.size)
            fresh.paste(small)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise refused(_TOO_MANY_PIXELS) from None
    except (
        *(UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError),
        *(MemoryError, KeyError, IndexError, TypeError, struct.error),
    ):
        raise refused(_BROKEN) from None
    return fresh, kind


def _eight_bits(opened: Image.Image, mode: str) -> Image.Image:
    """Return the picture in a mode that screens show."""
    if opened.mode.startswith("I"):
        # Sixteen bits of grey: the upper eight are what a screen shows.
        opened = opened.convert("I").point(lambda value: value / 256).convert("L")
    return opened if opened.mode == mode else opened.convert(mode)


def _written(picture: Image.Image, kind: str) -> Picture:
    target = io.BytesIO()
    if kind == "JPEG":
        picture.save(target, "JPEG", quality=90)
        return Picture(target.getvalue(), "image/jpeg", "jpg")
    picture.save(target, "PNG", optimize=True)
    return Picture(target.getvalue(), "image/png", "png")


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise refused(_BROKEN)
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            raise refused(_BROKEN)
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _SOF:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            (length,) = struct.unpack(">H", data[at + 2 : at + 4])
            at += 2 + max(2, length)
    raise refused(_BROKEN)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read the first chunk: extended (VP8X), lossless (VP8L) or lossy (VP8), as RFC 9649 says."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        if len(data) < 30:
            raise refused(_BROKEN)
        return width, height
    if chunk == b"VP8L" and data[20:21] == b"\x2f":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise refused(_BROKEN)
