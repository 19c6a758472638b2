"""Notifications: who is told what and when, what waits to be told, and the process that tells it."""
