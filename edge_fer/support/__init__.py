"""What the rest leans on: back-off, redaction, files, a stopwatch. Imports nothing of ours but errors."""
