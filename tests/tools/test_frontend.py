"""The vendor folder holds what pages need, and nothing in it points outside."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import brotli
import pytest
from fontTools.ttLib import TTFont

from themes.tokens import FONTS
from tools import frontend
from tools.fonts import ranges


@pytest.fixture(scope="module")
def vendor() -> Path:
    """The vendor folder, brought up to date."""
    subprocess.run([sys.executable, "tools/frontend.py", "dev"], cwd=frontend.ROOT, check=True)
    return frontend.OUTPUT


def test_every_icon_in_use_is_in_the_sprite_and_no_other(vendor: Path) -> None:
    """A name that Tabler does not have would draw nothing."""
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (vendor / "icons.svg").read_text()))

    assert set(frontend.icons_in_sources()) == symbols


@pytest.mark.parametrize("font", FONTS)
def test_fonts_are_local_and_swap(vendor: Path, font: str) -> None:
    """Every font address is a file beside the style sheet, limited to its script.

    A sheet declares the families of its own stack, no other, and one of them writes Arabic.
    """
    faces = re.findall(r"@font-face\s*{[^}]*}", (vendor / f"font-{font}.css").read_text())

    families = {name for face in faces for name in re.findall(r"font-family: '([^']+)", face)}
    assert families == set(re.findall(r'"([^"]+ Variable)"', FONTS[font]))
    assert any(low <= 0x0628 <= high for face in faces for low, high in ranges(face))
    for face in faces:
        (address,) = re.findall(r"url\(([^)]+)\)", face)
        assert (vendor / address).is_file()
        assert "font-display: swap" in face
        assert "unicode-range" in face


def test_compressed_files_are_the_same_files(vendor: Path) -> None:
    """A browser gets the same bytes whichever encoding it accepts."""
    files = [path for path in vendor.iterdir() if path.suffix in {".css", ".js", ".svg"}]

    made = {"echarts.min.js", "icons.svg", *(f"font-{name}.css" for name in FONTS)}
    assert {path.name for path in files} == {*frontend.COPIES, *frontend.SHEETS, *made}
    for path in files:
        assert gzip.decompress(Path(f"{path}.gz").read_bytes()) == path.read_bytes()
        assert brotli.decompress(Path(f"{path}.br").read_bytes()) == path.read_bytes()


def test_no_file_asks_for_another_one(vendor: Path) -> None:
    """Source maps are not copied, so nothing may point to them; nor may a style sheet go out."""
    for path in [*vendor.glob("*.css"), *vendor.glob("*.js")]:
        text = path.read_text()
        assert "sourceMappingURL" not in text
        assert not re.search(r"@import|url\(\s*['\"]?https?:", text)


def test_the_npm_lock_names_no_registry() -> None:
    """Where packages come from is the machine's configuration; what they are is the hash."""
    packages = json.loads((frontend.ROOT / "package-lock.json").read_text())["packages"]

    fetched = [entry for name, entry in packages.items() if name]
    assert all("integrity" in entry and "resolved" not in entry for entry in fetched)


def test_the_parts_of_echarts_are_those_that_charts_are_drawn_with(vendor: Path) -> None:
    """A chart type that is drawn and not bundled would stay an empty box."""
    drawing = (frontend.ROOT / "themes/default/static/chart-options.js").read_text()
    entry = (frontend.ROOT / frontend.CHARTS).read_text()

    drawn = set(re.findall(r"type: '(bar|line|scatter|pie|gauge|heatmap|funnel)'", drawing))
    assert {f"{kind.capitalize()}Chart" for kind in drawn} == set(
        re.findall(r"([A-Z]\w+Chart)\b", entry)
    )
    assert (vendor / "echarts.min.js").stat().st_size < 600_000


@pytest.mark.parametrize("name", sorted(frontend.ARABIC))
def test_arabic_text_needs_the_small_file_only(vendor: Path, name: str) -> None:
    """It has every character of the Arabic block that the whole font has, and all weights."""
    whole = TTFont(vendor / name)
    small = TTFont(vendor / name.replace(".woff2", "-block.woff2"))
    block = {code for low, high in frontend.ARABIC_BLOCKS for code in range(low, high + 1)}

    assert set(small.getBestCmap()) & block == set(whole.getBestCmap()) & block
    assert "rlig" in {one.FeatureTag for one in small["GSUB"].table.FeatureList.FeatureRecord}
    axis = small["fvar"].axes[0]
    assert (axis.axisTag, axis.minValue, axis.maxValue) == ("wght", *frontend.WEIGHTS)
