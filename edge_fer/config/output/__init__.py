"""The config as text: its defaults, its schema, and where each setting came from."""
