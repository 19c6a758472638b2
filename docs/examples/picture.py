"""Reads the faces in one picture: python picture.py photo.jpg."""

import sys

from edge_fer import Analyzer

for face in Analyzer().read(sys.argv[1]).faces:
    print(f"{face.label} {face.confidence:.0%}")
