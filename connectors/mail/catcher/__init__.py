"""A mail server that keeps what it is given and shows it, instead of sending it on.

It is the local counterpart of a mail provider: it speaks SMTP on a real socket, and people and
tests read its inbox over HTTP. It imports nothing of ours.
"""
