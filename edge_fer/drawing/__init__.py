"""What pictures and charts are drawn with."""
