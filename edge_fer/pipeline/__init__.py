"""One camera's pipeline: a frame in, things to tell out."""
