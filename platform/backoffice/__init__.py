"""The Back Office: KYC, money, revenue, partners and the audit trail, for the brokerage's staff."""
