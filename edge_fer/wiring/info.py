"""From the config to what the node tells of itself."""

from __future__ import annotations

from edge_fer.config import tree as config
from edge_fer.config.values.source import SourceKind, kind_of
from edge_fer.contract.messages import CameraInfo, ModelInfo, PrivacyInfo
from edge_fer.emotion.classifier import packaged_model
from edge_fer.emotion.sidecar import Sidecar, beside
from edge_fer.inference.runtime import loaded_runtime
from edge_fer.support.redact import redacted

__all__ = ["camera_info", "model_info", "privacy_info"]


def camera_info(camera: config.CameraSection) -> CameraInfo:
    """What is told of a camera."""
    kind = kind_of(camera.source)
    asked = camera.size if kind in {SourceKind.DEVICE, SourceKind.PICAMERA2} else None
    return CameraInfo(source=redacted(camera.source), kind=kind, size=asked)


def privacy_info(privacy: config.PrivacySection) -> PrivacyInfo:
    """What is told of privacy."""
    return PrivacyInfo(pictures_published=False, events_published=privacy.events == "on", k_minimum=privacy.k_minimum)


def model_info(emotion: config.EmotionSection) -> ModelInfo:
    """What is told of the emotion model, out of its sidecar, for the cameras have loaded the rest."""
    sidecar = Sidecar.load(beside(emotion.model or packaged_model()))
    scores = {f"{data}.{name}": value for data, measures in sidecar.scores.items() for name, value in measures.items()}
    return ModelInfo(
        name=sidecar.name,
        sha256=sidecar.sha256,
        runtime=loaded_runtime(),
        labels=list(sidecar.labels),
        scores=scores,
    )
