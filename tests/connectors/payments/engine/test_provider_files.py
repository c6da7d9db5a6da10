"""A provider file with a fault is refused with its name, the field and what to do."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.payments.engine import provider_files
from connectors.payments.engine.failures import DefinitionInvalid, ProviderUnknown

Change = Callable[[dict[str, Any]], Any]


def fault(provider_id: str, change: Change) -> DefinitionInvalid:
    """Change a good file and return the error that it is refused with."""
    data = copy.deepcopy(provider_files.merged(provider_id))
    change(data)
    with pytest.raises(DefinitionInvalid) as refused:
        provider_files.read(provider_id, data)
    return refused.value


@pytest.mark.parametrize(
    ("provider_id", "change", "field", "advice"),
    [
        ("praxis", lambda d: d.update(schema=2), "schema", "write schema = 1"),
        ("praxis", lambda d: d.update(id="other"), "id", 'id = "praxis"'),
        ("praxis", lambda d: d.pop("name"), "name", "is missing"),
        ("praxis", lambda d: d.update(nmae="x"), "nmae", "did you mean 'name'"),
        ("praxis", lambda d: d.update(kind="other"), "kind", "aggregator, brand, dialect"),
        ("praxis", lambda d: d.update(doc_checked="soon"), "doc_checked", "2026-11-23"),
        ("praxis", lambda d: d.update(level="L1"), "level", "show L0"),
        ("adyen", lambda d: d.update(level="L0"), "level", "show L1"),
        ("praxis", lambda d: d.update(level="L2"), "proof", "names the tests"),
        ("praxis", lambda d: d.update(enabled=False), "disabled_because", "write both or none"),
        (
            "praxis",
            lambda d: d["signing"]["request"].update(alg="sha383"),
            "signing.request.alg",
            "did you mean 'sha384'",
        ),
        (
            "praxis",
            lambda d: d["signing"]["request"].update(separater=":"),
            "signing.request.separater",
            "did you mean 'separator'",
        ),
        (
            "praxis",
            lambda d: d["signing"]["request"].update(text="x"),
            "signing.request.text",
            "means nothing for message 'concat'",
        ),
        (
            "praxis",
            lambda d: d["signing"]["request"]["fields"].pop(),
            "signing.request.fields",
            "anybody could sign",
        ),
        (
            "praxis",
            lambda d: d["signing"]["request"].update(key="secret.merchant_secret"),
            "signing.request.key",
            "means nothing for sha384",
        ),
        (
            "adyen",
            lambda d: d["callback"]["signature"].pop("key"),
            "callback.signature.key",
            "secret",
        ),
        (
            "stripe",
            lambda d: d["callback"]["signature"].pop("timestamp"),
            "callback.signature.tolerance_seconds",
            "write both or none",
        ),
        (
            "praxis",
            lambda d: d["signing"]["request"]["fields"].append("secret.other"),
            "signing.request",
            "declare it under [credentials]",
        ),
        (
            "praxis",
            lambda d: d["signing"]["request"]["fields"].append("bodyy.x"),
            "signing.request.fields",
            "begin a path with one of",
        ),
        (
            "praxis",
            lambda d: d["signing"]["request"].update(place={"header": "A", "body": "b"}),
            "signing.request.place",
            "write one of header, body and query",
        ),
        ("praxis", lambda d: d["callback"].pop("unsigned"), "callback.unsigned", '["status"]'),
        ("praxis", lambda d: d["callback"].pop("confirm"), "callback.confirm", "query"),
        ("skrill", lambda d: d["callback"].update(unsigned=["amount"]), "callback.unsigned", "[]"),
        ("praxis", lambda d: d["operations"].pop("query"), "callback.confirm", "operations.query"),
        ("praxis", lambda d: d["callback"].update(event_key=[]), "callback.event_key", "tells one"),
        (
            "praxis",
            lambda d: d["operations"]["deposit"].update(sign="other"),
            "operations.deposit.sign",
            "no such recipe",
        ),
        (
            "praxis",
            lambda d: d["operations"]["deposit"].update(base="other_url"),
            "operations.deposit.base",
            "no address of [env]",
        ),
        (
            "praxis",
            lambda d: d["operations"]["deposit"]["body"].update(intent="{{tx.x"),
            "operations.deposit.body.intent",
            "both pairs of braces",
        ),
        (
            "praxis",
            lambda d: d["operations"]["deposit"]["response"].update(ok="body.status"),
            "operations.deposit.response.ok",
            "write path == value",
        ),
        (
            "praxis",
            lambda d: d["status_map"]["failed"].append("sale/approved"),
            "status_map.failed",
            "stands under succeeded too",
        ),
        (
            "praxis",
            lambda d: d["status_map"].update(unknown="succeeded"),
            "status_map.unknown",
            "hold",
        ),
        (
            "praxis",
            lambda d: d["env"]["live"].update(base_url="http://x.example"),
            "env.live.base_url",
            "https",
        ),
        ("praxis", lambda d: d["env"].update(test={}), "env.test", "sandbox and live"),
        ("praxis", lambda d: d["money"].update(decimals="two"), "money.decimals", "currency"),
        (
            "examplepay",
            lambda d: d["methods"][0]["limits"]["USD"].update(min="9", max="8"),
            "methods[0].limits.USD.min",
            "not above the largest",
        ),
        (
            "praxis",
            lambda d: d["vectors"][0].update(source="somewhere"),
            "vectors[0].source",
            "vendor:",
        ),
        ("nuvei", lambda d: d.pop("auth"), "auth.token_from", "{{auth.token}}"),
        ("bank_wire", lambda d: d.pop("instructions"), "capabilities.deposit", "[[instructions]]"),
    ],
)
def test_a_fault_is_named(provider_id: str, change: Change, field: str, advice: str) -> None:
    """File, field and advice stand in the message."""
    refused = fault(provider_id, change)

    assert refused.file == f"{provider_id}.toml"
    assert refused.field == field
    assert advice in refused.advice
    assert str(refused) == f"{refused.file}: {refused.field}: {refused.advice}"


def _write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    """The syntax error has its line."""
    _write(tmp_path, "broken", "schema = \n")

    with pytest.raises(DefinitionInvalid, match="line 1"):
        provider_files.load("broken", tmp_path)


def test_a_float_in_a_file_is_refused(tmp_path: Path) -> None:
    """A fee of 1.8 would be another number; it is written as a text."""
    _write(tmp_path, "floating", "schema = 1\nfee = 1.8\n")

    with pytest.raises(DefinitionInvalid, match=r'"1\.8"'):
        provider_files.load("floating", tmp_path)


@pytest.mark.parametrize("name", ["nobody", "../praxis", "Praxis", "", "p" * 50])
def test_an_unknown_provider_is_told(name: str) -> None:
    """No path leads out of the folder."""
    with pytest.raises(ProviderUnknown):
        provider_files.load(name)


@pytest.mark.parametrize(
    ("head", "advice"),
    [
        ('kind = "brand"\nextends = "nobody"', "there is no file nobody.toml"),
        ('kind = "brand"\nextends = "praxis"', "a brand can't extend a aggregator"),
        ('kind = "manual"\nextends = "vpg"', "a manual can't extend"),
    ],
)
def test_only_what_fits_is_extended(tmp_path: Path, head: str, advice: str) -> None:
    """A brand stands on a dialect, a clone on the provider it copies."""
    for name in ("praxis", "vpg"):
        _write(tmp_path, name, (provider_files.FOLDER / f"{name}.toml").read_text())
    _write(tmp_path, "mine", f'schema = 1\nid = "mine"\n{head}\n')

    with pytest.raises(DefinitionInvalid, match=advice):
        provider_files.load("mine", tmp_path)


def test_a_brand_is_twenty_lines_on_its_dialect() -> None:
    """Its keys win table by table; recipes, statuses and vectors of the dialect come along."""
    dialect, brand = provider_files.load("vpg"), provider_files.load("examplepay")

    assert brand.signing == dialect.signing
    assert brand.callback == dialect.callback
    assert brand.statuses == dialect.statuses
    assert brand.credentials["password"] == dialect.credentials["password"]
    assert brand.credentials["base_url"].optional
    assert not dialect.credentials["base_url"].optional
    assert [one.id for one in brand.methods] == ["card", "pix", "upi"]
    inherited = {one.name for one in dialect.vectors if not one.of.startswith("operations.")}
    assert inherited < {one.name for one in brand.vectors}


def test_every_provider_can_be_connected_or_says_why_not() -> None:
    """A disabled file has its reason; every secret is declared as one."""
    for provider in provider_files.catalogue().values():
        assert provider.is_connectable or provider.disabled_because
        named = {n for n in provider.credentials if "secret" in n or "password" in n}
        assert all(provider.credentials[one].kind == "secret" for one in named)
        for path in provider.proof:
            assert (provider_files.FOLDER.parents[2] / path).is_file()
