"""What alert rules may watch for, a kind a file: each says what is true now, and knows nothing of how long."""
