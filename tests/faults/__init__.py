"""The fault suite: what must not be lost, while everything that can break is broken again and again."""
