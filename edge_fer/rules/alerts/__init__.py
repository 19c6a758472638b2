"""Alert rules: when they watch, what their alerts live through, what outlives a restart."""
