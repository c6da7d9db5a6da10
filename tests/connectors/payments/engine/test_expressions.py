"""Paths, pipes, templates and conditions say what is meant, and errors say what to write."""

from datetime import UTC, datetime

import pytest

from connectors.payments.engine.amounts import MoneyForm
from connectors.payments.engine.expressions import (
    MISSING,
    ExpressionInvalid,
    parse,
    parse_condition,
    parse_template,
)
from connectors.payments.engine.failures import ValueMissing, ValueUnusable
from connectors.payments.engine.literals import Number, wrap
from connectors.payments.engine.scopes import Scope
from kernel.money import Money

SCOPE = Scope(
    {
        "body": wrap(
            {
                "a": {"b": "Text", "n": 7, "yes": True, "null": None},
                "list": [{"x": "first"}, {"x": "second"}],
                "odd[name]": "odd",
            }
        ),
        "header": {"X-Request-Id": "r1", "Date": "today"},
        "query": {"data.id": "ABC"},
        "raw": b"raw bytes",
        "secret": {"word": "abc"},
        "tx": {"amount": Money.of("50.5", "USD"), "currency": "USDT"},
        "now": datetime(2026, 11, 23, 16, 35, 0, tzinfo=UTC),
    },
    MoneyForm("major_string", currencies={"USDT": "usdttrc20"}, case="lower"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("body.a.b", "Text"),
        ("body.a.n", Number("7")),
        ("body.a.yes", True),
        ("body.list.1.x", "second"),
        ("body['odd[name]']", "odd"),
        ("header.x-request-id", "r1"),
        ("query.data.id", "ABC"),
        ("body.a.b|upper|reverse", "TXET"),
        ("body.a.b|limit:2", "Te"),
        ("body.a.n|text", "7"),
        ("body.a.n|fixed:3", "7.000"),
        ("raw|md5", "a36cb478703f4ea8cb83217513030feb"),
        ("raw|sha256|limit:8", "9ab366ad"),
        ("secret.word|md5|upper", "900150983CD24FB0D6963F7D28E17F72"),
        ("(body.a.b + secret.word)|b64", "VGV4dGFiYw=="),
        ("'x-' + body.a.b|lower + '/' + body.a.n", "x-text/7"),
        ("body.nowhere|default:none", "none"),
        ("body.a.null|default:'a b'", "a b"),
        ("body.a.b|map:Text=yes,other=no", "yes"),
        ("tx.amount|money", "50.50"),
        ("tx.currency|currency", "usdttrc20"),
        ("now|unix", Number("1795451700")),
        ("now|unix_ms", Number("1795451700000")),
        ("now|iso", "2026-11-23T16:35:00+00:00"),
        ("now|date:'%Y-%m-%d %H:%M'", "2026-11-23 16:35"),
        ("raw|crc32", "2110062744"),
        ("body.a.b|urlencode", "Text"),
        ("'a/b c'|urlencode", "a%2Fb%20c"),
        ("body.a.null", None),
        ("body.a.null.below", None),
        ("body.a.nowhere", MISSING),
        ("body.list.9.x", MISSING),
        ("body.a.nowhere|upper", MISSING),
        ("'x' + body.a.nowhere", MISSING),
    ],
)
def test_expressions_find(text: str, expected: object) -> None:
    """Each kind of path and pipe, and what is missing stays missing."""
    assert parse(text).find(SCOPE) == expected


def test_a_template_of_one_expression_keeps_its_type() -> None:
    """Numbers and truth stay what they are; among other text they are text."""
    assert parse_template("{{body.a.n}}").find(SCOPE) == Number("7")
    assert parse_template("n={{body.a.n}}!").find(SCOPE) == "n=7!"
    assert parse_template("").find(SCOPE) == ""


def test_what_is_missing_is_named_and_never_shown() -> None:
    """The error names the path and no value."""
    with pytest.raises(ValueMissing) as missing:
        parse_template("{{secret.word}}-{{body.a.nowhere}}").text(SCOPE)

    assert missing.value.path == "body.a.nowhere"
    assert "abc" not in str(missing.value)
    for text in ("{{tx.amount}}x", "{{body.a}}x", "{{now}}x"):
        with pytest.raises(ValueUnusable):
            parse_template(text).text(SCOPE)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("body.a.n == 7", True),
        ("body.a.n == 7.0", True),
        ("body.a.n == '7'", False),
        ("body.a.b == 'Text' and body.a.yes == true", True),
        ("body.a.b in ['x', 'Text']", True),
        ("body.a.b in ['x', 'y']", False),
        ("body.a.null == null", True),
        ("body.a.nowhere == null", False),
        ("body.a.yes == false", False),
    ],
)
def test_conditions_hold(text: str, *, holds: bool) -> None:
    """Equality minds types, and what is missing equals nothing."""
    assert parse_condition(text).holds(SCOPE) is holds


@pytest.mark.parametrize(
    "text",
    ["", "bodyy.a", "body.a|shout", "body.a +", "(body.a", "body.a body.b", "+", "body.a|", "7"],
)
def test_wrong_expressions_are_refused_with_their_place(text: str) -> None:
    """The message says where, and what may stand there."""
    with pytest.raises(ExpressionInvalid, match=" at "):
        parse(text)


@pytest.mark.parametrize("text", ["{{body.a", "body.a}}", "{{body.a}} }}"])
def test_wrong_templates_are_refused(text: str) -> None:
    """A brace too few would be sent to the provider as it is."""
    with pytest.raises(ExpressionInvalid):
        parse_template(text)


@pytest.mark.parametrize("text", ["body.a", "body.a == x", "body.a in 'x'", "body.a = 1"])
def test_wrong_conditions_are_refused(text: str) -> None:
    """A condition that is none would hold always, or never."""
    with pytest.raises(ExpressionInvalid):
        parse_condition(text)
