"""What the Trader's Room does when compliance decides and when money arrives."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from clients import queries as client_queries
from clients import timeline
from clients.restrictions import ClientRestricted
from compliance import queries as compliance_queries
from compliance import rules
from compliance.events import KycApproved, KycRejected
from kernel.actor import TenantRef
from kernel.database import TenantSession
from kernel.language import marked, speaking
from kernel.money import Money
from kernel.subscriptions import Subscriptions
from messaging import mails, sms
from messaging.texts import Words
from tenants import queries as tenant_queries
from tenants.ports import Ports
from themes.formats import money_text
from tradersroom import notices, withdrawal_notices
from trading import accounts
from trading import queries as trading_queries
from trading.accounts import UnknownAccountType
from treasury import queries as treasury_queries
from treasury.events import DepositCredited

_STANDARD = "STD"


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind this room's subscribers."""
    notices.subscribe(made)
    withdrawal_notices.subscribe(made, ports, _link)
    made.on(KycApproved, "tradersroom.open_account", open_first_account)
    made.on(KycApproved, "tradersroom.mail_approval", partial(mail_approval, ports=ports))
    made.on(KycRejected, "tradersroom.mail_rejection", partial(mail_rejection, ports=ports))
    made.on(DepositCredited, "tradersroom.mail_deposit", partial(mail_deposit, ports=ports))
    if ports.sms is not None:
        made.on(KycApproved, "tradersroom.text_approval", partial(text_approval, ports=ports))
        made.on(DepositCredited, "tradersroom.text_deposit", partial(text_deposit, ports=ports))


async def open_first_account(session: TenantSession, event: KycApproved) -> None:
    """Open the account the client chose; the standard one when theirs is no longer offered.

    A client who has an account already gets no other.
    """
    if await trading_queries.accounts_of(session, event.client_id):
        return
    codes = dict.fromkeys((event.account_type_code, _STANDARD))
    for code in codes:
        try:
            await accounts.request_opening(
                session, client_id=event.client_id, account_type_code=code
            )
        except UnknownAccountType:
            continue
        except ClientRestricted as paused:
            _note(session, event.client_id, paused.text)
        return
    _note(session, event.client_id, "The account types the client may have are not offered.")


async def mail_approval(session: TenantSession, event: KycApproved, *, ports: Ports) -> None:
    """Tell the client that they are verified, by mail and in the product."""
    await notices.tell_approved(session, event)
    client = await client_queries.client(session, event.client_id)
    if client is not None:
        await mails.queue(
            session,
            to=client.email,
            template="kyc_approved",
            context={"name": client.first_name, "link": await _link(session, ports, "/")},
            vault=ports.vault,
            reader=client.user_id,
            language=client.language,
        )


async def mail_rejection(session: TenantSession, event: KycRejected, *, ports: Ports) -> None:
    """Tell the client what is needed again, and why, by mail and in the product."""
    await notices.tell_rejected(session, event)
    client = await client_queries.client(session, event.client_id)
    if client is None:
        return
    documents = await compliance_queries.documents_of(session, event.case_id)
    named = [
        said
        for row in documents
        if row.state == "rejected"
        for said in (Words(rules.KINDS[row.kind]), f"– {row.reason}")
    ]
    await mails.queue(
        session,
        to=client.email,
        template="kyc_rejected",
        context={
            "name": client.first_name,
            "reason": (event.reason, *named),
            "link": await _link(session, ports, "/verification"),
        },
        vault=ports.vault,
        reader=client.user_id,
        language=client.language,
    )


async def mail_deposit(session: TenantSession, event: DepositCredited, *, ports: Ports) -> None:
    """Confirm money that is where the client wanted it, by mail and in the product."""
    await notices.tell_credited(session, event)
    row = await treasury_queries.deposit_row(session, deposit_id=event.deposit_id)
    client = await client_queries.client(session, event.client_id)
    if row is None or client is None:
        return
    target = Words(marked("your wallet"))
    if row.account_login:
        target = Words(marked("your account %(login)s"), {"login": str(row.account_login)})
    await mails.queue(
        session,
        to=client.email,
        template="deposit_received",
        context={
            "name": client.first_name,
            "amount": Money(event.amount, event.currency),
            "reference": row.reference,
            "target": target,
            "link": await _link(session, ports, f"/deposit/{row.reference}"),
        },
        vault=ports.vault,
        reader=client.user_id,
        language=client.language,
    )


async def text_approval(session: TenantSession, event: KycApproved, *, ports: Ports) -> None:
    """Tell a verified client by SMS, where the brokerage has written one."""
    client = await client_queries.client(session, event.client_id)
    if client is not None:
        await sms.queue(
            session,
            to=client.phone,
            event="kyc_approved",
            language=client.language,
            context={"name": client.first_name, "link": await _link(session, ports, "/")},
            vault=ports.vault,
        )


async def text_deposit(session: TenantSession, event: DepositCredited, *, ports: Ports) -> None:
    """Tell of money that arrived by SMS, where the brokerage has written one."""
    row = await treasury_queries.deposit_row(session, deposit_id=event.deposit_id)
    client = await client_queries.client(session, event.client_id)
    if row is None or client is None:
        return
    with speaking(client.language):
        amount = money_text(Money(event.amount, event.currency))
    await sms.queue(
        session,
        to=client.phone,
        event="deposit_received",
        language=client.language,
        context={
            "name": client.first_name,
            "amount": amount,
            "reference": row.reference,
            "target": str(row.account_login or ""),
            "link": await _link(session, ports, f"/deposit/{row.reference}"),
        },
        vault=ports.vault,
    )


async def _link(session: TenantSession, ports: Ports, path: str) -> str:
    """Return the address of a page on the brokerage's own host for traders."""
    tenant: TenantRef = session.info["tenant"]
    async with ports.database.control() as control:
        hosts = await tenant_queries.domains_of(control, tenant.id)
    host = next(
        (row.host for row in hosts if row.surface == "trader" and row.verified),
        f"my.{tenant.slug}.{ports.settings.domain}",
    )
    return f"{ports.settings.origin(host)}{path}"


def _note(session: TenantSession, client_id: UUID, text: str) -> None:
    timeline.add(
        session,
        subject=("client", client_id),
        kind="trading",
        fact="No account opened after the approval",
        detail=text,
        icon="alert-triangle",
    )
