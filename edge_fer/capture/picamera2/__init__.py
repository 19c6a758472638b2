"""Cameras on a Raspberry Pi's ribbon cable, through picamera2."""
