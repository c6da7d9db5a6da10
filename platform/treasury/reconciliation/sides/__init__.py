"""What the three sides of a reconciliation say about payments, as the brokerage has it stored."""
