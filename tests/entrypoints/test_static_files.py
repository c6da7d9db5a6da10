"""Static files travel compressed, are asked for once, and nothing outside their folder is sent."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import brotli
import pytest

from entrypoints.static_files import StaticFiles

RULES = b".a{color:red}" * 200


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    """A folder with a style sheet, a font and a neighbour that is nobody's business."""
    (tmp_path / "static/vendor").mkdir(parents=True)
    (tmp_path / "static/pages.css").write_bytes(RULES)
    (tmp_path / "static/vendor/inter.woff2").write_bytes(b"font")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return StaticFiles(tmp_path / "static")


async def _ask(
    files: StaticFiles, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("a static file needs no body")

    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope: Any = {"type": "http", "method": method, "path": path, "headers": named}
    await files(scope, receive, send)
    answered = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(one.get("body", b"") for one in sent[1:])


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("deflate", None),
        ("", None),
    ],
)
async def test_a_style_sheet_travels_in_the_best_coding_the_browser_takes(
    files: StaticFiles, accepted: str, coding: str | None
) -> None:
    """Whatever the coding, the same rules arrive, and caches are told what they depend on."""
    status, headers, body = await _ask(files, "/static/pages.css", accept_encoding=accepted)

    assert (status, headers.get("content-encoding")) == (200, coding)
    plain = {"br": brotli.decompress, "gzip": gzip.decompress}.get(coding or "", bytes)(body)
    assert plain == RULES
    assert coding is None or len(body) < len(RULES) / 10
    assert headers["content-type"] == "text/css; charset=utf-8"
    assert headers["content-length"] == str(len(body))
    assert headers["vary"] == "accept-encoding"


async def test_what_set_up_compressed_is_sent_as_it_lies_there(
    files: StaticFiles, tmp_path: Path
) -> None:
    """So that a start compresses no large file again."""
    ready = brotli.compress(RULES, quality=1)
    (tmp_path / "static/pages.css.br").write_bytes(ready)

    _, _, body = await _ask(files, "/static/pages.css", accept_encoding="br")

    assert body == ready


async def test_a_font_is_not_compressed_twice(files: StaticFiles) -> None:
    """WOFF2 is Brotli inside."""
    status, headers, body = await _ask(files, "/static/vendor/inter.woff2", accept_encoding="br")

    assert (status, body) == (200, b"font")
    assert headers["content-type"] == "font/woff2"
    assert "content-encoding" not in headers


async def test_a_browser_that_has_the_version_gets_no_bytes(
    files: StaticFiles, tmp_path: Path
) -> None:
    """Until the file is another one."""
    _, first, _ = await _ask(files, "/static/pages.css", accept_encoding="br")

    again = await _ask(
        files, "/static/pages.css", accept_encoding="br", if_none_match=first["etag"]
    )
    (tmp_path / "static/pages.css").write_bytes(RULES + b".b{top:0}")
    changed = await _ask(
        files, "/static/pages.css", accept_encoding="br", if_none_match=first["etag"]
    )

    assert (again[0], again[2]) == (304, b"")
    assert changed[0] == 200
    assert brotli.decompress(changed[2]).endswith(b".b{top:0}")


async def test_a_head_request_gets_the_headers_alone(files: StaticFiles) -> None:
    """Monitors ask so."""
    status, headers, body = await _ask(files, "/static/pages.css", "HEAD")

    assert (status, body) == (200, b"")
    assert headers["content-length"] == str(len(RULES))


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "vendor/../../secret.txt", "/secret.txt", "vendor", "", "none.css", "a\0b",
     "pages.css/x", "x" * 5000],
)  # fmt: skip
async def test_nothing_else_is_sent(files: StaticFiles, name: str) -> None:
    """Neither what lies outside, nor folders, nor an error for a strange name."""
    status, _, body = await _ask(files, f"/static/{name}")

    assert status == 404
    assert b"secret" not in body


async def test_a_static_file_cannot_be_written_to(files: StaticFiles) -> None:
    """The answer says what is possible."""
    status, headers, _ = await _ask(files, "/static/pages.css", "POST")

    assert (status, headers["allow"]) == (405, "GET, HEAD")
