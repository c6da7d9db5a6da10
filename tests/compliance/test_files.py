"""Files as they come from strangers: kept clean, or refused with a sentence."""

from __future__ import annotations

import io
import time
import zlib

import pytest
from PIL import Image

from compliance import files
from kernel.errors import InvalidInput
from tests.factories import documents


def _refusal(data: bytes) -> str:
    with pytest.raises(InvalidInput) as raised:
        files.clean(data)
    return raised.value.fields["file"]


def test_a_photo_loses_its_metadata_and_keeps_its_size() -> None:
    """The camera's name is in what came and not in what is kept."""
    sent = documents.jpeg()
    kept = files.clean(sent)

    assert documents.EXIF_MAKER in sent
    assert documents.EXIF_MAKER not in kept.data
    assert kept.media_type == "image/jpeg"
    assert Image.open(io.BytesIO(kept.data)).size == (640, 420)


def test_what_is_hidden_behind_a_picture_is_left_behind() -> None:
    """A picture that is a page of a web site as well keeps only its pixels."""
    kept = files.clean(documents.png() + b"<script>alert(1)</script>%PDF-1.7")

    assert b"<script>" not in kept.data
    assert kept.media_type == "image/png"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + bytes(300),
        b"MZ" + bytes(300),
        b"\n" + documents.pdf(),
        b"<html>" + documents.jpeg(),
    ],
)
def test_a_kind_that_is_not_accepted_is_refused(data: bytes) -> None:
    """The first bytes decide, whatever the name says."""
    assert "JPG" in _refusal(data)


def test_a_pixel_flood_is_refused_before_it_is_decoded() -> None:
    """900 megapixels in a few kilobytes cost no time and no memory."""
    started = time.monotonic()

    assert "40 megapixels" in _refusal(documents.pixel_flood())
    assert time.monotonic() - started < 1


def test_a_picture_just_over_the_limit_is_refused() -> None:
    """Pillow alone would only warn here."""
    assert "40 megapixels" in _refusal(documents.pixel_flood(6_400))


def test_a_file_of_more_than_ten_megabytes_is_refused() -> None:
    """Even when it begins as a picture does."""
    assert "10 MB" in _refusal(b"\xff\xd8\xff" + bytes(files.BYTES_MAX))


def test_half_a_picture_is_refused() -> None:
    """The client is asked to send it again."""
    assert "can't be read" in _refusal(documents.jpeg((900, 900))[:2000])


def test_a_plain_pdf_is_kept_as_it_came() -> None:
    """A bank's statement stays what it was."""
    sent = documents.pdf(stream=zlib.compress(b"BT (hello) Tj ET"), head=b"/Filter /FlateDecode")

    assert files.clean(sent).data == sent


@pytest.mark.parametrize(
    "extra",
    [
        b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>",
        b"/OpenAction << /S /J#61vaScript /J#53 (x) >>",
        b"/Names << /EmbeddedFiles 5 0 R >>",
        b"/AA << /O 5 0 R >>",
        b"/X << /S /Launch /F (cmd.exe) >>",
    ],
)
def test_a_pdf_that_could_act_is_refused(extra: bytes) -> None:
    """Scripts, actions and attachments, also with escaped names."""
    assert "scripts, actions or attachments" in _refusal(documents.pdf(extra))


def test_a_script_packed_into_an_object_stream_is_found() -> None:
    """Compression hides nothing."""
    sent = documents.packed_objects(b"5 0 << /S /JavaScript /JS (x) >>")

    assert b"JavaScript" not in sent
    assert "scripts" in _refusal(sent)


def test_objects_behind_an_uncommon_filter_are_refused() -> None:
    """What can't be looked at is not kept."""
    sent = documents.pdf(
        stream=b"9jqo^", head=b"/Type /ObjStm /N 1 /First 4 /Filter /ASCII85Decode"
    )

    assert "scripts" in _refusal(sent)


def test_a_stream_inside_a_stream_is_refused() -> None:
    """A false beginning would hide the true one from the search."""
    hidden = zlib.compress(b"5 0 << /S /JavaScript /JS (x) >>")
    sent = documents.pdf().replace(
        b"trailer",
        b"%stream\n4 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n"
        + hidden
        + b"\nendstream\nendobj\ntrailer",
    )

    assert "can't be read" in _refusal(sent)


def test_a_locked_pdf_is_refused() -> None:
    """It can't be looked into."""
    assert "password" in _refusal(documents.pdf(b"/Encrypt 9 0 R"))


def test_a_pdf_with_an_archive_behind_its_end_is_refused() -> None:
    """The end of the file must be the end of the document."""
    assert "can't be read" in _refusal(documents.pdf() + b"PK\x03\x04" + bytes(5000))


def test_a_pdf_that_unpacks_without_end_is_refused() -> None:
    """A hundred megabytes of nothing fit into a hundred kilobytes."""
    bomb = zlib.compress(bytes(100 * 1024 * 1024), 9)

    assert "can't be read" in _refusal(documents.pdf(stream=bomb, head=b"/Filter /FlateDecode"))
