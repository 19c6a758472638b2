"""Writes what each person in a video shows, twice a second, as CSV: python timeline.py visit.mp4 > visit.csv."""

import csv
import sys

from edge_fer import Analyzer

analyzer = Analyzer()
rows = csv.writer(sys.stdout)
rows.writerow(["seconds", "person", "label", "confidence", *analyzer.labels])
due = 0.0
for moment in analyzer.watch(sys.argv[1]):
    if moment.seconds < due:
        continue
    due += 0.5
    for reading in moment.readings:
        scores = [f"{reading.scores.get(label, 0.0):.3f}" for label in analyzer.labels]
        rows.writerow([f"{moment.seconds:.2f}", reading.track_id, reading.label, f"{reading.confidence:.3f}", *scores])
