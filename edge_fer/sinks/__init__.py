"""Sinks: whatever hears what a camera's pipeline says, behind one privacy filter."""
