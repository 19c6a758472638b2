"""USB cameras, through OpenCV and V4L2."""
