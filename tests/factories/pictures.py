"""Pictures as strangers send them as logos: honest ones, and everything else."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, PngImagePlugin

from tests.factories import documents

SECRET = b"SECRET-PAYLOAD"
_SCRIPT = b"<script>alert('SECRET-PAYLOAD')</script>"
_XMLNS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
_WRONG, _MANY, _BROKEN = "something else", "16 megapixels", "can't be read"
_TYPED, _OUT, _STYLE = "document type", "outside itself", "styles we can't check"
_MULTIPLIES = "repeats parts"


@dataclass(frozen=True)
class Case:
    """One file: `refused` is a part of the message it is answered with, empty when it is taken."""

    label: str
    make: Callable[[], bytes]
    refused: str = ""


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def mark(size: tuple[int, int] = (512, 512), mode: str = "RGBA") -> Image.Image:
    """A picture that is not of one colour alone."""
    image = Image.new(mode, size)
    image.paste(Image.new(mode, (size[0] // 2, size[1] // 2), 180 if mode == "L" else "teal"))
    return image


def png(size: tuple[int, int] = (512, 512)) -> bytes:
    """An honest PNG with transparency."""
    return _saved(mark(size), "PNG")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _with_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a PNG with one more chunk behind its header."""
    data = png()
    return data[:33] + _chunk(kind, body) + data[33:]


def _flat_png(width: int, height: int) -> bytes:
    """Return a valid PNG of one bit a pixel, all black: small bytes, large picture."""
    rows = zlib.compress(b"\0" * ((width + 7) // 8 + 1) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [_chunk(b"IHDR", header), _chunk(b"IDAT", rows), _chunk(b"IEND", b"")]
    )


def _webp_claim(width: int, height: int) -> bytes:
    """Return a WebP whose extended header says it is that large."""
    body = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = (
        b"VP8X" + struct.pack("<I", 10) + body + b"VP8L" + struct.pack("<I", 5) + b"\x2f\0\0\0\0"
    )
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def _jpeg_claim(width: int, height: int) -> bytes:
    """Return a JPEG whose frame header says it is that large."""
    data = _saved(mark(mode="RGB"), "JPEG")
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def _many_scans() -> bytes:
    data = _saved(mark(mode="RGB"), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * 60 + b"\xff\xd9"


def _animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:])


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("../../etc/passwd", SECRET)
    return target.getvalue()


def _described_png() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET.decode()}</x>")
    return _saved(mark(), "PNG", pnginfo=info, icc_profile=SECRET * 20)


def svg(inner: str, *, head: str = "", attributes: str = "") -> bytes:
    """Return a drawing around what is given."""
    return f'{head}<svg {_XMLNS} viewBox="0 0 10 10" {attributes}>{inner}</svg>'.encode()


def _drawn(
    label: str, inner: str, refused: str = "", *, head: str = "", attributes: str = ""
) -> Case:
    return Case(f"svg {label}", lambda: svg(inner, head=head, attributes=attributes), refused)


def _lol() -> str:
    lines = ['<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    return f"<!DOCTYPE svg [{''.join(lines)}]>"


def _nested_uses(levels: int) -> str:
    groups = ['<g id="n0"><path d="M0 0h1"/></g>']
    groups += [
        f'<g id="n{level}">{f"""<use href="#n{level - 1}"/>""" * 10}</g>'
        for level in range(1, levels)
    ]
    return "".join(groups)


HOSTILE = (
    Case("nothing", lambda: b"", "Choose a file"),
    Case("six megabytes", lambda: png() + b"\0" * 6_000_000, "larger than 5 MB"),
    Case("GIF as png", lambda: _saved(mark(mode="L"), "GIF"), _WRONG),
    Case("TIFF as png", lambda: _saved(mark(), "TIFF"), _WRONG),
    Case("ICO as png", lambda: _saved(mark((64, 64)), "ICO"), _WRONG),
    Case("BMP as png", lambda: _saved(mark(mode="RGB"), "BMP"), _WRONG),
    Case("PDF as png", documents.pdf, _WRONG),
    Case(
        "PDF that runs scripts", lambda: documents.pdf(b"/OpenAction << /S /JavaScript >>"), _WRONG
    ),
    Case("HTML as png", lambda: b"<!doctype html>" + _SCRIPT, _WRONG),
    Case("ZIP as png", _zip, _WRONG),
    Case("program as png", lambda: b"\x7fELF" + b"\0" * 200, _WRONG),
    Case("PostScript as jpg", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run", _WRONG),
    Case("the anti-virus test file", lambda: b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", _WRONG),
    Case("sound as webp", lambda: b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40, _WRONG),
    Case("AVIF as png", lambda: b"\0\0\0\x1cftypavif" + b"\0" * 60, _WRONG),
    Case("PNG of 900 megapixels", documents.pixel_flood, _MANY),
    Case("PNG of 25 megapixels", lambda: _flat_png(5_000, 5_000), _MANY),
    Case("PNG of one long row", lambda: _flat_png(60_000, 40), _MANY),
    Case("PNG of two thousand million", lambda: documents.pixel_flood(2**31 - 1), _MANY),
    Case("WebP of 268 megapixels", lambda: _webp_claim(16_383, 16_383), _MANY),
    Case("JPEG of 4295 megapixels", lambda: _jpeg_claim(65_535, 65_535), _MANY),
    Case("JPEG of very many scans", _many_scans, "unusual way"),
    Case("PNG of one pixel", lambda: png((1, 1)), "smaller than 32"),
    Case("PNG of no width", lambda: documents.pixel_flood(0), "smaller than 32"),
    Case("PNG cut in the middle", lambda: png()[:200], _BROKEN),
    Case("PNG without a header", lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 60, _BROKEN),
    Case("JPEG cut in its header", lambda: _saved(mark(mode="RGB"), "JPEG")[:60], _BROKEN),
    Case("JPEG cut in its picture", lambda: documents.jpeg()[:1200], _BROKEN),
    Case("WebP cut in the middle", lambda: _saved(mark(), "WEBP")[:40], _BROKEN),
    Case("WebP of a header alone", lambda: _webp_claim(64, 64), _BROKEN),
    Case(
        "text bomb in a PNG",
        lambda: _with_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"a" * 30_000_000)),
        _BROKEN,
    ),
    Case("PNG with a page behind it", lambda: png() + _SCRIPT),
    Case("PNG with a ZIP behind it", lambda: png() + _zip()),
    Case("PNG with a page in a chunk", lambda: _with_chunk(b"prVt", _SCRIPT)),
    Case("PNG with texts and a profile", _described_png),
    Case("PNG that moves", lambda: _animated("PNG")),
    Case("WebP that moves", lambda: _animated("WEBP")),
    Case("PNG of sixteen bits", lambda: _saved(Image.new("I;16", (64, 64), 40_000), "PNG")),
    Case("PNG of palette and key", lambda: _saved(mark().convert("P"), "PNG", transparency=0)),
    Case("JPEG of four inks", lambda: _saved(Image.new("CMYK", (64, 64), (9, 90, 30, 4)), "JPEG")),
    Case("JPEG with camera and place", documents.jpeg),
    Case(
        "JPEG with a page in a comment", lambda: _saved(mark(mode="RGB"), "JPEG", comment=_SCRIPT)
    ),
    Case("JPEG with a page behind it", lambda: documents.jpeg() + _SCRIPT),
    _drawn("script", "<script>alert(1)</script>", "<script>"),
    _drawn(
        "script of another name space",
        '<h:script xmlns:h="http://www.w3.org/1999/xhtml"/>',
        "<script>",
    ),
    _drawn("onload", "", "holds scripts", attributes='onload="alert(1)"'),
    _drawn("handler in capitals", '<path d="M0 0" OnClick="alert(1)"/>', "holds scripts"),
    _drawn("foreign content", "<foreignObject><b/></foreignObject>", "<foreignObject>"),
    _drawn("link", '<a xlink:href="javascript:alert(1)"><path d="M0 0"/></a>', "<a>"),
    _drawn("use of a script", '<use xlink:href="javascript:alert(1)"/>', _OUT),
    _drawn(
        "use of a page", '<use href="data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;"/>', _OUT
    ),
    _drawn("use of another site", '<use href="https://evil.example/x.svg#a"/>', _OUT),
    _drawn("picture of another site", '<image href="http://evil.example/x.png"/>', "<image>"),
    _drawn(
        "animated link", '<animate attributeName="href" to="javascript:alert(1)"/>', "<animate>"
    ),
    _drawn("set handler", '<set attributeName="onclick" to="alert(1)"/>', "<set>"),
    _drawn("filter", '<filter id="f"><feImage href="http://evil.example"/></filter>', "<filter>"),
    _drawn("style that imports", "<style>@import 'http://evil.example/x.css';</style>", _STYLE),
    _drawn("style that loads", "<style>.a{fill:url(http://evil.example/x)}</style>", _STYLE),
    _drawn(
        "style that loads in disguise",
        r"<style>.a{fill:u\72l(http://evil.example)}</style>",
        _STYLE,
    ),
    _drawn(
        "style with an expression", '<path style="fill:expression(alert(1))" d="M0 0"/>', _STYLE
    ),
    _drawn(
        "mask from another site", '<g mask="image-set(&quot;//evil.example/x&quot; 1x)"/>', _STYLE
    ),
    _drawn("fill from another site", '<path fill="url(//evil.example/x.svg#a)" d="M0 0"/>', _STYLE),
    _drawn(
        "external entity",
        "<text>&x;</text>",
        _TYPED,
        head='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ),
    _drawn(
        "document type elsewhere",
        "",
        _TYPED,
        head='<!DOCTYPE svg SYSTEM "http://evil.example/x.dtd">',
    ),
    _drawn("billion laughs", "<text>&a9;</text>", _TYPED, head=_lol()),
    _drawn("undeclared entity", "<text>&nobody;</text>", _BROKEN),
    _drawn("groups in groups", "<g>" * 2_000 + "</g>" * 2_000, "too deeply"),
    _drawn("twenty thousand elements", '<path d=""/>' * 20_000, "too many elements"),
    _drawn("uses of uses", _nested_uses(9), _MULTIPLIES),
    _drawn("use of itself", '<g id="n0"><use href="#n0"/></g>', _MULTIPLIES),
    Case("svg of a megabyte", lambda: svg(f"<desc>{'a' * 1_000_000}</desc>"), "512 kB"),
    Case("svg cut in the middle", lambda: svg("<g></g>")[:-9], _BROKEN),
    Case(
        "svg of sixteen bits", lambda: svg(_SCRIPT.decode()).decode().encode("utf-16"), "not UTF-8"
    ),
    Case("svg with a null byte", lambda: svg("<g/>\0<script/>"), "not UTF-8"),
    Case("page with an svg head", lambda: b"<!-- svg --><html>" + _SCRIPT + b"</html>", "<html>"),
    _drawn(
        "style sheet instruction",
        "<g/>",
        head='<?xml version="1.0"?><?xml-stylesheet href="http://evil.example/x"?>',
    ),
    _drawn("comment with a page", f"<!-- {_SCRIPT.decode()} --><g/>"),
    _drawn("editor's notes", '<metadata><x onload="a()">SECRET-PAYLOAD</x></metadata><g/>'),
    _drawn("text that looks like a page", "<text>&lt;script&gt;</text>"),
    _drawn("class that breaks out", '<g class="a&quot; onload=&quot;alert(1)"/>'),
)

HONEST = (
    Case("png", png),
    Case("wide png", lambda: png((900, 200))),
    Case("large png", lambda: png((4_000, 3_900))),
    Case("grey png", lambda: _saved(mark(mode="L"), "PNG")),
    Case("jpeg", lambda: _saved(mark(mode="RGB"), "JPEG")),
    Case("progressive jpeg", lambda: _saved(mark(mode="RGB"), "JPEG", progressive=True)),
    Case("webp", lambda: _saved(mark(), "WEBP")),
    Case("lossless webp", lambda: _saved(mark(), "WEBP", lossless=True)),
    Case("lossy webp without clearness", lambda: _saved(mark(mode="RGB"), "WEBP")),
    _drawn("paths", '<path fill="#0b2545" d="M1 1h8v8z"/>', head='<?xml version="1.0"?>'),
    _drawn(
        "gradient",
        '<defs><linearGradient id="a"><stop offset="0" stop-color="rgb(1,2,3)"/>'
        '</linearGradient></defs><rect width="9" fill="url(#a)" transform="rotate(45 5 5)"/>',
    ),
    _drawn(
        "styles",
        "<style>.cls-1,.cls-2{fill:#fff;font-family:'Open Sans',sans-serif}</style>"
        '<g class="cls-1"><circle r="3"/></g>',
    ),
    _drawn(
        "symbol",
        '<symbol id="s"><path d="M0 0h1"/></symbol><use xlink:href="#s" x="2"/><use href="#s"/>',
    ),
    _drawn(
        "clip",
        '<clipPath id="c"><rect width="5" height="5"/></clipPath>'
        '<g clip-path="url(#c)" style="opacity:.5"><title>Mark &amp; Co</title></g>',
    ),
)
