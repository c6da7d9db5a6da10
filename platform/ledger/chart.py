"""The chart of accounts: the one list of codes, their owners, guards and natural side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Account:
    """A code of the chart: who owns accounts of it, and how far they may go below zero.

    A guarded account never gives more than is available. One that is also forcible may be taken
    below zero by a forced entry, which books what has already happened elsewhere.
    """

    code: str
    name: str
    owner_kind: str
    guarded: bool = False
    forcible: bool = False


BANK: Final = "asset.bank"
BANK_OWN: Final = "asset.bank_own"
PSP_CLEARING: Final = "asset.psp_clearing"
PSP_RESERVE: Final = "asset.psp_reserve"
LP_MARGIN: Final = "asset.lp_margin"
PLATFORM_SETTLEMENT: Final = "asset.platform_settlement"
CLIENT_RECEIVABLE: Final = "asset.client_receivable"
SUSPENSE: Final = "asset.suspense"
CLIENT_WALLET: Final = "liability.client_wallet"
TRADING_ACCOUNT: Final = "liability.trading_account"
WITHDRAWALS_PENDING: Final = "liability.withdrawals_pending"
PARTNER_WALLET: Final = "liability.partner_wallet"
MANAGER_WALLET: Final = "liability.manager_wallet"
BONUS: Final = "liability.bonus"
FX_CONVERSION: Final = "liability.fx_conversion"
TAX: Final = "liability.tax"
MARKUP: Final = "income.markup"
COMMISSION: Final = "income.commission"
SWAP: Final = "income.swap"
B_BOOK: Final = "income.b_book"
FX_MARKUP: Final = "income.fx_markup"
FEES: Final = "income.fees"
PERFORMANCE_FEE: Final = "income.performance_fee"
LP_COST: Final = "expense.lp_cost"
PSP_FEE: Final = "expense.psp_fee"
PARTNER_COMMISSION: Final = "expense.partner_commission"
NEGATIVE_BALANCE: Final = "expense.negative_balance"
BONUS_COST: Final = "expense.bonus"
CHARGEBACK: Final = "expense.chargeback"
RECONCILIATION: Final = "expense.reconciliation"
OPENING: Final = "equity.opening"

ACCOUNTS: Final = (
    Account(BANK, "Banks, client money", "bank"),
    Account(BANK_OWN, "Banks, own money", "bank"),
    Account(PSP_CLEARING, "Payment providers, to be settled", "psp"),
    Account(PSP_RESERVE, "Payment providers, reserve", "psp"),
    Account(LP_MARGIN, "Margin with liquidity providers", "lp"),
    Account(PLATFORM_SETTLEMENT, "Trading servers, to be settled", "server"),
    Account(CLIENT_RECEIVABLE, "Owed by clients", "client"),
    Account(SUSPENSE, "Not yet allocated", "house"),
    Account(CLIENT_WALLET, "Client wallets", "client", guarded=True),
    Account(TRADING_ACCOUNT, "Trading accounts", "account", guarded=True, forcible=True),
    Account(WITHDRAWALS_PENDING, "Withdrawals on their way", "client", guarded=True),
    Account(PARTNER_WALLET, "Owed to partners", "partner", guarded=True, forcible=True),
    Account(MANAGER_WALLET, "Owed to money managers", "manager", guarded=True, forcible=True),
    Account(BONUS, "Bonuses and credit", "account", guarded=True),
    Account(FX_CONVERSION, "Currency position", "house"),
    Account(TAX, "Taxes", "house"),
    Account(MARKUP, "Spread mark-up", "house"),
    Account(COMMISSION, "Commission", "house"),
    Account(SWAP, "Swap", "house"),
    Account(B_BOOK, "B-book result", "house"),
    Account(FX_MARKUP, "Currency mark-up", "house"),
    Account(FEES, "Fees", "house"),
    Account(PERFORMANCE_FEE, "Share of performance fees", "house"),
    Account(LP_COST, "Liquidity providers", "house"),
    Account(PSP_FEE, "Payment providers' fees", "house"),
    Account(PARTNER_COMMISSION, "Partners' commission", "house"),
    Account(NEGATIVE_BALANCE, "Negative balances written off", "house"),
    Account(BONUS_COST, "Bonuses", "house"),
    Account(CHARGEBACK, "Chargebacks", "house"),
    Account(RECONCILIATION, "Differences written off", "house"),
    Account(OPENING, "Opening balances", "house"),
)
CODES: Final = tuple(account.code for account in ACCOUNTS)
# The owner of every house account, and the bank account that each brokerage has from the start.
HOUSE: Final = ("house", "house")
MAIN_BANK: Final = ("bank", "main")
# Accounts of the brokerage itself, opened in its base currency from the first day.
FIRST_ACCOUNTS: Final = (
    (BANK, MAIN_BANK),
    (BANK_OWN, MAIN_BANK),
    *((account.code, HOUSE) for account in ACCOUNTS if account.owner_kind == "house"),
)


def natural_sign(code: str) -> int:
    """Return 1 where debits are positive (assets, expenses) and -1 where credits are."""
    return 1 if code.split(".", 1)[0] in ("asset", "expense") else -1
