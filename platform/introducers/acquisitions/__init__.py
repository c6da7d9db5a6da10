"""What a client pays their introducer once, and what a chargeback takes back."""
