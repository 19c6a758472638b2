"""Draws what was read over a picture: python drawing.py photo.jpg seen.png."""

import sys

import cv2

from edge_fer import Analyzer

analyzer = Analyzer()
picture = analyzer.read(sys.argv[1])
drawing = analyzer.annotate(picture, activation=True)
cv2.imwrite(sys.argv[2], cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
