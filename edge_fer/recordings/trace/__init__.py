"""Traces: what was read, frame by frame, as numbers in a file of JSON Lines. Never a picture."""
