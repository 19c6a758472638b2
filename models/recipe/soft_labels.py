"""What teachers say of every training picture, in a file: ``python -m models.recipe.soft_labels --teacher best.pt``.

A teacher asked while a student learns, about the very pictures that the student sees (``train --teacher``), teaches
more; but its weights are large. This file is small, and does without them (``train --soft-labels``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from .augment import augment, scale
from .data import SIZE, data_folder, load
from .distil import HEADS, Teacher, fingerprint, load_teacher
from .errors import plainly

__all__ = ["ask", "main"]

FILE = Path(__file__).resolve().parent / "soft-labels.npz"


def ask(teachers: Sequence[Teacher], images: NDArray[np.uint8], views: int, seed: int) -> NDArray[np.float16]:
    """Return the teachers' mean probabilities for votes and labels, float16 (N, 2, 7), over changed views of pictures.

    A teacher knows the pictures that it learned from too well; what it says of them turned, shifted and blurred is
    nearer to what it says of others.
    """
    random = torch.Generator().manual_seed(seed)
    answers = []
    with torch.inference_mode():
        for rows in tqdm(torch.arange(len(images)).split(256)):
            pictures = torch.from_numpy(images[rows.numpy()]).unsqueeze(1).float() / 255
            total = torch.zeros(len(rows), len(HEADS), 7)
            for _ in range(views):
                seen = scale(augment(pictures, SIZE, random))
                with torch.autocast("cpu", torch.bfloat16):
                    logits = [teacher(seen) for teacher in teachers]
                total += sum(of_one.float().softmax(dim=2) for of_one in logits)
            answers.append(total / (views * len(teachers)))
    return torch.cat(answers).numpy().astype(np.float16)


def main() -> None:
    """Read the command line, ask, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of FER2013 (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--teacher", type=Path, action="append", required=True, help="a checkpoint; may be repeated")
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--views", type=int, default=8, help="how many changed views of each picture")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with plainly():
        training = load(data_folder(given.data), "train")
        images = training.take(~training.twins).images
        teachers = [load_teacher(path, HEADS, torch.device("cpu")) for path in given.teacher]
        probabilities = ask(teachers, images, given.views, given.seed)
        np.savez_compressed(given.out, probabilities=probabilities, made_of=fingerprint(images))
        print(f"{given.out}: {len(probabilities)} pictures, {given.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
