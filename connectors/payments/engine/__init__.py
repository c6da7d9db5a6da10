"""The declarative payment engine: one reviewed TOML file is one payment provider.

Everything here is pure: definitions, bytes and moments go in; requests to send, notices and
verdicts come out. Sockets, clocks and databases are other modules' business.
"""
