"""What the pipeline costs on this machine, and how steady it is: `edge-fer bench`."""
