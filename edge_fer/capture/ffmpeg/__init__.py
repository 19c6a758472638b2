"""Recordings, decoded by FFmpeg through PyAV."""
