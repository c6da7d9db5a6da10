"""The DNS adapter against a server of our own."""
