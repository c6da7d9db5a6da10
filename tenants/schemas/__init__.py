"""The two schemas' versions: control once in a database, tenant once for each brokerage."""
