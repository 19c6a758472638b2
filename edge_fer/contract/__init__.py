"""What the node says, whoever carries it: topics, messages, and how they are made."""
