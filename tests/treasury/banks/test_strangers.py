"""Statements of strangers: public test data of parsers, which is not ours and not kept here.

MARQUE_STATEMENTS names a folder with .xml (camt.053) and .sta (MT940) files, in any sub-folder.
Each is read; what can be read is imported into an account of its own number, twice; and a deposit
that waits for the first money that names a reference and comes from somebody is matched with it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from clients.models import Client
from kernel.errors import InvalidInput
from kernel.money import Money
from tests.treasury.banks.house import House
from treasury.banks import accounts, formats, rules
from treasury.banks.documents import Document, Entry, UnreadableStatement
from treasury.banks.imports import FileImportedBefore
from treasury.banks.rules import Candidate
from treasury.models import Deposit

_ID = UUID(int=1)
FOLDER = os.environ.get("MARQUE_STATEMENTS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="MARQUE_STATEMENTS names no folder of strangers' statements"
)


def files(suffix: str) -> list[Path]:
    """Return the strangers' files of a kind."""
    return sorted(Path(FOLDER).rglob(f"*{suffix}"))


def documents(path: Path) -> list[Document]:
    """Return what can be read of a file; nothing else than its own refusal may come of it."""
    try:
        return formats.read(path.read_bytes())[1]
    except UnreadableStatement:
        return []


@pytest.mark.parametrize("suffix", [".xml", ".sta"])
def test_every_file_is_read_or_refused_in_words(suffix: str) -> None:
    """And most can be read."""
    found = [one for path in files(suffix) for one in documents(path)]
    lines = sum(len(one.entries) for one in found)
    whole = sum(one.whole for one in found)
    print(f"{suffix}: {len(files(suffix))} files, {len(found)} statements,", end=" ")  # noqa: T201
    print(f"{lines} lines, {whole} whole")  # noqa: T201

    assert lines > 5


@pytest.mark.parametrize("suffix", [".xml", ".sta"])
async def test_what_can_be_read_is_imported_once(house: House, suffix: str) -> None:
    """The book has what the statements have, and nothing of it twice."""
    outcomes: Counter[str] = Counter()
    new = lines = 0
    for path in files(suffix):
        if not await _accounts(house, documents(path)):
            continue
        try:
            made = await house.take(path.read_bytes(), path.name)
        except (InvalidInput, FileImportedBefore):
            # A line in another currency than its account, or two files of the same bytes.
            continue
        outcomes += made.outcomes
        new, lines = new + made.lines_new, lines + made.lines
        with pytest.raises(FileImportedBefore):
            await house.take(path.read_bytes(), "again")
    print(f"{suffix}: {lines} lines, {new} new, {dict(outcomes)}")  # noqa: T201

    assert new == len(await house.lines()) > 5


async def _accounts(house: House, found: list[Document]) -> bool:
    """Open the accounts that statements are of; say whether all of them can be opened."""
    for one in found:
        number = one.account.replace("/", "")
        if len(number) < 5 or not one.currency:
            return False
        async with house.by() as session:
            try:
                await accounts.open(
                    session,
                    name=number[-8:],
                    number=one.account.rpartition("/")[2],
                    currency=one.currency,
                    kind="segregated",
                )
            except InvalidInput as error:
                if set(error.fields) != {"number"}:
                    raise
    return bool(found)


@pytest.mark.parametrize("suffix", [".xml", ".sta"])
async def test_a_strangers_statement_settles_the_deposit_that_it_names(
    house: House, suffix: str
) -> None:
    """From the file to the wallet: the deposit's reference is a word that the stranger wrote."""
    for path in files(suffix):
        found = documents(path)
        named = [(entry, _words(entry)) for one in found for entry in one.entries]
        for entry, words in named:
            fits = entry.currency == "EUR" and entry.amount > 0
            if not (fits and words) or not await _accounts(house, found):
                continue
            deposit = await house.deposit()
            async with house.by() as session:
                row = await session.get_one(Deposit, deposit.id)
                row.reference, row.amount = words[0], entry.amount
                row.payable = None
                client = await session.get_one(Client, house.client_id)
                client.first_name, client.last_name = entry.party_name[:60] or "Mara", ""
            made = await house.take(path.read_bytes(), path.name)
            assert made.outcomes["matched"] == 1
            assert (await house.seen(deposit)).state == "credited"
            assert (await house.balances())["wallet"] == -entry.amount
            return
    pytest.fail("no file of this kind has money in EUR with a reference")


def _words(entry: Entry) -> list[str]:
    texts = f"{entry.end_to_end} {entry.purpose}".upper()
    return re.findall(r"(?<![A-Z0-9])[A-Z0-9]{8,16}(?![A-Z0-9])", texts)


@pytest.mark.parametrize("suffix", [".xml", ".sta"])
def test_a_deposit_is_matched_by_what_a_stranger_wrote(suffix: str) -> None:
    """Whatever stands in the line: a reference of its own length, the amount and the payer."""
    judged: Counter[str] = Counter()
    for path in files(suffix):
        for document in documents(path):
            for entry in document.entries:
                texts = f"{entry.end_to_end} {entry.purpose}"
                words = _words(entry)
                if entry.amount <= 0 or not words:
                    continue
                amount = Money(entry.amount, entry.currency)
                waiting = Candidate(_ID, words[0], amount, entry.party_name)
                other = Candidate(_ID, "DEP-00000000", Money(Decimal(1), entry.currency), "Bo Lee")
                found = rules.judge(amount, texts, entry.party_name, [waiting, other])
                judged[found.action] += 1
    print(f"{suffix}: {dict(judged)}")  # noqa: T201

    assert judged["settle"] >= 1
    assert judged["nothing"] == 0
