"""What is made of recordings: traces, replays, analyses."""
