"""Trading servers: the port, its adapters, and a local server that speaks the real protocol."""
