"""Logos from strangers: what is dangerous is refused or comes out harmless; honest ones stay."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from kernel import drawings, images
from kernel.errors import InvalidInput
from tests.factories import pictures
from tests.factories.pictures import HONEST, HOSTILE, Case

_BY_LABEL = {case.label: case for case in (*HOSTILE, *HONEST)}
_END = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9"}


def harm(picture: images.Picture) -> list[str]:
    """Say what is wrong with what came out, by looking at it with other eyes."""
    data = picture.data
    if picture.media_type == "image/svg+xml":
        return _harm_of_drawing(data)
    found = ["payload"] if pictures.SECRET in data or b"<script" in data else []
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        kind = str(opened.format)
        if picture.media_type != f"image/{kind.lower()}":
            found.append("type")
        if getattr(opened, "n_frames", 1) != 1:
            found.append("animation")
        if set(opened.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}:
            found.append(f"metadata {sorted(opened.info)}")
        if max(opened.size) > 1200 or opened.mode not in ("RGB", "RGBA"):
            found.append("size or mode")
        if not data.endswith(_END[kind]):
            found.append("tail")
    return found


def _harm_of_drawing(data: bytes) -> list[str]:
    text = data.decode()
    # What stands in the text of an element is escaped; only markup counts.
    pattern = r"<!|<\?|@import|javascript:|data:|expression|image-set|\\|evil\.example|SECRET"
    found = re.findall(pattern, text)
    found += [link for link in re.findall(r"url\((.)", text) if link != "#"]
    for element in ET.fromstring(text).iter():
        name = element.tag.rpartition("}")[2]
        if name.lower() in ("script", "foreignobject", "a", "image", "animate", "set", "iframe"):
            found.append(name)
        for attribute, value in element.attrib.items():
            if attribute.lower().startswith("on") or "}" in attribute:
                found.append(attribute)
            if attribute == "href" and not value.startswith("#"):
                found.append(value)
    return found


def outcome(case: Case) -> str:
    """Return what is wrong with how a file was answered; empty when nothing is."""
    try:
        picture = images.logo(case.make())
    except InvalidInput as error:
        said = error.fields.get("file", "")
        return "" if case.refused and case.refused in said else f"refused: {said}"
    return "taken" if case.refused else ", ".join(harm(picture))


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.label)
def test_a_hostile_file_is_refused_with_words_or_comes_out_harmless(case: Case) -> None:
    """The message says what is wrong and what to send instead."""
    assert outcome(case) == ""


@pytest.mark.parametrize("case", HONEST, ids=lambda case: case.label)
def test_an_honest_logo_is_taken(case: Case) -> None:
    """And comes out as a picture of the same form."""
    assert outcome(case) == ""


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _always_png(data: bytes) -> str:
    return "JPEG" if data.startswith(b"\xff\xd8") else "PNG"


def _same(value: str) -> str:
    return value


_OFF = (
    ("check_bytes", images, _nothing, ("nothing", "six megabytes")),
    ("sniffed", images, _always_png, ("GIF as png", "PDF as png", "HTML as png")),
    (
        "check_size",
        images,
        _nothing,
        ("PNG of 25 megapixels", "PNG of one long row", "PNG of one pixel"),
    ),
    ("check_scans", images, _nothing, ("JPEG of very many scans",)),
    ("guard", drawings, _nothing, ("svg external entity", "svg billion laughs")),
    ("check_extent", drawings, _nothing, ("svg groups in groups", "svg twenty thousand elements")),
    (
        "check_element",
        drawings,
        _nothing,
        ("svg script", "svg foreign content", "svg animated link", "svg picture of another site"),
    ),
    ("check_handler", drawings, _nothing, ("svg onload", "svg handler in capitals")),
    (
        "checked_reference",
        drawings,
        _same,
        ("svg use of a script", "svg use of a page", "svg use of another site"),
    ),
    (
        "check_style",
        drawings,
        _nothing,
        ("svg style that loads", "svg mask from another site", "svg fill from another site"),
    ),
    ("check_growth", drawings, _nothing, ("svg uses of uses", "svg use of itself")),
    ("BYTES_MAX", drawings, 10**9, ("svg of a megabyte",)),
    ("is_left_behind", drawings, _nothing, ("svg editor's notes",)),
)


@pytest.mark.parametrize(
    ("name", "module", "instead", "label"),
    [(name, module, instead, label) for name, module, instead, all_ in _OFF for label in all_],
)
def test_with_a_guard_off_the_corpus_is_red(
    monkeypatch: pytest.MonkeyPatch, name: str, module: Any, instead: Any, label: str
) -> None:
    """Each guard carries its cases alone, so that the corpus' green counts."""
    monkeypatch.setattr(module, name, instead)

    try:
        answered = outcome(_BY_LABEL[label])
    except (RecursionError, Image.DecompressionBombError):
        answered = "failed"
    assert answered != ""


def test_a_picture_that_is_only_copied_carries_what_came_with_it() -> None:
    """The eyes of this test are open: an untouched file is found harmful."""
    for label in ("PNG with a page behind it", "PNG that moves", "PNG with texts and a profile"):
        untouched = images.Picture(_BY_LABEL[label].make(), "image/png", "png")
        assert harm(untouched) != []


def test_icons_are_cut_from_the_square_logo() -> None:
    """Browser tab, Apple's home screen, the installable app, and the maskable one with room."""
    made = images.square(pictures.png(), background="#0b2545")
    sizes = {name: Image.open(io.BytesIO(icon.data)).size for name, icon in made.items()}
    maskable = Image.open(io.BytesIO(made["icon-maskable"].data)).convert("RGB")

    assert sizes == {
        "square": (512, 512),
        "icon-32": (32, 32),
        "icon-180": (180, 180),
        "icon-192": (192, 192),
        "icon-512": (512, 512),
        "icon-maskable": (512, 512),
    }
    assert maskable.getpixel((4, 4)) == (11, 37, 69)
    assert [problem for icon in made.values() for problem in harm(icon)] == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pictures.png((900, 200)), "must be square"),
        (pictures.png((100, 100)), "at least 256"),
        (pictures.svg("<g/>"), "PNG, JPEG or WebP"),
    ],
)
def test_a_square_logo_that_makes_no_icons_is_refused(data: bytes, words: str) -> None:
    """With what to send instead."""
    with pytest.raises(InvalidInput) as refused:
        images.square(data, background="#0b2545")

    assert words in refused.value.fields["file"]


def measure() -> str:
    """Run the whole corpus and return its numbers as one line."""
    bad = good = 0
    slowest = 0.0
    for case in (*HOSTILE, *HONEST):
        data = case.make()
        started = time.process_time()
        try:
            wrong = bool(harm(images.logo(data)))
            bad += bool(case.refused) or (case in HOSTILE and wrong)
            good += case in HONEST and wrong
        except InvalidInput:
            good += case in HONEST
        slowest = max(slowest, time.process_time() - started)
    # Not getrusage: what started this process counts there as well.
    status = Path("/proc/self/status").read_text()
    rss = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    return (
        f"uploads: files={len(HOSTILE)}+{len(HONEST)} accepted_bad={bad} rejected_good={good}"
        f" max_rss={rss}MB max_s={slowest:.2f}"
    )


def test_the_corpus_holds_its_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """None wrongly taken or refused, within 300 MB and two seconds, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", "from tests.kernel.test_pictures import measure; print(measure())"],
        capture_output=True,
        text=True,
        check=True,
    )
    line = ran.stdout.strip()
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")
    found = dict(part.split("=") for part in line.split()[1:])

    assert len(HOSTILE) >= 40
    assert (found["accepted_bad"], found["rejected_good"]) == ("0", "0")
    assert int(found["max_rss"].removesuffix("MB")) <= 300
    assert float(found["max_s"]) <= 2
