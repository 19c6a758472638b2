"""Invented data sets as their makers would ship them."""

from __future__ import annotations

import csv

import numpy as np

from models.recipe.data.csv_files import _VOTE_COLUMNS

USAGE = {"train": "Training", "public-test": "PublicTest", "private-test": "PrivateTest"}


def write_tables(folder, splits, *, nameless=()):
    """FER2013 and FER+ as published, of (usage, images, labels, votes)."""
    with (
        (folder / "fer2013.csv").open("w", newline="") as one,
        (folder / "fer2013new.csv").open("w", newline="") as two,
    ):
        pictures, names = csv.writer(one), csv.writer(two)
        pictures.writerow(["emotion", "pixels", "Usage"])
        names.writerow(["Usage", "Image name", *_VOTE_COLUMNS])
        row = 0
        for usage, images, labels, votes in splits:
            for image, label, told in zip(images, labels, votes, strict=True):
                pictures.writerow([label, " ".join(map(str, image.ravel())), USAGE[usage]])
                names.writerow([USAGE[usage], "" if row in nameless else f"fer{row:07}.png", *told])
                row += 1


def invented(usage, count=4, seed=0):
    random = np.random.default_rng(seed)
    votes = np.zeros((count, 10), np.uint8)
    votes[:, 1] = 10
    labels = np.arange(count, dtype=np.uint8) % 7
    return usage, random.integers(0, 256, (count, 48, 48), np.uint8), labels, votes
