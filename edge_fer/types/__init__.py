"""What flows from the camera to the broker. Frozen, slotted, and importing nothing of ours.

Invariants are checked once, where a value is made; everything downstream may rely on them.
"""

from __future__ import annotations

from edge_fer.types.alert import (
    Alert,
    AlertChange,
    AlertState,
    Resolution,
    SignalKey,
    SignalState,
    SignalValue,
    Standing,
)
from edge_fer.types.instant import Instant
from edge_fer.types.labels import LABEL_NAMES, LABEL_SETS, LABELS, UNCERTAIN, Label
from edge_fer.types.pause import Pause
from edge_fer.types.picture import (
    Box,
    CropFrame,
    Face,
    Frame,
    Image,
    Keypoints,
    Planes,
    Point,
    Quality,
    QualityFault,
    Track,
    View,
)
from edge_fer.types.reading import (
    EMOTION,
    Attributed,
    AttributeValue,
    Doubt,
    Event,
    EventKind,
    Reading,
    Scene,
    Scores,
)
from edge_fer.types.summary import Distress, Summary, SummaryNumbers

__all__ = [
    "EMOTION",
    "LABELS",
    "LABEL_NAMES",
    "LABEL_SETS",
    "UNCERTAIN",
    "Alert",
    "AlertChange",
    "AlertState",
    "AttributeValue",
    "Attributed",
    "Box",
    "CropFrame",
    "Distress",
    "Doubt",
    "Event",
    "EventKind",
    "Face",
    "Frame",
    "Image",
    "Instant",
    "Keypoints",
    "Label",
    "Pause",
    "Planes",
    "Point",
    "Quality",
    "QualityFault",
    "Reading",
    "Resolution",
    "Scene",
    "Scores",
    "SignalKey",
    "SignalState",
    "SignalValue",
    "Standing",
    "Summary",
    "SummaryNumbers",
    "Track",
    "View",
]
