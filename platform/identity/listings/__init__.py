"""Lists: declared once by their rooms; pages, views, files and changes to many rows at once."""
