"""What staff may do with trading accounts and operations on the servers."""

from __future__ import annotations

PERMISSIONS = {
    "trading.account.read": "See trading accounts, their positions and deals",
    "trading.account.request": "Ask for a trading account for a client",
    "trading.operation.read": "See operations on the trading servers and their timelines",
    "trading.operation.approve": "Decide about an operation whose outcome a person has to settle",
    "trading.server.read": "See how the connections to the trading servers do",
    "trading.server.change": "Bring groups and instruments of a trading server up to date",
}
