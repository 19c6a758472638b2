"""The scene as a whole: its state now, its summaries, what is usual."""
