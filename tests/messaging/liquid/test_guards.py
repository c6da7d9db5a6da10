"""Every guard is needed: with it the attack fails, without it the attack works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from messaging.liquid import engine, markup
from messaging.liquid.engine import Engine
from messaging.liquid.limits import Limits
from messaging.liquid.renderer import Renderer, TemplateInvalid, TemplateTooExpensive
from tests.messaging.liquid import checks
from tests.messaging.liquid.corpus import HOSTILE, HTMLS, VALUES

_PATIENT = Limits(wall_seconds=20, cpu_seconds=20)
_DOUBLED = "{% assign a = 'abcdefghij' %}" + "{% assign a = a | append: a %}" * 13 + "{{ a.size }}"
_BUSY = "{% for i in (1..9999) %}{{ i | plus: 1 }}{% endfor %}" * 5

_LIMITS = {
    "wall": ({"wall_seconds": 0.02}, _BUSY),
    "cpu": ({"cpu_seconds": 0.02}, _BUSY),
    "memory": (
        {"memory_bytes": 100 * 1024 * 1024},
        "{% for i in (1..4000000) reversed %}x{% break %}{% endfor %}",
    ),
    "output": ({"output_bytes": 50_000}, "{% for i in (1..9000) %}xxxxxxxxxx{% endfor %}"),
    "strings": ({"string_characters": 32 * 1024}, _DOUBLED),
    "lists": ({"list_items": 1_000}, "{% assign a = '" + "ab" * 900 + "' | split: '' %}x"),
    "assigned": ({"assigned_characters": 50_000}, _DOUBLED),
    "loops": (
        {"loop_iterations": 1_000},
        "{% for i in (1..40) %}{% for j in (1..40) %}x{% endfor %}{% endfor %}",
    ),
    "nesting": ({"block_nesting": 12}, "{% if vip %}" * 20 + "x" + "{% endif %}" * 20),
    "source": ({"source_bytes": 1_000}, "x" * 2_000),
    "values": ({"context_bytes": 100}, "{{ name }}"),
}
_WIDE = replace(
    _PATIENT,
    memory_bytes=1024 * 1024 * 1024,
    string_characters=10**7,
    list_items=10**6,
    assigned_characters=10**8,
    loop_iterations=10**7,
    block_nesting=60,
)


@pytest.fixture(scope="module")
async def wide() -> AsyncIterator[Renderer]:
    """A child with every limit wide open."""
    async with Renderer(_WIDE, size=1) as made:
        yield made


@pytest.mark.parametrize("guard", _LIMITS)
async def test_each_limit_ends_its_attack_alone(guard: str, wide: Renderer) -> None:
    """All other limits are wide open; with this one wide open too, the attack gets through."""
    limit, attack = _LIMITS[guard]
    async with Renderer(replace(_WIDE, **limit), size=1) as renderer:  # type: ignore[arg-type]
        with pytest.raises(TemplateTooExpensive):
            await renderer.render(attack, VALUES, kind="text")

    # Each is an owner of its own, who has not to rest from the one before.
    assert await wide.render(attack, VALUES, kind="text", owner=guard)


def _harm(kind: str) -> list[str]:
    """Return the attacks of a kind that get through, rendered in this process."""
    made = Engine(replace(_PATIENT, block_nesting=30))
    through = []
    for attack in HOSTILE:
        if attack.kind == kind and len(attack.source) < 10_000:
            try:
                text = made.render(attack.source, VALUES, kind=kind).text
            except engine.Refused:
                continue
            if checks.runs(text) if kind in HTMLS else checks.breaks_line(text):
                through.append(attack.name)
    return through


@pytest.mark.parametrize(
    ("guard", "kind", "broken"),
    [
        ("clean_html", "html", lambda text, **_options: (text, [])),
        ("clean_line", "subject", lambda text, **_options: text),
        ("_ADDRESS", "html", re.compile(r".*", re.DOTALL)),
        ("_STYLE_VALUE", "html", re.compile(r".*")),
        ("clean_html", "landing", lambda text, **_options: (text, [])),
        ("_ADDRESS", "landing", re.compile(r".*", re.DOTALL)),
        ("clean_line", "sms", lambda text, **_options: text),
    ],
)
def test_without_its_cleaning_an_attack_comes_through(
    guard: str, kind: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing harmful comes out; with the guard off, something does."""
    assert _harm(kind) == []

    monkeypatch.setattr(markup, guard, broken)

    assert _harm(kind) != []


def test_values_are_escaped_before_the_markup_is_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client called <b> is not bold; with escaping off, the name becomes markup."""
    made = Engine(Limits())
    assert made.render("{{ name }}", VALUES, kind="html").text == "Omar &lt;b&gt;Haddad&lt;/b&gt;"

    monkeypatch.setitem(made._languages, True, made._languages[False])

    assert made.render("{{ name }}", VALUES, kind="html").text == "Omar <b>Haddad</b>"


@pytest.mark.parametrize(
    "deed",
    [
        "open('/etc/passwd').read()",
        "open('/tmp/never', 'w')",
        "__import__('socket').socket()",
        "__import__('os').listdir('/')",
        "__import__('os').system('true')",
        "__import__('subprocess').run(['true'])",
        "__import__('os').fork()",
        "__import__('sqlite3')",
        "__import__('os').kill(1, 0)",
        "eval('1')",
    ],
)
@pytest.mark.parametrize("walls", [True, False])
def test_a_walled_process_reaches_nothing(deed: str, walls: bool) -> None:  # noqa: FBT001
    """Files, sockets, processes and imports are refused; without the walls each of them works."""
    path = json.dumps([one for one in sys.path if one])
    script = (
        f"import sys; sys.path[:] = {path}\n"
        "import os, socket, subprocess\n"
        "from messaging.liquid import child\n"
        "from messaging.liquid.limits import Limits\n"
        f"{'child.wall_in(Limits())' if walls else ''}\n"
        f"try:\n    {deed}\nexcept (PermissionError, OSError) as error:\n"
        "    refused = str(error)\n"
        "    print('refused', refused)\n"
        "else:\n    print('reached')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    # A failing kill of a foreign process is the system's refusal; ours is by name.
    expected = "refused A template's process" if walls else ("reached", "refused [Errno 1]")
    assert done.stdout.startswith(expected), (done.stdout, done.stderr[-500:])
    Path("/tmp/never").unlink(missing_ok=True)


async def test_an_unknown_filter_or_tag_is_refused_by_name() -> None:
    """What would be dangerous is not registered."""
    made = Engine(Limits())
    for name in ("safe", "base64_decode", "url_decode", "escapejs", "map", "where", "sort_natural"):
        with pytest.raises(engine.Refused, match="filter"):
            made.inspect(f"{{{{ name | {name} }}}}", kind="html")
    async with Renderer(size=1) as renderer:
        with pytest.raises(TemplateInvalid, match="include"):
            await renderer.inspect("{% include 'x' %}", kind="text")
