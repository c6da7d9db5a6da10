"""MON6 in a simulated world: the product's own protocol, but rows, clock and servers in memory."""
