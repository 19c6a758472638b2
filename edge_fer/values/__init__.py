"""What people write: values with units, hours, outlines, topics, sources; and the base of every section."""
