"""A small client of the REST form for these tests, written from the protocol alone."""

import hashlib
import http.client
import json
import os
import ssl
from typing import Any, Self
from urllib.parse import urlencode

from tests.fixtures.mt5_simulator import Mt5Simulator

PASSWORD = "Client-Pass1"
FAR = 9_999_999_999


def answer_to(password: str, challenge: str) -> str:
    """Return the hex answer to a hex challenge."""
    inner = hashlib.md5(password.encode("utf-16-le")).digest()
    return hashlib.md5(
        hashlib.md5(inner + b"WebAPI").digest() + bytes.fromhex(challenge)
    ).hexdigest()


class Client:
    """One TCP connection to the simulator."""

    def __init__(self, simulator: Mt5Simulator) -> None:
        """Connect when first used; the certificate must be the announced one."""
        context = ssl.create_default_context(cafile=str(simulator.data / "certificate.pem"))
        self.simulator = simulator
        self.connection = http.client.HTTPSConnection(
            simulator.host, simulator.port, context=context, timeout=20
        )
        self.connection.auto_open = 1

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.connection.close()

    def http(self, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """Send one request; return the status and the decoded body."""
        target = f"/api/{path}?{urlencode(query)}" if query else f"/api/{path}"
        payload = None if body is None else json.dumps(body)
        self.connection.request("GET" if body is None else "POST", target, payload)
        response = self.connection.getresponse()
        text = response.read().decode()
        return response.status, json.loads(text) if text else None

    def call(self, path: str, body: Any = None, **query: Any) -> Any:
        """Send one command and return the whole answer; the status must be 200."""
        status, answer = self.http(path, body, **query)
        assert status == 200, (status, path)
        return answer

    def get(self, path: str, body: Any = None, **query: Any) -> Any:
        """Send one command that must be done; return what it answers."""
        answer = self.call(path, body, **query)
        assert answer["retcode"] == "0 Done", answer
        return answer.get("answer")

    def code(self, path: str, body: Any = None, **query: Any) -> int:
        """Send one command and return its return code."""
        return int(self.call(path, body, **query)["retcode"].split(" ", 1)[0])

    def challenge(self, **changes: Any) -> Any:
        """Ask for a challenge."""
        query = {"version": 3470, "agent": "Tests", "login": self.simulator.manager}
        return self.call("auth/start", **(query | {"type": "manager"} | changes))

    def log_in(self, password: str | None = None) -> Any:
        """Log in and return the server's last answer."""
        started = self.challenge()
        secret = self.simulator.password if password is None else password
        mine = os.urandom(16).hex()
        answer = self.call(
            "auth/answer", srv_rand_answer=answer_to(secret, started["srv_rand"]), cli_rand=mine
        )
        if answer["retcode"] == "0 Done":
            assert answer["cli_rand_answer"] == answer_to(secret, mine)
        return answer

    def open_account(self, group: str = "real\\MM\\STD-USD", **fields: Any) -> int:
        """Open an account and return its login."""
        body = {"Group": group, "Name": "Ada Example", "PassMain": PASSWORD}
        body |= {"PassInvestor": PASSWORD, **fields}
        return int(self.get("user/add", body)["Login"])

    def deposit(self, login: int, amount: str, comment: str = "deposit", kind: int = 2) -> int:
        """Book a balance operation and return its ticket."""
        query = {"login": login, "type": kind, "balance": amount, "comment": comment}
        return int(self.get("trade/balance", **query)["Ticket"])

    def deals(self, login: int) -> Any:
        """Return all deals of a login."""
        return self.get("deal/get_batch", login=login, **{"from": 0, "to": FAR})

    def trade(self, login: int, symbol: str, **fields: Any) -> Any:
        """Send a dealer request and return its result."""
        body = {"Action": "200", "Login": str(login), "Symbol": symbol, **fields}
        number = self.get("dealer/send_request", body)["id"]
        return self.get("dealer/get_request_result", id=number)
