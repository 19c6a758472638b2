"""Tells what happens in a video: python video.py visit.mp4."""

import sys

from edge_fer import Analyzer

for moment in Analyzer().watch(sys.argv[1]):
    for event in moment.told.events:
        print(f"{moment.seconds:.1f} s: {event.kind} {event.reading.label}")
