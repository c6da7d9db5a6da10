"""Partners as a list that is searched, sorted and paged."""
