"""Files of the themes over HTTP: kept in memory, compressed once, never outside their folder."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import brotli
from litestar.datastructures import Headers
from litestar.types import HTTPScope, Receive, Scope, Send

_COMPRESSED = {".css", ".js", ".json", ".svg", ".txt", ".webmanifest"}
_UNKNOWN = "application/octet-stream"
_TYPES = {".woff2": "font/woff2", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True)
class Kept:
    """A file as it is sent: its bodies by content coding, with what was seen of it on disk."""

    stamp: tuple[int, int]
    kind: str
    tag: str
    bodies: dict[str, bytes]


class StaticFiles:
    """Answers GET and HEAD below `/static/` with what lies in a folder."""

    def __init__(self, folder: Path, others: Mapping[str, Path] | None = None) -> None:
        """Take the folder, and others by the start of the names that lie in them.

        Nothing is read before somebody asks.
        """
        self._folder = folder.resolve()
        self._others = {start: other.resolve() for start, other in (others or {}).items()}
        self._kept: dict[Path, Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 200, 304 for the version that the browser has, 404 or 405."""
        del receive
        if str(scope["type"]) != "http":
            return
        scope = cast("HTTPScope", scope)
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, [(b"allow", b"GET, HEAD")])
            return
        kept = await self._find(scope["path"].removeprefix("/static/"))
        if kept is None:
            await _answer(send, 404, [], b"There is no such file.")
            return
        headers = Headers.from_scope(scope)
        coding = _best(headers.get("accept-encoding", ""), kept.bodies)
        tag = f'"{kept.tag}-{coding}"'
        answer = [(b"etag", tag.encode()), (b"vary", b"accept-encoding"),
                  (b"cache-control", b"no-cache")]  # fmt: skip
        if tag in headers.get("if-none-match", ""):
            await _answer(send, 304, answer)
            return
        body = kept.bodies[coding]
        answer += [(b"content-type", kept.kind.encode()),
                   (b"content-length", str(len(body)).encode())]  # fmt: skip
        if coding != "identity":
            answer.append((b"content-encoding", coding.encode()))
        await _answer(send, 200, answer, b"" if scope["method"] == "HEAD" else body)

    async def _find(self, name: str) -> Kept | None:
        if "\0" in name:
            return None
        folder = self._folder
        for start, other in self._others.items():
            if name.startswith(start):
                folder, name = other, name.removeprefix(start)
                break
        path = (folder / name).resolve()
        try:
            seen = path.stat()
        except OSError:
            return None
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        stamp = (seen.st_mtime_ns, seen.st_size)
        kept = self._kept.get(path)
        if kept is None or kept.stamp != stamp:
            kept = self._kept[path] = await asyncio.to_thread(_read, path, stamp)
        return kept


def _read(path: Path, stamp: tuple[int, int]) -> Kept:
    """Read a file and what set-up has compressed beside it, or compress it now."""
    data = path.read_bytes()
    bodies = {"identity": data}
    if path.suffix in _COMPRESSED:
        bodies["br"] = _beside(path, ".br") or brotli.compress(data, quality=11)
        bodies["gzip"] = _beside(path, ".gz") or gzip.compress(data, 9, mtime=0)
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or _UNKNOWN
    if kind.startswith("text/") or kind.endswith("javascript"):
        kind += "; charset=utf-8"
    return Kept(stamp, kind, hashlib.sha256(data).hexdigest()[:16], bodies)


def _beside(path: Path, ending: str) -> bytes | None:
    file = path.with_name(path.name + ending)
    return file.read_bytes() if file.is_file() else None


def _best(accepted: str, bodies: dict[str, bytes]) -> str:
    """Choose the smallest body that the browser takes."""
    takes = set()
    for part in accepted.lower().replace(" ", "").split(","):
        coding, _, weight = part.partition(";q=")
        if weight.strip("0.") or not weight:
            takes.add(coding)
    return next((one for one in ("br", "gzip") if one in takes and one in bodies), "identity")


async def _answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
