"""What the rest leans on: back-off, redaction, files read and written whole, a stopwatch. Imports nothing of ours but errors."""
