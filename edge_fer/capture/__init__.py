"""Where frames come from: cameras, streams, recordings, and what keeps them coming.

A `SourcePort` (one vendor a file) yields frames; `CaptureLoop` runs one, brings it back when it is lost, and puts its
frames into a slot, from which the pipeline takes them.
"""
