#!/usr/bin/env python3
"""Prints the manifest by which Raspberry Pi Imager 2 knows an image on this computer, and offers users and SSH."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path


def manifest(image: Path, compressed: Path) -> dict[str, object]:
    """Returns the manifest of one image.

    Args:
        image: as it will be on the card.
        compressed: as it is kept, which the manifest names.
    """
    return {
        "os_list": [
            {
                "name": compressed.name.removesuffix(".img.zst"),
                "description": "A facial-emotion sensor that publishes over MQTT",
                "icon": "https://downloads.raspberrypi.com/raspios_armhf/Raspberry_Pi_OS_(32-bit).png",
                "url": compressed.resolve().as_uri(),
                "extract_size": image.stat().st_size,
                "extract_sha256": _sha256(image),
                "image_download_size": compressed.stat().st_size,
                "image_download_sha256": _sha256(compressed),
                "release_date": datetime.fromtimestamp(compressed.stat().st_mtime, UTC).date().isoformat(),
                "init_format": "cloudinit",
            }
        ]
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"Usage: {sys.argv[0]} IMAGE COMPRESSED-IMAGE")
    print(json.dumps(manifest(Path(sys.argv[1]), Path(sys.argv[2])), indent=2))
