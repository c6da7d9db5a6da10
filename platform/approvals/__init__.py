"""Four eyes for every room: something is asked, other people decide, step by step.

PostgreSQL keeps the rules (revision 0026): the maker is never a checker, by person and not by
login; one decision a person; what was asked is never edited. This room only words them.
"""
