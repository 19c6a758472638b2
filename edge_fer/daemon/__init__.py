"""The running daemon: its process, its cameras, its health."""
