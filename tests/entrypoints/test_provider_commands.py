"""`marque providers` lets anybody check the engine with values of their own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connectors.payments.engine import provider_files
from entrypoints.cli import main
from tests.connectors.payments.engine.published import FIRST
from tests.connectors.payments.engine.published_rest import PUBLISHED as PUBLISHED_REST
from tests.oracles import payment_digests as oracle

PUBLISHED = {one.name.split()[0]: one for one in FIRST}
RAW1 = (
    b'{"id":"evt_1","type":"checkout.session.completed",'
    b'"data":{"object":{"id":"cs_1","amount_total":5000,"currency":"usd"}}}'
)


def run(folder: Path, *arguments: str, **files: Any) -> Result:
    """Run the command with files of the given contents behind its options."""
    given = []
    for name, content in files.items():
        path = folder / name
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(raw)
        given += [f"--{name}", str(path)]
    return CliRunner().invoke(main, ["providers", *arguments, *given])


def lines(result: Result) -> Mapping[str, str]:
    """Read `name   value` lines."""
    found = {}
    for line in result.output.splitlines():
        name, _, value = line.strip().partition("  ")
        found[name] = value.strip()
    return found


def test_the_list_counts_what_is_there(tmp_path: Path) -> None:
    """Every file has a line; the totals are counted, not claimed."""
    known = provider_files.catalogue()

    result = run(tmp_path, "list")

    assert result.exit_code == 0
    assert all(f"\n{one} " in result.output for one in known)
    assert f"{len(known)} provider files" in result.output
    assert f"{sum(one.reaches for one in known.values())} reachable methods" in result.output
    for level in ("L0", "L1", "L2", "L3", "L4"):
        count = sum(one.level == level for one in known.values())
        assert f"{level} {count}" in result.output


def test_vectors_are_verified_one_by_one_and_all(tmp_path: Path) -> None:
    """All hold, with their number; an unknown provider fails."""
    one, whole = run(tmp_path, "verify", "praxis"), run(tmp_path, "verify")

    assert (one.exit_code, whole.exit_code) == (0, 0)
    count = len(provider_files.load("praxis").vectors)
    assert f"ok    praxis: {count} vectors" in one.output
    assert f"{len(provider_files.names())} providers, all hold" in whole.output
    assert run(tmp_path, "verify", "nobody").exit_code == 1


def test_a_vector_that_does_not_hold_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command fails with the vector's name, what was expected and what came."""
    broken = provider_files.merged("skrill")
    broken["vectors"][0]["expect"] = "00"
    provider = provider_files.read("skrill", broken)
    monkeypatch.setattr(provider_files, "load", lambda _: provider)

    result = run(tmp_path, "verify", "skrill")

    assert result.exit_code == 1
    assert "payout in the form of P1: expected '00'" in result.output


@pytest.mark.parametrize(
    ("provider_id", "operation", "vector"),
    [
        ("praxis", "request", "V06"),
        ("praxis", "deposit", "V06"),
        ("praxis", "callback", "V07"),
        ("praxis", "reply", "V32"),
        ("nuvei", "session", "V04"),
        ("nuvei", "callback", "V05"),
        ("skrill", "callback", "V03"),
    ],
)
def test_any_input_is_signed(tmp_path: Path, provider_id: str, operation: str, vector: str) -> None:
    """The body as the file speaks of it is enough; the oracle signs the same."""
    one = PUBLISHED[vector]

    result = run(
        tmp_path,
        *("sign", provider_id, operation),
        input=one.data["body"],
        secrets=one.secrets,
    )

    assert result.exit_code == 0, result.output
    assert lines(result)["signature"] == one.oracle()
    assert len(lines(result)["canonical sha256"]) == 64
    assert not [text for text in one.secrets.values() if text in result.output]


def test_an_adyen_item_is_signed_alone_or_in_its_notification(tmp_path: Path) -> None:
    """V02 comes out of the item, of the named item, and of the whole body."""
    one = PUBLISHED["V02"]
    named = one.data["item"]
    for body in (
        named["NotificationRequestItem"],
        named,
        {"live": "false", "notificationItems": [named]},
    ):
        result = run(tmp_path, "sign", "adyen", "callback", input=body, secrets=one.secrets)
        assert lines(result)["signature"] == one.oracle()


def test_numbers_and_raw_bytes_are_signed_as_they_stand_in_the_file(tmp_path: Path) -> None:
    """V09 by its raw bytes, in any order; a raw body to its last byte."""
    one = PUBLISHED["V09"]
    raw = one.data["raw"].encode()
    turned = json.dumps(dict(reversed(json.loads(raw).items()))).encode()
    for given in (raw, raw + b"\n", turned, {"raw": one.data["raw"]}):
        result = run(tmp_path, "sign", "nowpayments", "callback", input=given, secrets=one.secrets)
        assert lines(result)["signature"] == one.oracle()

    secrets = {"webhook_secret": "whsec_test_8f2b"}
    envelope = {"raw": RAW1.decode(), "part": {"t": "1795450000"}}
    result = run(tmp_path, "sign", "stripe", "callback", input=envelope, secrets=secrets)
    assert lines(result)["signature"] == oracle.stripe("whsec_test_8f2b", 1795450000, RAW1)


def test_a_body_that_is_no_json_is_signed_as_it_is(tmp_path: Path) -> None:
    """A form is signed by its bytes; a line break at its end is told."""
    one = next(o for o in PUBLISHED_REST if o.name.startswith("V10"))
    secrets = {"ipn_secret": "cp_ipn_secret"}
    raw = one.data["raw"].encode()

    result = run(tmp_path, "sign", "coinpayments", "callback", input=raw, secrets=secrets)
    assert lines(result)["signature"] == one.expected
    assert "note" not in lines(result)
    broken = run(tmp_path, "sign", "coinpayments", "ipn", input=raw + b"\n", secrets=secrets)
    assert "line break" in lines(broken)["note"]
    assert lines(broken)["signature"] != one.expected


def test_what_was_left_out_of_a_signature_is_told(tmp_path: Path) -> None:
    """A null that is skipped is named, so that a flat input is not signed by mistake."""
    result = run(
        tmp_path,
        *("sign", "praxis", "callback"),
        input={"merchant_id": "m", "tid": 7},
        secrets={"merchant_secret": "s3"},
    )

    assert "body.transaction.tid" in lines(result)["left out"]


@pytest.mark.parametrize(
    ("operation", "given", "secrets", "advice"),
    [
        ("request", {}, {"merchant_secret": "s"}, "body.merchant_id is missing"),
        ("request", {}, {"secret": "s"}, "there are: merchant_id, application_key"),
        ("other", {}, {"merchant_secret": "s"}, "callback, deposit, find, query, reply"),
        ("request", [], {"merchant_secret": "s"}, "write a JSON object"),
        ("request", b"{", {"merchant_secret": "s"}, "not JSON"),
        ("request", {}, b"{", "--secrets: the file is not JSON"),
    ],
)
def test_what_cannot_be_signed_says_what_to_give(
    tmp_path: Path, operation: str, given: object, secrets: object, advice: str
) -> None:
    """Each mistake has its own words, and exit code 1."""
    result = run(tmp_path, "sign", "praxis", operation, input=given, secrets=secrets)

    assert result.exit_code == 1
    assert advice in result.output


SIGNED = {
    "Stripe-Signature": "t=1795450000,v1="
    "e536196ae89d53cd181f16347ecd6b17ea4205586f8b805757f6cba400c718e2"
}


def check(folder: Path, *arguments: str, **changed: Any) -> Result:
    """Check V01, with what is changed of it."""
    files = {
        "headers": SIGNED,
        "body": RAW1,
        "secrets": {"webhook_secret": "whsec_test_8f2b"},
        **changed,
    }
    return run(folder, "check-callback", "stripe", *arguments, **files)


def test_a_callback_is_accepted_or_refused_with_its_reason(tmp_path: Path) -> None:
    """V01 is accepted in its time; then too old, tampered, unsigned, with another secret."""
    at = ("--at", "1795450100")

    accepted = check(tmp_path, *at)
    assert accepted.exit_code == 0
    assert "accepted: 1 notice" in accepted.output
    assert "evt_1" in accepted.output
    assert check(tmp_path, "--at", "2026-11-23T16:10:00Z").exit_code == 0

    for arguments, changed, reason in (
        ((), {}, "stale"),
        (at, {"body": RAW1.replace(b"5000", b"9000")}, "wrong_signature"),
        (at, {"headers": {}}, "missing_signature"),
        (at, {"secrets": {"webhook_secret": "whsec_other"}}, "wrong_signature"),
        (at, {"secrets": {}}, "no_secret"),
        (at, {"body": b"<xml>"}, "unreadable"),
    ):
        refused = check(tmp_path, *arguments, **changed)
        assert refused.exit_code == 1
        assert f"refused: {reason}" in refused.output


def test_headers_may_be_lines_and_secrets_several(tmp_path: Path) -> None:
    """Headers as they stand in a log, and a secret that is being replaced, are taken."""
    result = check(
        tmp_path,
        *("--at", "1795450100"),
        headers=f"Stripe-Signature: {SIGNED['Stripe-Signature']}\nHost: x\n".encode(),
        secrets={"webhook_secret": ["whsec_new", "whsec_test_8f2b"]},
    )

    assert result.exit_code == 0
    assert check(tmp_path, headers=b"no colon").exit_code == 1
    assert check(tmp_path, "--at", "soon").exit_code == 1


def test_a_claim_that_is_not_signed_is_told_as_one(tmp_path: Path) -> None:
    """Praxis' approved is pending until it was asked: the command says so."""
    one = PUBLISHED["V07"]
    body = {**one.data["body"]}
    body["transaction"] = {**body["transaction"], "transaction_status": "approved"}

    result = run(
        tmp_path,
        *("check-callback", "praxis"),
        headers={"gt-authentication": one.oracle()},
        body=body,
        secrets=one.secrets,
    )

    assert result.exit_code == 0
    assert "pending (claims succeeded)" in result.output
    assert "query before it counts" in result.output
