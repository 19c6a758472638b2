"""edge-fer: a facial-emotion sensor for the Raspberry Pi that publishes over MQTT.

`Analyzer` reads pictures and videos from Python; it is loaded when it is first asked for, so that this import is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_fer.analyzer import Analyzer

__all__ = ["Analyzer", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Analyzer":
        from edge_fer.analyzer import Analyzer  # noqa: PLC0415

        return Analyzer
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
