"""The gate that judges updates on a node, which belongs to no package of Python."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "deploy" / "updates" / "node" / "gate.py"
_SPEC = importlib.util.spec_from_file_location("edge_fer_update_gate", FILE)
assert _SPEC
assert _SPEC.loader
gate = importlib.util.module_from_spec(_SPEC)
# its dataclasses look their module up
sys.modules[_SPEC.name] = gate
_SPEC.loader.exec_module(gate)
