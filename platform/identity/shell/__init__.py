"""What every member of staff has around their pages: search, tasks, counters, home cards, looks.

The protocols stand here, low enough for every room to offer its part; entrypoints hands over the
lists.
"""
