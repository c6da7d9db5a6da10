"""A gateway for short messages that keeps what it is given and shows it, instead of sending it on.

It is the local counterpart of a carrier: it speaks the carrier's protocol on a real socket, and
people and tests read its inbox over HTTP. It imports nothing of ours.
"""
