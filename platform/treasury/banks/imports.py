"""Takes a bank's statement in: each file once, each line once, and then matches the new lines."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from identity import audit
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput
from kernel.ids import reference, uuid7
from treasury.banks import formats, lines, queries, rules
from treasury.banks.documents import Document, Entry, clean
from treasury.banks.models import BankAccount, BankLine, BankStatement, StatementFile


class FileImportedBefore(Conflict):
    """These very bytes have been imported."""

    code = "statement_imported_before"
    message = "This file was imported before. Nothing was done."


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file brought: lines that were new, and what became of them by state."""

    file_id: UUID
    format: str
    statements: int
    lines: int
    lines_new: int
    not_whole: int
    outcomes: Counter[str] = field(default_factory=Counter)


async def take(session: TenantSession, *, data: bytes, name: str) -> Imported:
    """Import a statement's file.

    Raises UnreadableStatement, FileImportedBefore, and InvalidInput on the field `file` when the
    file is of an account that is not ours. Nothing is kept then.
    """
    digest = hashlib.sha256(data).digest()
    if await queries.file_of(session, digest) is not None:
        raise FileImportedBefore
    format_, documents = await asyncio.to_thread(formats.read, data)
    accounts = await queries.accounts(session)
    owned = [(one, _account(accounts, one)) for one in documents]
    keyed = _keyed(owned)
    known = await queries.known_lines(session, [key for key, _, _ in keyed])
    file = StatementFile(
        id=uuid7(),
        digest=digest,
        format=format_,
        name=clean(name, 120),
        size_bytes=len(data),
        lines=len(keyed),
        lines_new=sum(key not in known for key, _, _ in keyed),
        actor=session.info["actor"].label[:120],
    )
    session.add(file)
    statements = [_statement(file.id, account.id, one) for one, account in owned]
    try:
        await session.flush()
    except IntegrityError:
        # Somebody else imports the same file at this moment.
        raise FileImportedBefore from None
    session.add_all(statements)
    await session.flush()
    fresh = [_line(statements[at].id, key, entry) for key, at, entry in keyed if key not in known]
    outcomes = await lines.receive(session, fresh, {one.id: one for one in accounts})
    audit.record(
        session,
        "treasury.statement_imported",
        subject=("statement_file", file.id),
        after={"format": format_, "lines": file.lines, "new": file.lines_new, **outcomes},
    )
    not_whole = sum(not one.whole for one in statements)
    return Imported(
        file.id, format_, len(statements), file.lines, file.lines_new, not_whole, outcomes
    )


def _account(accounts: Sequence[BankAccount], document: Document) -> BankAccount:
    stated = f"ending in {document.account[-4:]}" if document.account else "without a number"
    for one in accounts:
        if one.currency != document.currency or one.state != "active":
            continue
        if rules.fits(one.number, document.account, one.currency):
            return one
    told = (
        f"The statement is of an account {stated} in {document.currency or 'no currency'},"
        " which is not among your bank accounts. Add it first."
    )
    raise InvalidInput({"file": told})


_Key = tuple[UUID, bytes]


def _keyed(owned: Sequence[tuple[Document, BankAccount]]) -> list[tuple[_Key, int, Entry]]:
    """Give each line the name it is known by, wherever it comes again.

    The bank's own reference names it, else everything that it says; lines that say the same are
    numbered.
    """
    seen: Counter[tuple[UUID, str]] = Counter()
    keyed = []
    for at, (document, account) in enumerate(owned):
        for entry in document.entries:
            if entry.currency != account.currency:
                raise InvalidInput(
                    {"file": f"A line is in {entry.currency}, its account in {account.currency}."}
                )
            said = _said(entry)
            seen[account.id, said] += 1
            text = f"{said}\x1f{seen[account.id, said]}"
            keyed.append(((account.id, hashlib.sha256(text.encode()).digest()), at, entry))
    return keyed


def _said(entry: Entry) -> str:
    amount = format(entry.amount.normalize(), "f")
    if entry.bank_reference:
        return "\x1f".join((amount, str(entry.booked_on), entry.bank_reference))
    texts = (entry.end_to_end, entry.party_name, entry.party_number, entry.purpose)
    return "\x1f".join((amount, str(entry.booked_on), str(entry.value_on), *texts))


def _statement(file_id: UUID, account_id: UUID, one: Document) -> BankStatement:
    return BankStatement(
        id=uuid7(),
        file_id=file_id,
        bank_account_id=account_id,
        reference=one.reference,
        number=one.number,
        currency=one.currency,
        opening=one.opening,
        closing=one.closing,
        opened_on=one.opened_on,
        closed_on=one.closed_on,
        whole=one.whole,
    )


def _line(statement_id: UUID, key: _Key, entry: Entry) -> BankLine:
    return BankLine(
        id=uuid7(),
        reference=reference("BNK"),
        statement_id=statement_id,
        bank_account_id=key[0],
        line_key=key[1],
        amount=entry.amount,
        currency=entry.currency,
        booked_on=entry.booked_on,
        value_on=entry.value_on,
        bank_reference=entry.bank_reference,
        end_to_end=entry.end_to_end,
        party_name=entry.party_name,
        party_number=entry.party_number,
        purpose=entry.purpose,
        state="suspense",
        score=0,
        reason="",
        third_party=False,
    )
