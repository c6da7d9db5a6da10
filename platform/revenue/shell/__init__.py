"""What revenue gives to the shell of staff: cards for home pages."""
