"""Lists of deposits: found, narrowed, paged and added up."""

from __future__ import annotations

from decimal import Decimal

from kernel.ids import uuid7
from tests.factories.trading import open_account
from tests.treasury.desk import Desk, add_client
from treasury import queries
from treasury.offers import ways
from treasury.offers.ways import Payer
from treasury.queries import DepositFilter


async def found(desk: Desk, **fields: object) -> list[str]:
    """Return the references of the first page that a filter leaves."""
    async with desk.database.tenant_read(desk.tenant) as session:
        page = await queries.deposit_page(session, narrowed=DepositFilter(**fields))  # type: ignore[arg-type]
    return [row.reference for row in page.rows]


async def test_a_deposit_is_found_by_whatever_a_person_has_at_hand(desk: Desk) -> None:
    """Reference, provider's reference, name, mail, login: any case, no wildcards."""
    account_id = await open_account(
        desk.database,
        desk.tenant,
        server_id=uuid7(),
        login=900123,
        group_name="real\\alpha\\STD-USD",
        client_id=desk.client_id,
    )
    deposit = await desk.start(account_id=account_id)
    await desk.say(deposit, "completed", payment="cs_special")
    async with desk.database.tenant(desk.tenant) as session:
        desk.client_id = await add_client(session, "Tomas", "Berg_Holm")
    other = await desk.start("20.00")

    for words in (deposit.reference.lower(), "cs_special", "mara lind", "mara.", "900123"):
        assert await found(desk, search=words) == [deposit.reference], words
    assert await found(desk, search="berg_h") == [other.reference]
    assert await found(desk, search="%") == []
    assert await found(desk, states=("created",)) == [other.reference]
    assert await found(desk, client_id=desk.client_id) == [other.reference]
    assert await found(desk, owner_id=uuid7()) == []
    async with desk.database.tenant_read(desk.tenant) as session:
        row = await queries.deposit_row(session, deposit_id=deposit.id)
    assert row is not None
    assert (row.client_name, row.account_login) == ("Mara Lindqvist", 900123)
    assert (row.provider_reference, row.state) == ("cs_special", "settled")


async def test_pages_continue_where_the_last_one_ended(desk: Desk) -> None:
    """Newest first, each deposit once, also when new ones come in between."""
    references = [(await desk.start(f"{number}.00")).reference for number in range(10, 17)]
    seen: list[str] = []
    after = None
    async with desk.database.tenant_read(desk.tenant) as session:
        for _ in range(3):
            page = await queries.deposit_page(session, after=after, limit=3)
            seen += [row.reference for row in page.rows]
            after = page.after

    assert seen == references[::-1]
    assert after is None


async def test_totals_add_up_what_was_settled_by_currency(desk: Desk) -> None:
    """Open, failed and held deposits are no money."""
    for amount, currency in (("100.00", "USD"), ("50.50", "USD"), ("70.00", "EUR")):
        await desk.say(await desk.start(amount, currency), "completed")
    await desk.say(await desk.start("30.00"), "completed", cents=2900)
    await desk.start("40.00")

    async with desk.database.tenant_read(desk.tenant) as session:
        groups = await queries.deposit_groups(session, narrowed=DepositFilter())
        states = await queries.count_by_state(session)
        firsts = await queries.deposit_page(session, narrowed=DepositFilter(first=True))

    credited = [group for group in groups if group.state == "credited"]
    assert [(group.currency, group.count, group.amount) for group in credited] == [
        ("EUR", 1, Decimal(70)),
        ("USD", 2, Decimal("150.5")),
    ]
    assert [row.settled and row.settled.amount for row in firsts.rows] == [Decimal(100)]
    assert states == {"credited": 3, "held": 1, "created": 1}


async def test_offers_name_each_currency_with_its_limits(desk: Desk) -> None:
    """What the deposit page shows before anything is typed."""
    async with desk.database.tenant_read(desk.tenant) as session:
        found = await ways.ways(session, payer=Payer("DE"))

    assert {one.currency: str(one.smallest) for one in found} == {
        "EUR": "10.00 EUR",
        "USD": "10.00 USD",
    }
