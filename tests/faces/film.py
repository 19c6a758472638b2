"""An invented film with noise."""

from __future__ import annotations

import cv2
import numpy as np


class Film:
    """Pictures of a still scene by a poor camera under poor lamps."""

    def __init__(self, still, *, noise=0.0, flicker=0.0, bands=0.0, quality=None):
        self.still = still
        self.flicker, self.bands, self.quality = flicker, bands, quality
        random = np.random.default_rng(0)
        self.grain = [random.normal(0, noise, still.shape).astype(np.float32) for _ in range(5)]
        self.shown = 0

    def shot(self, still=None):
        self.shown += 1
        still = self.still if still is None else still
        rows = np.linspace(0, 1, len(still))
        light = 1 + self.flicker * np.sin(self.shown * 2.1) + self.bands * np.sin(self.shown * 1.7 + 9 * rows)
        light = light.astype(np.float32)[:, None, None]
        # five fields of noise, shifted so that no two shots are alike
        picture = still * light + np.roll(self.grain[self.shown % 5], self.shown * 7, axis=1)
        image = np.clip(picture, 0, 255).astype(np.uint8)
        if self.quality:
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1], 1)
        return image


POOR = {
    "nothing": {},
    "noise": {"noise": 4},
    "much noise": {"noise": 15},
    "flicker": {"flicker": 0.1, "noise": 3},
    "bands of a rolling shutter": {"bands": 0.1, "noise": 6},
    "compression": {"noise": 5, "quality": 25},
}
