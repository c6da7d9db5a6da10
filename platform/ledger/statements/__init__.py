"""Lines of the book as lists: of one account, or of everything that one owner has."""
