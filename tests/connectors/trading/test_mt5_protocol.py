"""The MT5 rules that need no network: challenge vectors, return codes, signs, cutting."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.trading import mt5_protocol as protocol
from connectors.trading.port import CashKind
from tests.oracles import mt5_challenge


@pytest.mark.parametrize(
    ("password", "hashed"),
    [
        ("Password1", "904ba8ecb16273d2f0ae9c3b8a023752"),
        ("test", "2f89076a25fc7dd5e68a1cc7471d13ae"),
        ("Pässwörd€1", "169ff113d5181c77353f0d70c98d0ed6"),
        ("A1b2C3d4!", "b7a30342dc858b973e1296dfb0cf9156"),
    ],
)
def test_a_password_hashes_to_the_known_vector(password: str, hashed: str) -> None:
    """The first two vectors are the published example's; ours and the oracle's agree."""
    assert protocol.password_hash(password).hex() == hashed
    assert mt5_challenge.stored_hash(password) == hashed


@pytest.mark.parametrize(
    ("password", "random", "answer"),
    [
        (
            "Password1",
            "73007dc7184747ce0f7c98516ef1c851",
            "77fe51827f7fa69dd80fbec9aa33f1bb",
        ),
        (
            "Password1",
            "4db98fec17aab4dc5a240bdc659e8395",
            "1732021b1b332f51660b2b315eed3a35",
        ),
        ("test", "00112233445566778899aabbccddeeff", "36616b988054a57d0e648d887f14ba1d"),
        (
            "Pässwörd€1",
            "00112233445566778899aabbccddeeff",
            "9a6cc36f54468a97e296209cb6990267",
        ),
        (
            "A1b2C3d4!",
            "ffeeddccbbaa99887766554433221100",
            "e9c99a8e335f9916ecd7c634b895a000",
        ),
    ],
)
def test_a_challenge_is_answered_as_the_vectors_say(
    password: str, random: str, answer: str
) -> None:
    """The answers of both sides follow the same rule; hex of either case is accepted."""
    assert protocol.challenge_answer(password, random) == answer
    assert protocol.challenge_answer(password, random.upper()) == answer
    assert mt5_challenge.answer(password, random) == answer
    assert protocol.is_proof(password, random, answer.upper())
    assert not protocol.is_proof(password, random, answer[:-1] + "x")
    assert not protocol.is_proof(password, random, "")


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(min_size=16, max_size=16),
)
def test_any_password_agrees_with_the_oracle(password: str, random: bytes) -> None:
    """Two implementations from the description give the same answer, also beyond the BMP."""
    assert protocol.challenge_answer(password, random.hex()) == mt5_challenge.answer(
        password, random.hex()
    )


@pytest.mark.parametrize("random", ["", "zz", "00112233", "00" * 17, "0" * 31])
def test_a_challenge_that_is_not_sixteen_bytes_is_malformed(random: str) -> None:
    """A server can't have us sign something of its choice in another shape."""
    with pytest.raises(protocol.Malformed):
        protocol.challenge_answer("test", random)


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b'{"retcode":"0 Done"}', 0, "Done"),
        (b'{"retcode":"13 Not found"}', 13, "Not found"),
        (b'{"retcode":"10019"}', 10019, ""),
        (b'{"retcode":3,"future":{"a":[1]}}', 3, ""),
        (b' {"answer":[{"x":"1"}],"retcode":"0 Done"} ', 0, "Done"),
    ],
)
def test_a_return_code_is_read_with_and_without_text(body: bytes, code: int, text: str) -> None:
    """Texts of several words, none, a bare number and unknown fields are all read."""
    reply = protocol.parse(body)

    assert (reply.code, reply.text) == (code, text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b"{}",
        b'{"retcode":""}',
        b'{"retcode":"Done"}',
        b'{"retcode":"-1 x"}',
        b'{"retcode":"9999999999"}',
        b'{"retcode":{}}',
        b'{"retcode":"\xff"}',
        b'{"retcode":"0 Done"',
        b'{"retcode":"0 Done","answer":' + b"[" * 100_000 + b"}",
    ],
)
def test_an_answer_without_a_return_code_is_malformed(body: bytes) -> None:
    """What can't be read is never taken for a yes."""
    with pytest.raises(protocol.Malformed):
        protocol.parse(body)


def test_the_inner_answer_stays_the_bytes_that_came() -> None:
    """Whitespace, order and escapes of the array survive, for the database to read."""
    inner = b'[ {"Deal":"1", "Comment":"\\u00e9 \xc3\xa9"} ,{"Profit":"1.10"}]'

    assert protocol.parse(b'{"retcode":"0 Done","answer":' + inner + b"}").answer == inner


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, "done"),
        (1, "done"),
        (12, "slow_down"),
        (13, "not_found"),
        (14, "partial"),
        *((code, "transport") for code in (7, 9, 10, 11, 15, 1018)),
        *((code, "refused") for code in (2, 3, 4, 8, 17, 1001, 3006, 4005, 10018, 10019)),
    ],
)
def test_return_codes_fall_into_retry_classes(code: int, outcome: str) -> None:
    """Only a refusal is a definite no; trouble on the way leaves a write unknown."""
    assert protocol.outcome(code) == outcome


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("deposit", "250.07", (2, "250.07")),
        ("withdrawal", "250.07", (2, "-250.07")),
        ("credit", "1E+3", (3, "1000")),
        ("credit_out", "5", (3, "-5")),
        ("charge", "5", (4, "-5")),
        ("correction", "-0.01", (5, "-0.01")),
        ("bonus", "0.00000001", (6, "0.00000001")),
    ],
)
def test_a_kind_of_cash_has_an_action_and_a_sign(
    kind: CashKind, amount: str, expected: tuple[int, str]
) -> None:
    """Amounts are written out in digits, never with an exponent."""
    assert protocol.cash_parameters(kind, Decimal(amount)) == expected


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_a_deposit_of_nothing_or_less_is_never_sent(amount: str) -> None:
    """The kind gives the direction, so a negative deposit is a mistake of the caller."""
    with pytest.raises(ValueError, match="positive"):
        protocol.cash_parameters("deposit", Decimal(amount))


def test_a_comment_keeps_its_token_when_cut() -> None:
    """The token stands first; what is cut is the end, and line breaks never leave."""
    token = "x" + "a" * 16

    assert protocol.cut_comment(f"{token} DEP-7F3K2M from wallet", 31) == f"{token} DEP-7F3K2M fr"
    assert protocol.cut_comment(f"{token}\r\n\x00é", 31) == f"{token}é"
