"""DNS: the port and the resolver; names that somebody typed are only looked up, never reached."""
