"""Backups and how they are brought back."""
