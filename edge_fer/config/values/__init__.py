"""Values that people write: units, hours, outlines, topics, sources."""
