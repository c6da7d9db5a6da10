"""The brokerage's own accounts at banks, and how providers' settlements are known on them."""

from __future__ import annotations

from uuid import UUID

from identity import audit
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.money import currencies
from ledger import chart
from treasury.banks import queries
from treasury.banks.documents import account_number, clean
from treasury.banks.models import ACCOUNT_KINDS, BankAccount, BankSender

_NUMBER_MIN = 5
_WORDS_MIN = 4


async def open(  # noqa: A001 - the word for it; always called as accounts.open
    session: TenantSession, *, name: str, number: str, currency: str, kind: str
) -> BankAccount:
    """Add a bank account; raise InvalidInput naming each field that is wrong.

    The first account of its kind in a currency takes over what the book has had there so far.
    """
    wanted = account_number(number).replace("/", "")
    known = await queries.accounts(session)
    errors = {}
    if not clean(name, 60):
        errors["name"] = "Give the account a name that finance knows it by."
    if len(wanted) < _NUMBER_MIN:
        errors["number"] = "Enter the IBAN or the account number as statements show it."
    elif any((one.number, one.currency) == (wanted, currency) for one in known):
        errors["number"] = f"This account in {currency} is there already."
    if currency not in currencies():
        errors["currency"] = "Choose a currency."
    if kind not in ACCOUNT_KINDS:
        errors["kind"] = "Say whose money is on it."
    if errors:
        raise InvalidInput(errors)
    first = not any((one.kind, one.currency) == (kind, currency) for one in known)
    account_id = uuid7()
    account = BankAccount(
        id=account_id,
        name=clean(name, 60),
        number=wanted,
        currency=currency,
        kind=kind,
        ledger_owner=chart.MAIN_BANK[1] if first else str(account_id),
        state="active",
    )
    session.add(account)
    await session.flush()
    audit.record(
        session,
        "treasury.bank_account_opened",
        subject=("bank_account", account.id),
        after={"currency": currency, "kind": kind, "ledger_owner": account.ledger_owner},
    )
    return account


async def close(session: TenantSession, *, account_id: UUID) -> None:
    """Take no more statements of an account; what is booked stays."""
    account = await queries.account(session, account_id)
    if account is None:
        raise NotFound
    if account.state == "closed":
        return
    account.state = "closed"
    audit.record(
        session,
        "treasury.bank_account_closed",
        subject=("bank_account", account.id),
        before={"state": "active"},
        after={"state": "closed"},
    )


async def know_sender(session: TenantSession, *, connection_id: UUID, words: str) -> BankSender:
    """Know a provider's settlements by words of the payer's name or the purpose."""
    wanted = clean(words, 60)
    known = await queries.senders(session)
    errors = {}
    if len(wanted) < _WORDS_MIN:
        errors["words"] = f"Enter at least {_WORDS_MIN} letters that only this provider writes."
    elif any(one.words.casefold() == wanted.casefold() for one, _ in known):
        errors["words"] = "These words stand for a provider already."
    if connection_id not in {found for found, _ in await queries.connections(session)}:
        errors["connection"] = "Choose a provider."
    if errors:
        raise InvalidInput(errors)
    sender = BankSender(id=uuid7(), connection_id=connection_id, words=wanted)
    session.add(sender)
    await session.flush()
    audit.record(
        session,
        "treasury.bank_sender_added",
        subject=("bank_sender", sender.id),
        after={"connection_id": str(connection_id)},
    )
    return sender


async def forget_sender(session: TenantSession, *, sender_id: UUID) -> None:
    """Know a provider's settlements by these words no more."""
    sender = await session.get(BankSender, sender_id)
    if sender is None:
        raise NotFound
    await session.delete(sender)
    audit.record(session, "treasury.bank_sender_removed", subject=("bank_sender", sender_id))


def ledger_code(account: BankAccount) -> str:
    """Return where an account stands in the book."""
    return chart.BANK if account.kind == "segregated" else chart.BANK_OWN
