"""A counterpart that speaks Skrill's Quick Checkout, Automated Payments and Merchant Query."""
