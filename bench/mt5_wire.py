"""The trading server without our adapter: sign-in, one balance call, and the operator's count."""

from __future__ import annotations

import json
import ssl
from typing import Any
from urllib.parse import urlencode

from bench import wire
from connectors.trading import mt5_protocol as protocol
from kernel.settings import Simulators


class BareServer:
    """An authenticated connection that stays open, and one for the operator's questions."""

    def __init__(
        self, simulators: Simulators, calls: wire.Connection, questions: wire.Connection
    ) -> None:
        """Take two open connections; use `sign_in`."""
        self._host = simulators.mt5_url.removeprefix("https://")
        self._token = simulators.operator_token
        self._calls = calls
        self._questions = questions

    @classmethod
    async def sign_in(cls, simulators: Simulators) -> BareServer:
        """Connect and prove the manager's password, as the protocol asks."""
        port = int(simulators.mt5_url.rpartition(":")[2])
        context = ssl.create_default_context()
        # The simulator's certificate is its own, and both sides of the comparison trust it.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        calls, questions = [await wire.Connection.connect(port, context=context) for _ in "12"]
        made = cls(simulators, calls, questions)
        start = await made._get(
            "/api/auth/start", version=3470, agent="Bench", login=simulators.mt5_login,
            type="manager",
        )  # fmt: skip
        await made._get(
            "/api/auth/answer",
            srv_rand_answer=protocol.challenge_answer(simulators.mt5_password, start["srv_rand"]),
            cli_rand=protocol.new_challenge(),
        )
        return made

    async def credit(self, login: int, amount: str, comment: str) -> None:
        """Book one deposit."""
        await self._get("/api/trade/balance", login=login, type=2, balance=amount, comment=comment)

    async def deals(self) -> int:
        """Count the deals in the server's own records."""
        request = wire.request(
            "GET", "/_simulator/records", self._host, headers={"X-Operator-Token": self._token}
        )
        answer = await self._questions.send(request)
        return int(json.loads(answer.body)["deals"])

    async def close(self) -> None:
        """Hang up."""
        await self._calls.close()
        await self._questions.close()

    async def _get(self, path: str, **query: object) -> dict[str, Any]:
        answer = await self._calls.send(
            wire.request("GET", f"{path}?{urlencode(query)}", self._host)
        )
        found: dict[str, Any] = json.loads(answer.body)
        assert str(found["retcode"]).startswith("0 "), found
        return found
