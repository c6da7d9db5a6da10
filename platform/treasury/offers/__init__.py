"""What clients can pay with: methods of connections, their price, their limits and their route."""
