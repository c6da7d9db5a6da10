"""What introducers give to the shell of staff: partners to find, cards for home pages."""
