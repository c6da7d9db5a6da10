"""What clients give to the shell of staff: people to find, cards for home pages."""
