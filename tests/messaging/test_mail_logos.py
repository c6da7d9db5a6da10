"""A mail carries its brand's logo with it, as a small PNG beside its HTML."""

from __future__ import annotations

import io
from email.message import EmailMessage

import pytest
from PIL import Image

from connectors.mail.port import InlineImage, Mail, MailRefused
from connectors.mail.smtp import compose
from messaging import mail_logos
from tests.factories import pictures

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><path d="M0 0h90v30H0z"/></svg>'


@pytest.mark.parametrize(
    ("data", "kind"), [(SVG, "image/svg+xml"), (pictures.png((1200, 300)), "image/png")]
)
async def test_whatever_a_logo_was_drawn_as_it_becomes_a_small_png(data: bytes, kind: str) -> None:
    """Twice the height that the layout shows."""
    made = await mail_logos._drawn(data, kind)

    with Image.open(io.BytesIO(made)) as picture:
        assert picture.format == "PNG"
        assert picture.height == mail_logos.HEIGHT
    assert len(made) < 60_000


def _mail(content_id: str) -> Mail:
    return Mail(
        sender="a@b.example",
        to="c@d.example",
        subject="x",
        text="x",
        html=f'<img src="cid:{content_id}">',
        images=(InlineImage(content_id, b"\x89PNG"),),
    )


def test_the_picture_is_a_part_beside_the_html_and_the_text_stays_alone() -> None:
    """multipart/alternative of text and of multipart/related; the id is the one in the HTML."""
    message = compose(_mail("logo-abc@brand"))
    text, related = message.iter_parts()

    assert isinstance(related, EmailMessage)
    assert text.get_content_type() == "text/plain"
    assert related.get_content_type() == "multipart/related"
    html, picture = related.iter_parts()
    assert html.get_content_type() == "text/html"
    assert picture["Content-ID"] == "<logo-abc@brand>"
    assert picture.get_content_disposition() == "inline"


@pytest.mark.parametrize("name", ["x", "a@b>\r\nBcc: e@f.example", "a b@c"])
def test_a_pictures_name_can_not_carry_a_header(name: str) -> None:
    """A name that is none is refused for good."""
    with pytest.raises(MailRefused):
        compose(_mail(name))
