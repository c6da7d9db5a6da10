"""The partner portal: an introducing broker's clients, branch, commissions and balance.

Whoever is signed in sees their own branch and their own lines; everything else is not there.
"""
