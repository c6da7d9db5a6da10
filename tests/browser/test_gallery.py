"""Every page of both brands, at a desk's and a telephone's width, as pictures to look through."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import pictures

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.browser
@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_every_page_of_both_brands_can_be_opened_and_photographed(data: Path) -> None:
    """The gallery lies in build/gallery, with an index; a page that does not open fails."""
    assert pictures.gallery(data, ROOT / "build" / "gallery") == []
    assert (ROOT / "build" / "gallery" / "index.html").exists()
