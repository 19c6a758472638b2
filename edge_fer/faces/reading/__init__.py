"""A face made ready to be read: its crop, its pose, its quality."""
