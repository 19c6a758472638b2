"""What finds faces in a picture, one detector a file."""
