"""Which camera a command looks at that takes `--source`."""

from __future__ import annotations

import argparse

from edge_fer.capture.sources import SAMPLE
from edge_fer.config import Config
from edge_fer.config.tree import CameraSection
from edge_fer.wiring import find_source

__all__ = ["add_source_argument", "camera_of"]


def add_source_argument(parser: argparse.ArgumentParser, *, or_sample: bool) -> None:
    """Adds `--source SOURCE`; `or_sample` as for `camera_of`."""
    parser.add_argument(
        "--source",
        metavar="SOURCE",
        help="a camera of the config by its name, or anything that a camera's `source` may be; "
        f"by default the config's first camera{', and the sample recording where there is none' if or_sample else ''}",
    )


def camera_of(settings: Config, wanted: str | None, *, or_sample: bool) -> tuple[str, CameraSection]:
    """The camera to look at, under its name, with a source that can be opened.

    Args:
        settings: the config.
        wanted: what `--source` says.
        or_sample: whether the sample recording will do where there is no camera.

    Raises:
        SourceError: there is no such camera.
    """
    name = wanted if wanted in settings.cameras else next(iter(settings.cameras))
    camera = settings.cameras[name]
    source = camera.source
    if wanted is not None and wanted != name:
        # the camera's login is for its own address alone
        source, camera = wanted, camera.model_copy(update={"username": None, "password_file": None})
    sample = SAMPLE.name if or_sample and wanted is None else None
    return name, camera.model_copy(update={"source": find_source(name, source, sample=sample)})
