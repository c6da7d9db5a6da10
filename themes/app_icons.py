"""Icons of the installed app, drawn from a brand's initials when it has no square logo."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from themes.page import Brand
from themes.tokens import BrandColours, derive

SIDES = {"180": 180, "192": 192, "512": 512, "maskable": 512}
"""The sides in pixels of each icon by its name; platforms cut the maskable one to their form."""
_FONTS = Path(__file__).parent / "default" / "static" / "vendor"
_ARABIC = ("\u0600", "\u06ff")
# A maskable icon is cut to a circle of 80 %: what counts stays inside of this share.
_MASKABLE_SHARE = 0.62
# Drawn so much larger and then shrunk, which smooths the edges.
_DRAWN_LARGER = 2


def drawn(brand: Brand, part: str) -> bytes:
    """Return an icon as PNG; raises KeyError for a name that is not in SIDES."""
    letters = (brand.logo_initials or brand.name[:1] or "?")[:2]
    return _drawn(letters, brand.colours, part)


@lru_cache(maxsize=512)
def _drawn(letters: str, colours: BrandColours, part: str) -> bytes:
    side = SIDES[part]
    tokens = derive(colours).light
    large = side * _DRAWN_LARGER
    whole = part in ("maskable", "180")  # telephones round these themselves
    picture = Image.new("RGBA", (large, large), tokens["brand-solid"] if whole else (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    if not whole:
        pen.rounded_rectangle(
            (0, 0, large - 1, large - 1), radius=large // 4, fill=tokens["brand-solid"]
        )
    scale = _MASKABLE_SHARE if part == "maskable" else 0.8
    font = _font(letters, round(large * scale * (0.6 if len(letters) < 2 else 0.48)))
    middle = large / 2
    pen.text(
        (middle, middle - large * 0.04), letters, font=font, fill=tokens["on-brand"], anchor="mm"
    )
    width, line = large * scale * 0.46, large * scale * 0.07
    top = middle + large * scale * 0.34
    pen.rounded_rectangle(
        (middle - width / 2, top, middle + width / 2, top + line),
        radius=line / 2,
        fill=tokens["accent-raw"],
    )
    out = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _font(letters: str, size: int) -> ImageFont.FreeTypeFont:
    arabic = any(_ARABIC[0] <= letter <= _ARABIC[1] for letter in letters)
    name = "noto-sans-arabic-arabic" if arabic else "inter-latin"
    font = ImageFont.truetype(_FONTS / f"{name}-wght-normal.woff2", size)
    font.set_variation_by_name("Bold")
    return font
