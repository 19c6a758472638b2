"""Takes a trace through alert rules and summaries, and shows what they make of it."""
