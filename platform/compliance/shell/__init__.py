"""What compliance gives to the shell of staff: cases to find, to count and to show."""
