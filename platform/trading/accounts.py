"""Trading accounts of clients: asked for, opened once, their first passwords shown once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import UUID

from clients import queries as client_queries
from clients import restrictions
from connectors.trading.port import OpenAccount
from identity import audit
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import comment_token, reference, uuid7
from kernel.language import gettext, marked
from trading import intents, queries, rules
from trading.models import PlatformOperation, TradingAccount

_PURPOSE = "trading-passwords"


class UnknownAccountType(NotFound):
    """No offer of that code is open to new accounts."""

    code = "unknown_account_type"
    message = marked("This account type is not offered any more. Choose another one.")


@dataclass(frozen=True, slots=True)
class InitialPasswords:
    """What the server was given when the account was opened; never logged, shown once."""

    main: str = field(repr=False)
    investor: str = field(repr=False)


async def request_opening(
    session: TenantSession,
    *,
    client_id: UUID,
    account_type_code: str,
    leverage: int | None = None,
    nickname: str = "",
) -> TradingAccount:
    """Write the intent to open an account; it is opened on the server after the commit.

    Raises UnknownAccountType, ClientRestricted, and InvalidInput for a leverage above the offer's.
    """
    offer = await queries.account_type(session, account_type_code)
    if offer is None:
        raise UnknownAccountType
    await restrictions.require_free(session, client_id=client_id, kind="open_account")
    chosen = offer.leverage_max if leverage is None else leverage
    if not 1 <= chosen <= offer.leverage_max:
        raise InvalidInput({"leverage": f"Choose a leverage from 1 to {offer.leverage_max}."})
    token = comment_token()
    account = TradingAccount(
        reference=reference("TA"),
        client_id=client_id,
        server_id=offer.server_id,
        account_type_id=offer.id,
        group_name=offer.group_name,
        currency=offer.currency,
        leverage=chosen,
        state="opening",
        open_token=token,
        nickname=nickname.strip()[:40],
    )
    session.add(account)
    # The operation names the id that the database makes.
    await session.flush()
    audit.record(
        session,
        "trading.account.requested",
        subject=("trading_account", account.id),
        after={"state": "opening", "account_type": offer.code, "leverage": chosen},
    )
    intents.enqueue(
        session,
        [
            PlatformOperation(
                id=uuid7(),
                kind="open_account",
                server_id=account.server_id,
                account_id=account.id,
                currency=account.currency,
                token=token,
                reference=account.reference,
                state="ready",
                attempt=0,
                searches=0,
            )
        ],
    )
    return account


async def prepare_opening(
    session: TenantSession, *, account_id: UUID, token: str, vault: Vault
) -> OpenAccount:
    """Return the request for the server; its passwords are sealed in the account first.

    A second attempt sends the same passwords, because the first may have been applied.
    """
    account = await queries.locked_account(session, account_id)
    if account is None:
        raise NotFound
    client = await client_queries.client(session, account.client_id)
    if client is None:
        raise NotFound
    tenant: TenantRef = session.info["tenant"]
    if account.passwords_sealed is None:
        fresh = json.dumps([rules.password(), rules.password()]).encode()
        account.passwords_sealed = vault.seal(tenant.id, fresh, purpose=_PURPOSE)
    passwords = _opened(account.passwords_sealed, tenant, vault)
    return OpenAccount(
        group=account.group_name,
        name=f"{client.first_name} {client.last_name}".strip()[:127],
        email=client.email,
        leverage=account.leverage,
        main_password=passwords.main,
        investor_password=passwords.investor,
        token=token,
        first_name=client.first_name,
        last_name=client.last_name,
        phone=client.phone or "",
        country=client.country or "",
        comment=account.reference,
    )


async def reveal_passwords(
    session: TenantSession, *, account_id: UUID, vault: Vault
) -> InitialPasswords | None:
    """Return the first passwords and forget them: the second time there are none.

    Call it in the transaction that puts them, sealed, into the client's mail.
    """
    account = await queries.locked_account(session, account_id)
    if account is None or account.state != "open" or account.passwords_sealed is None:
        return None
    passwords = _opened(account.passwords_sealed, session.info["tenant"], vault)
    account.passwords_sealed = None
    audit.record(
        session,
        "trading.account.passwords_revealed",
        subject=("trading_account", account.id),
    )
    return passwords


async def rename(session: TenantSession, *, account_id: UUID, nickname: str) -> TradingAccount:
    """Change the name a client gave an account, of at most 40 characters."""
    account = await queries.locked_account(session, account_id)
    if account is None:
        raise NotFound
    if len(nickname.strip()) > 40:
        raise InvalidInput({"nickname": gettext("Use at most 40 characters.")})
    before = account.nickname
    account.nickname = nickname.strip()
    audit.record(
        session,
        "trading.account.renamed",
        subject=("trading_account", account.id),
        before={"nickname_length": len(before)},
        after={"nickname_length": len(account.nickname)},
    )
    return account


def _opened(sealed: bytes, tenant: TenantRef, vault: Vault) -> InitialPasswords:
    main, investor = json.loads(vault.open(tenant.id, sealed, purpose=_PURPOSE))
    return InitialPasswords(main=main, investor=investor)
