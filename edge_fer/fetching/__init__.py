"""Model files of others that are fetched from their homes and not shipped: which there are, where they are kept."""
