"""What the node tells the broker: topics, messages, the outbox, and the link that carries them."""
