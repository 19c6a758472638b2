"""What time it is: the machine's clocks, and the time zone of the place."""
