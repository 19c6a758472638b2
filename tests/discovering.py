"""What Home Assistant is told of the daemon in tests."""

from __future__ import annotations

TOPIC = "homeassistant/device/test/config"


ON = {"enabled": True}


EVERYBODY = {
    "when": {"emotion": ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"], "score": 0.9},
    "for": "1s",
}
