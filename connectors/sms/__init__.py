"""Short messages to telephones: the port, an adapter, and a catcher to try it with."""
