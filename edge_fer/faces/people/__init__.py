"""Who is who from frame to frame, and how much work a frame is worth."""
