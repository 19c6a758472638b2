"""The web page: a process of its own that asks the control socket, and nothing else."""
