"""Writes models of a few kilobytes: a fully connected layer over the picture, with the sidecar beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

#: Pixels along each side of the picture that goes in.
SIDE = 16
#: Steps of the picture, and of what comes out.
IN_SCALE, OUT_SCALE = 1 / 127, 0.1


def write_model(path: Path, gains: Sequence[float], bias: Sequence[float], *, channels: int = 1) -> None:
    """Writes a model whose outputs are each `gain` times the mean of the picture (-1 black, 1 white) plus `bias`."""
    pixels = SIDE * SIDE * channels
    step = (max(map(abs, gains)) or 1.0) / pixels / 127
    weights = np.repeat(np.rint(np.array(gains) / pixels / step).astype(np.int8)[:, None], pixels, axis=1)
    offsets = np.rint(np.array(bias) / (step * IN_SCALE)).astype(np.int32)
    made = schema.ModelT()
    made.version = 3
    made.buffers = [_buffer(b""), _buffer(weights.tobytes()), _buffer(offsets.tobytes())]
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("picture", [1, SIDE, SIDE, channels], schema.TensorType.INT8, 0, IN_SCALE),
        _tensor("weights", list(weights.shape), schema.TensorType.INT8, 1, step),
        _tensor("bias", [len(offsets)], schema.TensorType.INT32, 2, step * IN_SCALE),
        _tensor("outputs", [1, len(offsets)], schema.TensorType.INT8, 0, OUT_SCALE),
    ]
    graph.inputs, graph.outputs = [0], [3]
    connected = schema.OperatorT()
    connected.inputs, connected.outputs = [0, 1, 2], [3]
    connected.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    connected.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators = [connected]
    made.subgraphs = [graph]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    made.operatorCodes = [code]
    builder = flatbuffers.Builder(4096)
    builder.Finish(made.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def write_sidecar(path: Path, *, channels: int = 1, **more: Any) -> None:
    """Writes the sidecar of a model from `write_model`; `more` are its further fields, such as `labels`."""
    told = {
        "format": 1,
        "name": path.stem,
        "input": {"width": SIDE, "height": SIDE, "channels": channels, "range": [-1, 1]},
        "quantisation": {
            "input": {"scale": IN_SCALE, "zero_point": 0},
            "output": {"scale": OUT_SCALE, "zero_point": 0},
        },
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(told | more), encoding="utf-8")


CROP = {"eyes": [0.5, 0.35], "mouth": [0.5, 0.78], "box": {"scale": 1.2, "shift_x": 0.0, "shift_y": 0.0}}


def _buffer(data: bytes) -> schema.BufferT:
    made = schema.BufferT()
    made.data = np.frombuffer(data, np.uint8) if data else None
    return made


def _tensor(name: str, shape: list[int], kind: int, buffer: int, scale: float) -> schema.TensorT:
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name, shape, kind, buffer
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
    return made
