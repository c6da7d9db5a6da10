"""What treasury gives to the shell of staff: deposits to find, to count and to show."""
