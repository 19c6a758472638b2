"""From the config to what the node tells of itself."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from edge_fer.capture.sources import kind_of
from edge_fer.config import tree as config
from edge_fer.config.output.writing import written
from edge_fer.contract.messages import CameraInfo, MachineInfo, ModelInfo, PrivacyInfo, RefusedUpdate
from edge_fer.daemon.machine import Machine
from edge_fer.emotion.classifier import packaged_model
from edge_fer.emotion.sidecar import Sidecar, beside
from edge_fer.inference.runtime import loaded_runtime
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.policy import Content
from edge_fer.support.files import read_file
from edge_fer.support.redact import redacted
from edge_fer.types import Instant

__all__ = ["camera_info", "config_hash", "machine_info", "model_info", "privacy_info", "refused_update"]

log = logging.getLogger(__name__)

#: What `edge-fer-update-gate` (deploy/updates) writes, and how many bytes it has at most.
_REFUSED: Final = Path("/var/lib/edge-fer-updates/refused.json")
_LARGEST: Final = 65_536


def camera_info(camera: config.CameraSection) -> CameraInfo:
    """What is told of a camera."""
    kind = kind_of(camera.source)
    asked = camera.size if kind.sized else None
    return CameraInfo(source=redacted(camera.source), kind=kind.name, size=asked)


def privacy_info(outlet: Outlet, now: Instant) -> PrivacyInfo:
    """What is told of privacy: what the sinks at work may get now."""
    allowed = {name: outlet.policy.allowed(name, now.mono) for name in outlet.sinks}
    published = allowed.get("mqtt", frozenset())
    return PrivacyInfo(
        pictures_published=Content.PICTURES in published,
        events_published=Content.EVENTS in published,
        k_minimum=outlet.policy.k_minimum,
        live=outlet.policy.live,
        recent="recent" in outlet.sinks,
        sinks={name: [content for content in Content if content in contents] for name, contents in allowed.items()},
    )


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


def machine_info(settings: config.Config) -> MachineInfo:
    """What is told of the device."""
    return MachineInfo(**asdict(Machine.this(settings.state_dir)))


def config_hash(settings: config.Config) -> str:
    """Sixteen hex digits that are the same for configs that mean the same."""
    text = json.dumps(written(settings), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def refused_update(file: Path = _REFUSED) -> RefusedUpdate | None:
    """The update that this device took back last; None where there is none."""
    try:
        return RefusedUpdate.model_validate_json(read_file(file, _LARGEST))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("%s cannot be read, so info does not tell which update was taken back: %s", file, error)
        return None
