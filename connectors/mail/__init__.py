"""Mail: the port, the SMTP adapter, and a local catcher."""
