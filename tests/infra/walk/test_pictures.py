"""The documents that the walk draws."""

from io import BytesIO

from PIL import Image

from infra.walk.pictures import document


def test_a_drawn_document_is_a_picture_that_others_can_read() -> None:
    """Pillow decodes it whole, and the same seed draws the same."""
    data = document("one")
    with Image.open(BytesIO(data)) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (640, 420))
    assert data == document("one")
    assert data != document("two")
