"""Whether a device is fit for its work: `edge-fer acceptance`."""
