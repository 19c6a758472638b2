"""The Python API: read a picture, or watch a video, with the pipeline that runs live.

from edge_fer import Analyzer

for face in Analyzer().read("photo.jpg").faces:
print(face.label, face.confidence)
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from edge_fer.capture.opencv.common import quieten
from edge_fer.capture.transform import transform
from edge_fer.clock.system import SystemClock
from edge_fer.config import Config, Layer, load, standard_files
from edge_fer.config.tree import CameraSection
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.errors import ConfigError, PictureError
from edge_fer.inference.store import Store
from edge_fer.pictures.annotation import annotated
from edge_fer.pictures.decoding import Picture, decode
from edge_fer.pictures.faces import FaceReading, PictureReading, read_picture, read_whole
from edge_fer.pictures.files import read_file, read_stream, shown
from edge_fer.pipeline.ports import Stages
from edge_fer.pipeline.step import Told
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import LABEL_SETS, Frame, Image, Reading
from edge_fer.wiring import build_pipeline, build_rules, build_stages, build_summaries, overview_of, play
from edge_fer.wiring.vision import make_classifier, make_zones

__all__ = ["Analyzer", "FaceReading", "Moment", "PictureReading"]

#: What a video is called in what is told of it, where no camera of the config lends its name.
VIDEO = "video"


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame of a video, and what it tells.

    Attributes:
        seconds: since the first frame.
        frame: the picture; None in the last moment, which comes after the end and tells who was still in view.
        readings: of everybody in view: those of this frame, or, where nothing has moved, those that still hold.
        told: all that the pipeline has to tell: events, alerts that begin or end, summaries.
    """

    seconds: float
    frame: Frame | None
    readings: tuple[Reading, ...]
    told: Told


class Analyzer:
    """Reads pictures and videos as the daemon would. Not for two threads at once.

    Args:
        config: a config file, in place of `/etc/edge-fer/config.yaml`, which need not exist; or a config that was
            loaded already.
        settings: what goes on top of all files, as people write it: `{"emotion": {"labels": "four"}}`.
        camera: read as this camera of the config does, with its zones, rotation and own sections; by default with
            the general sections.

    Raises:
        ConfigError: the config is wrong, or has no such camera.
        ModelError: a model is missing or wrong; told when it is first needed.
    """

    def __init__(
        self,
        config: Config | Path | str | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        camera: str | None = None,
    ) -> None:
        quieten()
        if not isinstance(config, Config):
            files = standard_files(None if config is None else Path(config))
            overrides = [Layer.mapping("settings", settings)] if settings else []
            config = load(files, overrides=overrides).config
        if camera is not None and camera not in config.cameras:
            msg = f"camera {camera} is not in the config"
            raise ConfigError(msg, remedy=f"Choose from {', '.join(config.cameras)}")
        self._config = config
        self._name = camera or VIDEO
        self._camera = (
            CameraSection(
                view=config.view,
                faces=config.faces,
                emotion=config.emotion,
                attributes=config.attributes,
                alerts=config.alerts,
            )
            if camera is None
            else config.cameras[camera]
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions that are told apart."""
        return LABEL_SETS[self._camera.emotion.labels]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of what else is read."""
        return tuple(self._camera.attributes)

    @property
    def min_size(self) -> float:
        """Smaller faces are left alone, in pixels between brows and chin."""
        return self._camera.faces.min_size

    def read(self, picture: Path | str | bytes | BinaryIO | Image, *, name: str | None = None) -> PictureReading:
        """Reads one picture.

        Args:
            picture: a file's path, a file's bytes, a stream of them, or pixels: RGB uint8 (height, width, 3).
            name: what to call it; by default its path.

        Returns:
            The faces in it with what they say, and the picture itself, upright, as it was looked at.

        Raises:
            PictureError: it cannot be read; says why, and what to do.
        """
        name = name or (shown(picture) if isinstance(picture, str | Path) else "picture")
        try:
            found = _opened(picture)
        except PictureError as error:
            msg = f"{name} {error.message}"
            raise PictureError(msg, remedy=error.remedy) from None
        image = transform(found.image, rotate=self._camera.rotate, flip=self._camera.flip)
        image = make_zones(self._camera).blank(image)
        emotion = self._camera.emotion
        faces = read_picture(self._stages, image, min_confidence=emotion.min_confidence, min_lead=emotion.min_lead)
        return PictureReading(name, image, faces, found.notes, read_whole(self._stages, image))

    def annotate(self, reading: PictureReading, *, activation: bool = False) -> Image:
        """A drawing of what was read: boxes, labels and score bars over the picture.

        Args:
            reading: from `read`.
            activation: lay over each face where the model saw its leading emotion; coarse, and no reason.

        Returns:
            RGB uint8; a small picture is enlarged, so that the letters can be read.
        """
        return annotated(reading, classifier=self._classifier if activation else None)

    def watch(self, source: Path | str) -> Generator[Moment, None, None]:
        """Takes a video through the camera's pipeline, frame by frame, with the readings that live would give.

        Args:
            source: a video file, or anything else that a camera's `source` may be in the config.

        Yields:
            A moment for each frame, and one after the last.

        Raises:
            SourceError: it cannot be read.
        """
        name, config = self._name, self._config
        # the camera's login is for its own address alone
        camera = self._camera.model_copy(update={"source": str(source), "username": None, "password_file": None})
        summaries = build_summaries(name, camera, config)
        rules = build_rules(name, camera, config, summaries.trend)
        store = Store(config.models_dir)
        pipeline = build_pipeline(
            name,
            camera,
            store=store,
            time=Stopwatch(),
            overview=overview_of(camera),
            rules=rules,
            summaries=summaries,
        )
        readings: tuple[Reading, ...] = ()
        first = at = None
        with closing(play(name, camera, clock=SystemClock())) as frames:
            for frame in frames:
                told, at = pipeline.step(frame), frame.at
                first = first or at
                readings = readings if told.readings is None else told.readings
                yield Moment(at.mono - first.mono, frame, readings, told)
        if first is not None and at is not None:
            told, end = pipeline.finish(at), pipeline.end(at)
            told = replace(told, summaries=(*told.summaries, *end.summaries))
            yield Moment(at.mono - first.mono, None, (), told)

    @cached_property
    def _classifier(self) -> EmotionClassifier:
        return make_classifier(self._camera.emotion)

    @cached_property
    def _stages(self) -> Stages:
        return build_stages(self._camera, store=Store(self._config.models_dir), classifier=self._classifier)


def _opened(picture: Path | str | bytes | BinaryIO | Image) -> Picture:
    if isinstance(picture, np.ndarray):
        if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape or picture.dtype != np.uint8:
            msg = f"is {picture.dtype} {picture.shape}, not RGB uint8 (height, width, 3)"
            raise PictureError(msg, remedy="Convert it, with `cv2.cvtColor` from OpenCV's BGR")
        return Picture(picture)
    if isinstance(picture, str | Path):
        return decode(read_file(Path(picture)))
    return decode(picture if isinstance(picture, bytes) else read_stream(picture))
