"""What a camera gets to see at all: clear, dark, covered, moved, frozen."""
