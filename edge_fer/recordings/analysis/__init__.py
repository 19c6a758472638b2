"""What a recording shows, as numbers: `edge-fer analyze`, and `edge-fer compare` for several of them."""
