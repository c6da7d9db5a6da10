"""Mail to clients, leads and partners: written once, kept sealed, sent by a job.

A mail is queued in the transaction that caused it, and leaves only when that is committed.
What it says stands in `texts`, one function a template; how it looks is the theme's matter.
"""
