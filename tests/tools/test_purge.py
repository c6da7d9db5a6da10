"""Purging a style sheet keeps every rule that a page can meet."""

from __future__ import annotations

import pytest

from tools import frontend, purge

SHEET = (
    '@charset "UTF-8";/*! notice */:root{--t-a:1px;--t-b:var(--t-c);--t-c:2px;--t-d:3px}'
    ".btn,.nav .gone{color:red;padding:var(--t-b)}.gone{top:var(--t-d)}"
    ".btn:not(.gone):hover{left:0}:is(.gone,.btn) p{left:1px}a[href='.gone']{left:2px}"
    r".w-1\/2{width:50%}@media (min-width:1px){.gone{a:b}}@media print{.btn{content:';}'}}"
    "@keyframes spin{to{rotate:1turn}}@keyframes still{to{top:0}}.spinner{animation:1s spin}"
    ".icon{background:url(data:image/svg+xml;base64,a)}"
)


def _purged(*words: str, properties: tuple[str, ...] = ()) -> str:
    return purge.purge(SHEET, words=words, properties=properties)


def test_a_selector_goes_when_a_class_it_needs_is_nowhere() -> None:
    """Its neighbours in the same rule stay."""
    text = _purged("btn")

    assert ".btn{color:red" in text
    assert ".gone{" not in text
    assert ".nav" not in text


@pytest.mark.parametrize(
    "rule", [".btn:not(.gone):hover{", ":is(.gone,.btn) p{", "a[href='.gone']{"]
)
def test_a_class_that_a_selector_does_not_need_takes_nothing_away(rule: str) -> None:
    """Negations, alternatives and the values of attributes."""
    assert rule in _purged("btn")


def test_custom_properties_go_when_nothing_reads_them() -> None:
    """Also when what read them has gone; those that other style sheets read stay."""
    text = _purged("btn", properties=("--t-d",))

    assert "--t-b:var(--t-c);--t-c:2px;--t-d:3px" in text
    assert "--t-a" not in text
    assert "--t-d" not in _purged("btn")
    assert ":root" not in _purged("nothing")


def test_empty_conditions_go_and_strings_are_no_syntax() -> None:
    """A semicolon or a brace in quotes ends nothing."""
    text = _purged("btn", "icon")

    assert "min-width" not in text
    assert "@media print{.btn{content:';}'}}" in text
    assert "url(data:image/svg+xml;base64,a)" in text


def test_keyframes_stay_while_a_rule_plays_them() -> None:
    """And go with it."""
    assert "@keyframes spin" in _purged("spinner")
    assert "@keyframes still" not in _purged("spinner")
    assert "@keyframes" not in _purged("btn")


def test_a_class_with_a_backslash_is_the_class_without() -> None:
    """Markup says w-1/2."""
    assert "width:50%" in _purged("w-1/2")
    assert "width:50%" not in _purged("w-1")


def test_a_style_sheet_that_ends_too_early_is_refused() -> None:
    """A half-copied file must not become a half-styled page."""
    for broken in (".a{b:c", "@media print{.a{b:c}", ".a{b:c}}", ".a"):
        with pytest.raises(ValueError, match=r"closed|too many"):
            purge.purge(broken, words={"a"})


@pytest.mark.parametrize("name", frontend.SHEETS)
def test_nothing_is_lost_from_tabler_when_everything_is_used(name: str) -> None:
    """Purging with all its words gives the sheet back, but for its comments."""
    sheet = (frontend.MODULES / frontend.SHEETS[name]).read_text(encoding="utf-8")

    words = set(purge.WORD.findall(sheet)) | purge.classes(sheet)
    kept = purge.purge(sheet, words=words, properties=words)

    assert purge.classes(kept) == purge.classes(sheet)
    assert len(kept) > len(sheet) - 1000
