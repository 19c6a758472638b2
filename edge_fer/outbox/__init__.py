"""What must not be lost waits here, on disk, until the sink that it is for has it.

Each sink has a file of its own with its own limits, and acknowledges its own messages. Nothing in here knows how a sink
carries them.
"""
