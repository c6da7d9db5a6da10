"""A counterpart that speaks NOWPayments' API: payments, invoices, IPN, mass payouts."""
