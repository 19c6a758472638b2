"""Invented heads with ratings."""

from __future__ import annotations

import csv

import cv2

from tests.faces.pictures import head

FAMILIES = {"Elation": "Positive High-Energy Emotions", "Sadness": "Negative Low-Energy Emotions"}


def save_head(path, side=200):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(head(side), cv2.COLOR_RGB2BGR))


def rated(**ratings):
    """An expert's ratings under the names that the set gives them."""
    names = {"Surprise": "Astonishment/Surprise", "Longing": "Longing"}
    return {f"{FAMILIES.get(key, 'A family')}|{names.get(key, key)}": value for key, value in ratings.items()}


def write_ratings(folder, rows, columns=("image", "annotator", "human", "annotations")):
    with (folder / "hq.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)
