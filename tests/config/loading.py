"""Short ways to load a config in tests, apart from what the machine itself has."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_fer.config import ConfigFaults, Fault, Layer, Loaded, load

FILE = "config.yaml"


def load_text(folder: Path, text: str | bytes, **environ: str) -> Loaded:
    """The config of one file with this content."""
    file = folder / FILE
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load([Layer.file(file, required=True, name=FILE)], environ=environ, settings=False)


def faults_in(folder: Path, text: str | bytes, **environ: str) -> tuple[Fault, ...]:
    """The faults of one file with this content; the test fails if there are none."""
    with pytest.raises(ConfigFaults) as raised:
        load_text(folder, text, **environ)
    return raised.value.faults


def load_layers(*texts: str) -> Loaded:
    """The config of several texts, the lowest first."""
    return load([Layer(f"layer {index}", text) for index, text in enumerate(texts)], environ={}, settings=False)
