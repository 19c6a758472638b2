"""Single pictures: reading files of any kind, reading the faces in them, and drawing what was read."""
