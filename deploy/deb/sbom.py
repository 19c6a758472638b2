"""Writes a bill of materials (CycloneDX 1.5, JSON) of an installed environment: `python sbom.py ENVIRONMENT`.

It lists what is in the environment, from what pip wrote beside it, and the model files with their hashes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from edge_fer import __version__
from edge_fer.inference.catalogue import ALL


def bill(environment: Path) -> dict[str, Any]:
    """The bill of what is in one environment; not of the system's packages that it sees."""
    found = distributions(path=[str(folder) for folder in environment.glob("lib/python3*/site-packages")])
    parts = {part.metadata["Name"].lower(): part for part in found}
    own = parts.pop("edge-fer")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**_package(own), "type": "application", "version": __version__}},
        "components": [*(_package(parts[name]) for name in sorted(parts)), *_models(environment)],
    }


def _package(part: Distribution) -> dict[str, Any]:
    name, version = part.metadata["Name"], part.version
    purl = f"pkg:pypi/{name.lower().replace('_', '-').replace('.', '-')}@{version}"
    licence = part.metadata.get("License-Expression")
    if licence:
        licences = [{"expression": licence}]
    else:
        stated = (part.metadata.get("License") or "").strip().splitlines()
        classified = [
            line.rpartition(" :: ")[2] for line in part.metadata.get_all("Classifier", []) if "License" in line
        ]
        licences = [{"license": {"name": text}} for text in classified[:1] or stated[:1]]
    entry = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return {**entry, "licenses": licences} if licences else entry


def _models(environment: Path) -> list[dict[str, Any]]:
    """The model files, each with the hash of the file that is there."""
    licences = {asset.file: asset.licence for asset in ALL}
    files = sorted([*environment.rglob("*.tflite"), *environment.rglob("*.onnx")], key=lambda file: file.name)
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"file:{file.name}",
            "name": file.name,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}],
            "licenses": [{"license": {"id": licences.get(file.name, "Apache-2.0")}}],
        }
        for file in files
    ]


if __name__ == "__main__":
    print(json.dumps(bill(Path(sys.argv[1])), indent=1))
