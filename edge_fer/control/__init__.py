"""The control socket: what programs on this device ask the daemon, and how it answers."""
