"""One side from a file: strict, and each wrong line is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from entrypoints import cli
from kernel.money import Money
from treasury.reconciliation import files
from treasury.reconciliation.files import UnreadableFile
from treasury.reconciliation.records import Record

HEAD = "id,amount,currency,time,status,fee\n"


def read(text: str) -> list[Record]:
    """Read a provider's file."""
    return files.read(text.encode(), side="psp", name="psp.csv")


def test_a_file_is_read_as_it_stands() -> None:
    """Columns in any order, a byte order mark, empty lines, an empty fee, UTC by default."""
    found = read(
        "\ufefffee,id,amount,currency,time,status\r\n"
        "2.65,DEP-7F3K2M9Q,100.00,USD,2026-11-30T10:00:00+02:00,settled\r\n"
        "\r\n"
        ",,5000,JPY,2026-11-30 10:00:00,pending\r\n"
    )

    ten = datetime(2026, 11, 30, 10, tzinfo=UTC)
    assert found == [
        Record(
            "psp",
            "DEP-7F3K2M9Q",
            Money.of("100.00", "USD"),
            ten.replace(hour=8),
            "done",
            Decimal("2.65"),
            "line 2",
        ),
        Record("psp", "", Money.of("5000", "JPY"), ten, "under_way", None, "line 4"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,1.00,USD,2026-11-30T10:00:00Z,settled", "has 5 cells instead of 6"),
        ("A,1e3,USD,2026-11-30T10:00:00Z,settled,", "'1e3' is not an amount"),
        ("A,NaN,USD,2026-11-30T10:00:00Z,settled,", "'NaN' is not an amount"),
        ('A,"1,000.00",USD,2026-11-30T10:00:00Z,settled,', "'1,000.00' is not an amount"),
        ("A,1.001,USD,2026-11-30T10:00:00Z,settled,", "more than the 2 decimals of USD"),
        ("A,1.00,usd,2026-11-30T10:00:00Z,settled,", "the currency 'usd' is not known"),
        ("A,1.00,USD,30.11.2026,settled,", "'30.11.2026' is not a time"),
        ("A,1.00,USD,2026-11-30T10:00:00Z,banana,", "the status 'banana' is not known"),
        ("A,1.00,USD,2026-11-30T10:00:00Z,settled,-1", "a fee is not below zero"),
        ("A,1.00,USD,2026-11-30T10:00:00Z,settled,x", "'x' is not an amount"),
        (f"{'A' * 121},1.00,USD,2026-11-30T10:00:00Z,settled,", "the id is longer than 120"),
        ("A\x01,1.00,USD,2026-11-30T10:00:00Z,settled,", "control characters"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(row: str, said: str) -> None:
    """So that whoever made the file can mend it."""
    good = "B,1.00,USD,2026-11-30T10:00:00Z,settled,\n"
    with pytest.raises(UnreadableFile) as refused:
        read(f"{HEAD}{good}{row}\n{good}")

    assert refused.value.text.startswith("psp.csv:3: ")
    assert said in refused.value.text


def test_every_wrong_line_is_named_up_to_twenty() -> None:
    """And how many more there are."""
    with pytest.raises(UnreadableFile) as refused:
        read(HEAD + "A\n" * 23)

    lines = refused.value.text.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "psp.csv: 3 more lines are wrong"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "psp.csv:1: the first line names the columns"),
        (b"id,amount\n", "psp.csv:1: the first line names the columns"),
        (HEAD.encode() + b"\xff\n", "psp.csv:2: not UTF-8"),
        (HEAD.encode() + b'"A\n', "psp.csv:2: not CSV"),
        (b" " * (files.BYTES_MAX + 1), "psp.csv: larger than 32 MB"),
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes, said: str) -> None:
    """Before anything of it is used."""
    with pytest.raises(UnreadableFile) as refused:
        files.read(data, side="psp", name="psp.csv")

    assert refused.value.text.startswith(said)


def test_an_entry_of_the_book_names_its_payment() -> None:
    """A line without one says nothing."""
    with pytest.raises(UnreadableFile, match="the id is missing"):
        files.read(
            f"{HEAD},1.00,USD,2026-11-30T10:00:00Z,,\n".encode(), side="ledger", name="book.csv"
        )


def run(folder: Path, book: str, server: str, psp: str, *more: str) -> tuple[int, str]:
    """Run the command on three files; return its exit code and what it printed."""
    options = []
    for side, text in (("ledger", book), ("platform", server), ("psp", psp)):
        path = folder / f"{side}.csv"
        path.write_text(HEAD + text)
        options += [f"--{side}", str(path)]
    made = CliRunner().invoke(
        cli.main,
        ["ledger", "reconcile", "--tenant", "meridian", "--day", "2026-11-30", *options, *more],
    )
    return made.exit_code, made.output


def row(payment: str, amount: str = "100.00", at: str = "10:00", status: str = "settled") -> str:
    """Return a line of the day."""
    return f"{payment},{amount},USD,{date(2026, 11, 30)}T{at}:00Z,{status},\n"


def test_the_command_ends_well_when_everything_matches(tmp_path: Path) -> None:
    """What is only in transit is printed and is no break."""
    same = row("DEP-AAAA1111")
    late = row("DEP-BBBB2222", at="23:30")

    assert run(tmp_path, same, same, same) == (
        0,
        "meridian 2026-11-30: 1 matched, 0 breaks open, 0 in transit\n",
    )
    code, text = run(tmp_path, same + late, same + late, same)
    assert code == 0
    assert "1 matched, 0 breaks open, 1 in transit" in text


def test_the_command_prints_each_break_with_its_kind_and_correction(tmp_path: Path) -> None:
    """One line each, in a fixed order, and ends with 1."""
    one, two, three, four = (row(f"DEP-{letter * 4}0000") for letter in "ABCD")
    code, text = run(
        tmp_path,
        one + two + three,
        one + three,
        row("DEP-AAAA0000", "90.00") + two + three + three + four,
    )

    assert code == 1
    lines = text.splitlines()
    assert lines[0] == "meridian 2026-11-30: 0 matched, 4 breaks open, 0 in transit"
    assert [tuple(line.split()[:3]) for line in lines[2:]] == [
        ("missing-left", "ledger", "DEP-DDDD0000"),
        ("missing-right", "platform", "DEP-BBBB0000"),
        ("amount", "psp", "DEP-AAAA0000"),
        ("duplicate", "psp", "DEP-CCCC0000"),
    ]
    assert "Dr liability.client_wallet 10.00 USD, Cr asset.psp_clearing 10.00 USD" in lines[4]


def test_the_command_refuses_a_wrong_file_and_half_of_the_sides(tmp_path: Path) -> None:
    """With the line, and exit 2."""
    code, text = run(tmp_path, row("DEP-AAAA1111", "1,00"), "", "")
    assert (code, "ledger.csv:2: has 7 cells instead of 6" in text) == (2, True)

    made = CliRunner().invoke(
        cli.main,
        [
            *("ledger", "reconcile", "--tenant", "meridian", "--day", "2026-11-30"),
            *("--psp", str(tmp_path / "psp.csv")),
        ],
    )
    assert (made.exit_code, "Give --ledger" in made.output) == (2, True)
