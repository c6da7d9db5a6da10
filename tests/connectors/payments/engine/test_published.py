"""Every vector of payments.md comes out of the engine and out of the independent oracle."""

import pytest

from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.amounts import MoneyForm
from connectors.payments.engine.literals import parse_form, parse_json, wrap
from connectors.payments.engine.recipe_tables import read_recipe
from connectors.payments.engine.recipes import Recipe, sign
from connectors.payments.engine.scopes import Scope
from connectors.payments.engine.sections import Section
from tests.connectors.payments.engine.published import Published
from tests.connectors.payments.engine.published_rest import PUBLISHED


def recipe_of(one: Published) -> Recipe:
    """The recipe of a line: out of a provider file, or the table itself."""
    if isinstance(one.recipe, tuple):
        name, of = one.recipe
        return vectors.recipe_of(provider_files.load(name), of)
    return read_recipe(Section("test.toml", "signing.test", one.recipe), receives=False)


def scope_of(one: Published) -> Scope:
    """What a line's recipe sees."""
    raw = one.data.get("raw", "").encode()
    body: object = wrap(one.data.get("body", {}))
    if raw and one.data.get("encoding", "json") != "none":
        body = parse_form(raw) if one.data.get("encoding") == "form" else parse_json(raw)
    roots = {
        "secret": dict(one.secrets),
        "body": body,
        "raw": raw,
        "item": wrap(one.data.get("item", {})),
        "header": one.data.get("headers", {}),
        "query": parse_form(one.data.get("query", "").encode()),
        "part": one.data.get("part", {}),
        "verb": "POST",
        "path": one.data.get("path", ""),
    }
    return Scope(roots, MoneyForm("major_string"))


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.name)
def test_the_printed_digest_comes_out(one: Published) -> None:
    """The engine signs as the table prints, and so does code that knows nothing of the engine."""
    from_oracle = one.oracle()

    assert sign(recipe_of(one), scope_of(one)) == from_oracle
    assert one.expected in (None, from_oracle)


def test_the_table_is_whole() -> None:
    """All vectors are here; the digests of four are withheld, and only of these four."""
    known = [one.name.split()[0] for one in PUBLISHED]
    wanted = [f"P{n}" for n in range(1, 6)]
    wanted += [f"V{n:02}" for n in (*range(1, 20), 21, 22, 23, 27, 28, 29, 31, 32, 33)]

    assert sorted(known) == sorted(wanted)
    withheld = {one.name.split()[0] for one in PUBLISHED if one.expected is None}
    assert withheld == {"V02", "V05", "V07", "V09"}
