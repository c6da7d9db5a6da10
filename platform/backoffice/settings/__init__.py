"""The screens where an administrator sets the brokerage up: its brand and what follows from it."""
