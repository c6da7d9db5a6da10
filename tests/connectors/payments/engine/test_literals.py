"""Numbers stay the text that was received, and doubtful bodies are refused."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.payments.engine.failures import ValueUnusable
from connectors.payments.engine.literals import (
    Number,
    parse_form,
    parse_json,
    render_json,
    scalar_text,
    wrap,
)
from tests.oracles.payment_digests import javascript_number, php


@pytest.mark.parametrize("text", ["1.000000", "50.0", "1e-7", "0", "-0.10", "5000", "1.2E+5"])
def test_a_number_is_written_as_it_came(text: str) -> None:
    """The literal survives reading and writing, digit by digit."""
    assert render_json(parse_json(f'{{"a":[{text}]}}'.encode())) == f'{{"a":[{text}]}}'


@pytest.mark.parametrize(
    ("text", "js", "as_php"),
    [
        ("1.000000", "1", "1"),
        ("50", "50", "50"),
        ("49.20", "49.2", "49.2"),
        ("0.00000012", "1.2e-7", "1.2E-7"),
        ("5e-7", "5e-7", "5.0E-7"),
        ("0.000001", "0.000001", "1.0E-6"),
        ("123456789012345678901", "123456789012345680000", "1.2345678901235E+20"),
        ("1e21", "1e+21", "1.0E+21"),
        ("0", "0", "0"),
        ("-12.50", "-12.5", "-12.5"),
        ("0.1", "0.1", "0.1"),
    ],
)
def test_each_language_writes_numbers_in_its_own_way(text: str, js: str, as_php: str) -> None:
    """JavaScript and PHP print one number differently, and both differently from the literal."""
    assert scalar_text(Number(text), "js") == js
    assert scalar_text(Number(text), "php") == as_php


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-1e12, max_value=1e12)
)
def test_javascripts_numbers_agree_with_the_oracle(value: Decimal) -> None:
    """Two ways to write a double as JavaScript does give one text."""
    text = f"{value:f}"
    assert scalar_text(Number(text), "js") == javascript_number(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=1e9))
def test_phps_numbers_agree_with_the_oracle(value: Decimal) -> None:
    """Two ways to write a number as PHP does give one text, where it needs no exponent."""
    assert scalar_text(Number(f"{value:f}"), "php") in (php(value), f"{value.normalize():f}")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}',
        b'{"b":{"a":1,"a":1}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 80 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'\xff{"a":1}',
        b"\xef\xbb\xbf{}",
        b"{",
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
    ],
)
def test_doubtful_json_is_refused(raw: bytes) -> None:
    """Doubled names, numbers that are none, half characters, depth without end."""
    with pytest.raises(ValueUnusable):
        parse_json(raw)


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"a=%ff", b"\xff=1", b"a", b"&".join([b"a=1"] * 600)])
def test_doubtful_forms_are_refused(raw: bytes) -> None:
    """Doubled names, bytes that are no UTF-8, too many fields."""
    with pytest.raises(ValueUnusable):
        parse_form(raw)


def test_a_form_keeps_empty_values() -> None:
    """An empty value is a value; plus and percent are spaces and bytes."""
    assert parse_form(b"a=&b=1+2&c=%C3%BC") == {"a": "", "b": "1 2", "c": "ü"}
    assert parse_form(b"") == {}


@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none(), st.lists, max_leaves=9))
def test_what_is_written_is_what_every_reader_reads(value: object) -> None:
    """Our JSON is JSON, without a space."""
    assert json.loads(render_json(wrap(value))) == value


def test_names_are_sorted_as_javascript_sorts_them() -> None:
    """By UTF-16 units, at every depth: a plane-1 letter stands before U+FFFD."""
    text = render_json(wrap({"\ufffd": 1, "\U0001f600": {"b": 1, "a": 2}}), ordered=True)

    assert text == '{"\U0001f600":{"a":2,"b":1},"\ufffd":1}'


def test_floats_of_ours_are_refused() -> None:
    """A float of our own can't say what was written."""
    with pytest.raises(ValueUnusable):
        wrap({"amount": 1.5})
