"""The history: what cameras saw, by the minute and the hour, in one SQLite file on this device."""
