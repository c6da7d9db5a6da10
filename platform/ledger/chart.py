"""The chart of accounts: the one list of codes, their owners and their natural side."""

from __future__ import annotations

from typing import Final

PSP_CLEARING: Final = "asset.psp_clearing"
BANK: Final = "asset.bank"
BANK_OWN: Final = "asset.bank_own"
CLIENT_WALLET: Final = "liability.client_wallet"
TRADING_ACCOUNT: Final = "liability.trading_account"
PARTNER_WALLET: Final = "liability.partner_wallet"
FX_CONVERSION: Final = "liability.fx_conversion"
MARKUP: Final = "income.markup"
COMMISSION: Final = "income.commission"
SWAP: Final = "income.swap"
FEES: Final = "income.fees"
FX_MARKUP: Final = "income.fx_markup"
PSP_FEE: Final = "expense.psp_fee"
PARTNER_COMMISSION: Final = "expense.partner_commission"
OPENING: Final = "equity.opening"

# Accounts of the brokerage itself, opened in its base currency from the first day.
HOUSE_CODES: Final = (
    *(BANK, BANK_OWN, FX_CONVERSION, MARKUP, COMMISSION, SWAP, FEES, FX_MARKUP),
    *(PSP_FEE, PARTNER_COMMISSION, OPENING),
)
CODES: Final = (*HOUSE_CODES, PSP_CLEARING, CLIENT_WALLET, TRADING_ACCOUNT, PARTNER_WALLET)
# The owner of every house account.
HOUSE: Final = ("house", "house")


def natural_sign(code: str) -> int:
    """Return 1 where debits are positive (assets, expenses) and -1 where credits are."""
    return 1 if code.split(".", 1)[0] in ("asset", "expense") else -1
