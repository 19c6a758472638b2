"""Finds the picture with the happiest face in a folder: python happiest.py holiday/."""

import sys
from pathlib import Path

from edge_fer import Analyzer
from edge_fer.errors import PictureError

analyzer = Analyzer(settings={"emotion": {"labels": "four"}, "faces": {"min_size": "32px"}})
found = []
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        picture = analyzer.read(path)
    except PictureError as error:
        print(f"left out: {error}")
    else:
        found += [(face.scores.get("happy", 0.0), path.name) for face in picture.faces]
score, name = max(found, default=(0.0, "none"))
print(f"{name}: {score:.0%}")
