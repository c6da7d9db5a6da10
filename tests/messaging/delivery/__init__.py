"""How mails leave and what comes back."""
