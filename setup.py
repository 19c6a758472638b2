"""Which packages there are, which setup.cfg cannot say: all of edge_fer, and the model, which lies beside it."""

from __future__ import annotations

from setuptools import find_packages, setup

# models/ stands at the top so that people find it, and is packed beside the code that loads it
setup(
    packages=[*find_packages(include=["edge_fer", "edge_fer.*"]), "edge_fer.models"],
    package_dir={"edge_fer": "edge_fer", "edge_fer.models": "models"},
)
