"""The Trader's Room: where clients join, prove who they are, pay in and see their accounts."""
