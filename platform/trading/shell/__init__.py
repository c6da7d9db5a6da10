"""What trading gives to the shell of staff: logins to find, the health of servers."""
