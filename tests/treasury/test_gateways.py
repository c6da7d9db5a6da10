"""A connection's gateway: the adapter its provider's file asks for, with its opened secrets."""

from __future__ import annotations

import pytest

from connectors.payments.declared import Declared
from connectors.payments.engine.failures import ProviderUnknown
from connectors.payments.engine.port import Call
from connectors.payments.port import CredentialsRefused, SignatureRefused
from connectors.payments.stripe import Stripe
from entrypoints.connections import Gateways
from tests.treasury.desk import Desk, sign, word
from treasury import connections, queries

GATEWAYS = Gateways(allow=frozenset({"127.0.0.1:1"}))


async def test_a_stored_secret_opens_the_gateway_that_believes_its_signatures(desk: Desk) -> None:
    """Stripe is reached by the words of every gateway, with what was sealed."""
    body = word(await desk.start("100.00"))
    async with desk.database.tenant_read(desk.tenant) as session:
        connection = await queries.connection(session, desk.connection_id)
        assert connection is not None
        gateway = connections.gateway_of(session, connection, gateways=GATEWAYS, vault=desk.vault)

    [notice] = await gateway.receive(Call(body, {"Stripe-Signature": sign(body)}))
    with pytest.raises(SignatureRefused):
        await gateway.receive(Call(body + b" ", {"Stripe-Signature": sign(body)}))
    await gateway.close()

    assert isinstance(gateway, Stripe)
    assert (notice.state, str(notice.amount)) == ("succeeded", "100.00 USD")


def test_a_file_chooses_the_adapter() -> None:
    """A declared provider needs no code; what has no file, or an address of its own, is refused."""
    made = GATEWAYS.get("praxis", environment="sandbox", credentials={"merchant_id": "m"})

    assert isinstance(made, Declared)
    with pytest.raises(ProviderUnknown):
        GATEWAYS.get("nobody", environment="sandbox", credentials={})
    with pytest.raises(CredentialsRefused):
        GATEWAYS.get("praxis", environment="live", credentials={"api_base": "http://127.0.0.1:2"})
