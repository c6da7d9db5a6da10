"""What the CRM gives to the shell of staff: leads to find, cards for home pages."""
