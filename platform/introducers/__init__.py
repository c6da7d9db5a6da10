"""Introducing brokers: who brought whom, on which plan, and what each trade pays them.

The tree, plans and terms are kept with the time they were valid, so that a trade pays by what
was true when it closed. Revenue lies below; the partners' portal above.
"""
