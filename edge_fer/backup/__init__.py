"""Backups: config, settings and history in one file, with or without secrets, and the way back."""
